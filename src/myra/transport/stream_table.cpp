#include "myra/transport/stream_table.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <string>
#include <utility>

#include "myra/io/error_table.hpp"
#include "myra/transport/error_words.hpp"

namespace myra {

stream_table& stream_table::of(loop& runs) {
  if (runs.transport() == nullptr) runs.set_transport(std::make_unique<stream_table>(runs));
  return static_cast<stream_table&>(*runs.transport());
}

stream_table::~stream_table() { assert(count_ == 0 && "streams outlive their loop"); }

stream* stream_table::adopt(io::descriptor socket, const connection_options& options) noexcept {
  if (free_cells_ == nullptr) {
    try {
      // Uninitialised on purpose: memory that no connection used yet is not touched.
      chunks_.push_back(make_line_array_for_overwrite<cell>(chunk_cells));
    } catch (const std::bad_alloc&) {
      loop_.backend().sockets().close(socket);
      return nullptr;
    }
    for (std::size_t i = chunk_cells; i-- > 0;) {
      cell& added = chunks_.back()[i];
      added.next_free = free_cells_;
      added.generation = 0;
      free_cells_ = &added;
    }
  }
  cell* taken = free_cells_;
  free_cells_ = taken->next_free;
  taken->generation = ++generation_;
  auto* made = new (taken->memory.data()) stream(*this, socket, options, generation_);
  live_.push_back(*made);
  ++count_;
  ++open_count_;
  ++loop_.tally().connections_opened;
  made->announce_open();
  return made;
}

void stream_table::free(stream& ended) noexcept {
  ended.unlink();
  auto* memory = reinterpret_cast<cell*>(&ended);
  ended.~stream();
  memory->generation = 0;
  memory->next_free = free_cells_;
  free_cells_ = memory;
  --count_;
}

send_vector* stream_table::acquire_vector() noexcept {
  if (free_vectors_ == nullptr) {
    try {
      vectors_.push_back(std::make_unique<send_vector>());
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    return vectors_.back().get();
  }
  send_vector* taken = free_vectors_;
  free_vectors_ = taken->next_free;
  return taken;
}

void stream_table::release_vector(send_vector& used) noexcept {
  used.next_free = free_vectors_;
  free_vectors_ = &used;
}

zero_copy_send* stream_table::acquire_zero_copy(stream& of,
                                                io::completion_handler handler) noexcept {
  zero_copy_send* taken = free_zero_copies_;
  if (taken != nullptr) {
    free_zero_copies_ = taken->next_free;
  } else {
    try {
      zero_copies_.push_back(std::make_unique<zero_copy_send>(handler));
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    taken = zero_copies_.back().get();
  }
  taken->of = &of;
  taken->sent_bytes = 0;
  taken->told = false;
  return taken;
}

void stream_table::release_zero_copy(zero_copy_send& used) noexcept {
  assert(used.slots.empty() && used.parts == nullptr);
  used.next_free = free_zero_copies_;
  free_zero_copies_ = &used;
}

void stream_table::tell_of_locked_memory() noexcept {
  if (std::exchange(told_of_locked_memory_, true)) return;
  loop_.log()(log_level::warning,
              "connection: the kernel refused a zero-copy send for want of locked memory" +
                  io::limit_words(ENOMEM) + "; such sends are copies for a while");
}

void stream_table::drain() noexcept {
  // Handlers are told, and may let go of any other stream.
  intrusive_list<stream, stream_tag> waiting;
  waiting.append(live_);
  while (stream* member = waiting.pop_front()) {
    live_.push_back(*member);
    member->drain();
  }
}

void stream_table::relieve(time_point since, const deferred* only_waiter) noexcept {
  // What lies in the kernel's ring is nobody's. All that hold less than half their share leave half
  // of the pool, so that the want is over and not only put off.
  const std::uint32_t slots = loop_.pool().slot_count_max();
  const std::uint32_t ready = std::min(loop_.backend().ready_buffer_count(), slots);
  const std::uint64_t slot_size = loop_.pool().slot_size_bytes();
  const std::uint64_t half_share =
      std::max((slots - ready) * slot_size / std::max(open_count_, 1U) / 2, slot_size);
  std::uint64_t cut_count = 0;
  live_.for_each([&](stream& member) {
    if (!member.stalled_since(since) || member.waits_as(only_waiter)) return;
    if (member.held_bytes() < half_share) return;
    member.evict();
    ++cut_count;
  });
  if (cut_count == 0) return;
  loop_.tally().buffer_cuts += cut_count;
  loop_.log()(
      log_level::warning,
      "reactor: buffers are waited for and " + std::to_string(loop_.pool().obtainable_count()) +
          " of " + std::to_string(slots) + " are left: closed " + std::to_string(cut_count) +
          " connections that got nothing sent for " + words_of(loop_.options().shortage_patience) +
          " and held " + std::to_string(half_share) + " bytes of them or more");
}

stream_table::hold_back_timer::hold_back_timer(stream_table& owner) noexcept
    : timer([](timer& fired) noexcept {
        static_cast<hold_back_timer&>(fired).self.look_at_held_back();
      }),
      self(owner) {}

void stream_table::look_at_held_back_later() noexcept {
  if (hold_back_timer_.armed()) return;
  constexpr duration pause_max = std::chrono::milliseconds(250);
  const duration pause = std::min(loop_.options().shortage_patience / 4, pause_max);
  loop_.timers().arm(hold_back_timer_, after(loop_.now(), std::max(pause, timer_wheel::tick)));
}

void stream_table::look_at_held_back() noexcept {
  loop_.pool().collect();
  // Handlers are told, and may let go of any other stream.
  intrusive_list<stream, stream_tag> waiting;
  waiting.append(live_);
  while (stream* member = waiting.pop_front()) {
    live_.push_back(*member);
    member->look_at_hold_back();
  }
}

void stream_table::cut() noexcept {
  live_.for_each(
      [](stream& member) { member.fail(make_error_code(transport_errc::drain_timeout)); });
}

}  // namespace myra
