#include "myra/transport/stream_table.hpp"

#include <new>

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

void stream_table::drain() noexcept {
  // Handlers are told, and may let go of any other stream.
  intrusive_list<stream, stream_tag> waiting;
  waiting.append(live_);
  while (stream* member = waiting.pop_front()) {
    live_.push_back(*member);
    member->drain();
  }
}

void stream_table::cut() noexcept {
  live_.for_each(
      [](stream& member) { member.fail(make_error_code(transport_errc::drain_timeout)); });
}

}  // namespace myra
