#include "myra/reactor/loop.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "myra/reactor/choose_backend.hpp"
#include "myra/reactor/counter_board.hpp"
#include "myra/reactor/watchdog.hpp"

namespace myra {

namespace {

std::string pool_words(const char* pool, std::uint32_t slot_count, std::uint32_t slot_size_bytes) {
  return std::string("memory for ") + pool + ": " + std::to_string(slot_count) + " slots of " +
         std::to_string(slot_size_bytes) + " bytes";
}

}  // namespace

opened<std::unique_ptr<loop>> loop::open(const reactor_options& options) {
  if (auto complaint = check(options); !complaint.empty())
    return report(std::make_error_code(std::errc::invalid_argument), std::move(complaint));
  auto pool = buffer_pool::open(options.pool);
  if (!pool)
    return report(pool.error(), pool_words("the buffer pool", options.pool.slot_count_initial,
                                           options.pool.slot_size_bytes));
  auto large_pool = open_large_pool(options);
  if (!large_pool)
    return report(large_pool.error(),
                  pool_words("the pool of large buffers", options.large_buffers.count_max,
                             options.large_buffers.size_bytes));
  auto chosen = choose_backend(options, **pool, large_pool->get());
  if (!chosen) return std::unexpected(std::move(chosen.error()));
  reactor_options usable = options;
  usable.features = chosen->features;
  try {
    return std::unique_ptr<loop>(new loop(usable, std::move(*pool), std::move(*large_pool),
                                          std::move(chosen->backend), std::move(chosen->reason)));
  } catch (const std::system_error& refused) {
    return report(refused.code(), "a thread for the watchdog");
  }
}

loop::loop(const reactor_options& options, buffer_pool::owner pool, buffer_pool::owner large_pool,
           std::unique_ptr<io::backend> backend, std::string reason)
    : options_(options),
      reason_(std::move(reason)),
      pool_(std::move(pool)),
      large_pool_(std::move(large_pool)),
      backend_(std::move(backend)),
      timers_(backend_->now()),
      inbox_(options.inbox_capacity),
      now_(backend_->now()) {
  pool_->on_homecoming([](void* self) noexcept { static_cast<loop*>(self)->wake(); }, this);
  if (options.watchdog)
    watchdog_ = std::make_unique<watchdog>(options.stall_threshold, options.log);
  times_turns_ = options.latency != latency_timing::off;
  times_messages_ = options.latency == latency_timing::messages;
  if (times_turns_ || options.publish_counters)
    board_ = std::make_shared<counter_board>(backend_->kind(), options.latency);
}

loop::~loop() {
  watchdog_.reset();
  // Calls that nobody will run may own connections and buffers: they go while there is a loop to go
  // to.
  inbox_.close();
  // Bounded: whatever was cut is in the kernel's hands for a few turns at most, and what its end
  // brought about, such as an attempt to connect again, is cut as well. Nothing that the kernel may
  // still write to is freed before.
  begin_turns();
  for (cut(); !drained(); cut())
    if (!turn(now_ + std::chrono::milliseconds(10))) break;
  transport_.reset();
  if (board_) board_->show(counters());
}

void loop::set_transport(std::unique_ptr<drainable> made) noexcept {
  transport_ = std::move(made);
  enlist(*transport_);
}

void loop::drain() noexcept {
  // Handlers are told, and may end any other member.
  intrusive_list<drainable, drainable_tag> waiting;
  waiting.append(drainables_);
  while (drainable* member = waiting.pop_front()) {
    drainables_.push_back(*member);
    member->drain();
  }
}

void loop::cut() noexcept {
  drainables_.for_each([](drainable& member) { member.cut(); });
}

bool loop::drained() noexcept {
  bool all = true;
  drainables_.for_each([&all](drainable& member) { all = all && member.drained(); });
  return all;
}

loop_counters loop::counters() const noexcept {
  loop_counters now = tally_;
  now.backend = backend_->counters();
  now.kernel_entries = now.backend.kernel_entries + backend_->sockets().entries();
  std::uint64_t with_kernel = pool_->kernel_count();
  std::uint64_t with_application = pool_->application_count();
  now.buffers.free = pool_->free_count();
  if (large_pool_ != nullptr) {
    with_kernel += large_pool_->kernel_count();
    with_application += large_pool_->application_count();
    now.buffers.free += large_pool_->free_count();
  }
  if (const buffer_pool* area = backend_->receive_area_pool(); area != nullptr)
    with_application += area->application_count();
  now.buffers.in_ring = std::min<std::uint64_t>(backend_->ready_buffer_count(), with_kernel);
  now.buffers.in_flight = with_kernel - now.buffers.in_ring;
  // A handler may have claimed what it was lent, and passed it on.
  now.buffers.lent = std::min(now.buffers.lent, with_application);
  now.buffers.detached = with_application - now.buffers.lent;
  return now;
}

post_status loop::post(posted_call& call) {
  bool must_wake = false;
  const post_status status = inbox_.post(call, must_wake);
  if (must_wake) wake();
  return status;
}

void loop::await_buffer(deferred& task) noexcept {
  if (task.linked()) return;
  ++tally_.buffer_waits;
  if (starved_.empty()) fed_count_ = pool_->returned_count();
  starved_.push_back(task);
  if (options_.shortage_patience != duration::zero() && !shortage_timer_.armed())
    timers_.arm(shortage_timer_, after(now_, options_.shortage_patience));
}

loop::shortage_timer::shortage_timer(loop& owner) noexcept
    : timer([](timer& fired) noexcept {
        static_cast<shortage_timer&>(fired).self.look_at_shortage();
      }),
      self(owner) {}

/// Somebody waited when the patience began, and somebody waits now.
void loop::look_at_shortage() noexcept {
  if (starved_.empty()) return;
  constexpr int looks = 4;  // in the time of one patience
  constexpr std::uint32_t few = 8;
  const duration patience = options_.shortage_patience;
  pool_->collect();
  if (transport_ && pool_->obtainable_count() < std::max(pool_->slot_count_max() / few, 1U)) {
    std::uint32_t count = 0;
    starved_.for_each([&count](deferred&) { ++count; });
    transport_->relieve(now_ - patience, count == 1 ? &starved_.front() : nullptr);
  }
  pool_->forget_refusal();
  timers_.arm(shortage_timer_, after(now_, std::max(patience / looks, timer_wheel::tick)));
}

void loop::run_deferred() noexcept {
  // What a call defers anew is for the next turn but one kernel entry away: the list is taken as it
  // stands.
  intrusive_list<deferred, deferred_tag> now;
  now.append(deferred_);
  while (deferred* task = now.pop_front()) task->call();
}

void loop::feed_waiters() noexcept {
  // First, so that a buffer which comes home after the look wakes the loop.
  pool_->want_homecoming();
  pool_->collect();
  const std::uint64_t returned = pool_->returned_count() - fed_count_;
  const std::uint64_t free =
      std::uint64_t{pool_->obtainable_count()} + backend_->ready_buffer_count();
  fed_count_ = pool_->returned_count();
  // Each is called once: one that cannot make do with what there is waits again.
  intrusive_list<deferred, deferred_tag> now;
  now.append(starved_);
  const std::uint64_t wanted = std::min(std::max(returned, free), feed_room_);
  for (to_feed_ = wanted; to_feed_ > 0 && !now.empty(); --to_feed_) now.pop_front()->call();
  feed_room_ -= wanted - to_feed_;
  // Who was called may have nothing to receive, and then nothing tells of the buffer that it left.
  if (!now.empty() && free != 0) hastened_ = true;
  now.append(starved_);
  starved_.append(now);
}

void loop::feed_before_wait() noexcept {
  feed_waiters();
  // What goes silently gives its buffers back with the next kernel entry, and wakes nobody.
  if (!starved_.empty() && sends_seen_ != tally_.sends) hastened_ = true;
}

void loop::note_work() noexcept {
  // Reading the clock costs as much as a small message; the rough one tells when that is worth it.
  constexpr duration worth_it = std::chrono::milliseconds(2);
  duration lasted;
  if (times_turns_) [[unlikely]] {
    lasted = time_turn();
    if (lasted < worth_it) return;
  } else {
    if (backend_->rough_now() - now_ < worth_it) return;
    lasted = backend_->now() - now_;
  }
  now_ += lasted;
  if (options_.stall_threshold == duration::zero() || lasted < options_.stall_threshold) return;
  ++tally_.stalls;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(lasted).count();
  options_.log(log_level::warning,
               "reactor: handlers blocked the loop for " + std::to_string(ms) + " ms in one turn");
}

duration loop::time_turn() noexcept {
  const io::backend_counters done = backend_->counters();
  const std::uint64_t work =
      done.completions + done.silent_sends + tally_.timers_fired + tally_.posts;
  const duration lasted = backend_->now() - now_;
  if (std::exchange(work_seen_, work) != work) board_->turns_.add(lasted);
  return lasted;
}

void loop::time_message() noexcept { board_->messages_.add(backend_->now() - now_); }

void loop::begin_turns() noexcept {
  // A loop may be opened on one thread and turn on another.
  pool_->adopt_thread();
  if (large_pool_ != nullptr) large_pool_->adopt_thread();
  if (buffer_pool* area = backend_->receive_area_pool(); area != nullptr) area->adopt_thread();
  now_ = backend_->now();
}

void loop::end_turns() noexcept {
  note_work();
  if (board_) [[unlikely]]
    board_->show(counters());
  if (watchdog_) watchdog_->end();
}

time_point loop::before_wait(time_point deadline) noexcept {
  preparing_ = true;
  run_deferred();
  if (!starved_.empty()) [[unlikely]]
    feed_before_wait();
  sends_seen_ = tally_.sends;
  preparing_ = false;
  const bool work_left = std::exchange(hastened_, false) || !deferred_.empty() || !inbox_.empty();
  end_turns();
  return work_left ? time_point{} : std::min(deadline, timers_.next());
}

void loop::after_wait() noexcept {
  now_ = backend_->now();
  if (watchdog_) watchdog_->begin(now_);
  backend_->deliver();
  tally_.timers_fired += timers_.advance(now_);
  tally_.posts += inbox_.drain();
  if (!starved_.empty()) [[unlikely]] {
    feed_room_ = options_.receive_buffer_count;
    feed_waiters();
  }
}

result<void> loop::turn(time_point deadline) noexcept {
  deadline = before_wait(deadline);
  const auto waited = backend_->wait(deadline, now_);
  after_wait();
  return waited;
}

result<void> loop::settle() noexcept {
  constexpr int turn_max = 8;
  const auto left = [this] {
    return hastened_ || !deferred_.empty() || !inbox_.empty() || backend_->pending();
  };
  for (int i = 0; i < turn_max && left(); ++i)
    if (auto turned = turn(time_point{}); !turned) return turned;
  // Whoever polls our descriptor has to come back at once.
  if (left()) wake();
  return {};
}

}  // namespace myra
