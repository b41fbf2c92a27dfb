#include "myra/io/epoll/epoll_backend.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "myra/io/epoll/busy_poll.hpp"
#include "myra/io/error_table.hpp"

namespace myra::io {
namespace {

/// No descriptor's event: those have a 16-bit generation in their upper half.
constexpr std::uint64_t wake_tag = UINT64_MAX;

/// backend_index keeps the result of an operation in ready_.
std::uint32_t packed(int result) noexcept { return static_cast<std::uint32_t>(result); }
int unpacked(std::uint32_t index) noexcept { return static_cast<int>(index); }

}  // namespace

opened<std::unique_ptr<epoll_backend>> epoll_backend::open(const epoll_options& options,
                                                           buffer_pool& pool) {
  const int epoll_descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_descriptor < 0)
    return report(kernel_error(-errno), "epoll instance" + limit_words(errno));
  const int wake_descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event wakes{};
  wakes.events = EPOLLIN | EPOLLET;
  wakes.data.u64 = wake_tag;
  if (wake_descriptor < 0 ||
      ::epoll_ctl(epoll_descriptor, EPOLL_CTL_ADD, wake_descriptor, &wakes) != 0) {
    const std::error_code error = kernel_error(-errno);
    if (wake_descriptor >= 0) ::close(wake_descriptor);
    ::close(epoll_descriptor);
    return report(error, "eventfd for waking the loop" + limit_words(error.value()));
  }
  return std::unique_ptr<epoll_backend>(
      new epoll_backend(options, pool, epoll_descriptor, wake_descriptor));
}

epoll_backend::epoll_backend(const epoll_options& options, buffer_pool& pool, int epoll_descriptor,
                             int wake_descriptor) noexcept
    : epoll_descriptor_(epoll_descriptor),
      wake_descriptor_(wake_descriptor),
      wait_(options.wait),
      spin_time_(options.spin_time),
      busy_polling_(options.busy_poll != duration::zero() &&
                    poll_cards(epoll_descriptor, options.busy_poll, options.prefer_busy_poll) == 0),
      pool_(pool),
      large_pool_(options.large_pool) {
  counters_.kernel_entries = options.busy_poll == duration::zero() ? 3 : 4;  // those of open()
}

epoll_backend::~epoll_backend() {
  assert(in_flight_count_ == 0 && "backend destroyed with operations in flight");
  if (spare_ != nullptr) pool_.reclaim(*spare_);
  if (large_spare_ != nullptr) large_pool_->reclaim(*large_spare_);
  ::close(wake_descriptor_);
  ::close(epoll_descriptor_);
}

void epoll_backend::submit(operation& submitted) noexcept {
  assert(submitted.idle() && "operation submitted twice");
  submitted.state = operation_state::queued;
  submitted.cancelled = false;
  ++counters_.submissions;
  ++in_flight_count_;
  queued_.push_back(submitted);
}

void epoll_backend::cancel(operation& unwanted) noexcept {
  if (unwanted.idle() || unwanted.cancelled) return;
  unwanted.cancelled = true;
  // What is in a queue is seen there by its mark. What waits in the table is taken out of it.
  if (unwanted.state == operation_state::queued) return;
  if (!table_.admitted(unwanted.descriptor.number())) return;  // its result is -EBADF
  watched_descriptor& on = table_[unwanted.descriptor.number()];
  if (unwanted.kind() == operation_kind::send_datagram)
    return unlist_datagram(on, static_cast<send_datagram_operation&>(unwanted));
  if (on.reader == &unwanted) {
    if (on.reader_listed) return;
    on.reader = nullptr;
    settle(unwanted, -ECANCELED);
  } else if (on.writer == &unwanted) {
    if (on.writer_listed) {
      retry_at_ = {};
      return;
    }
    on.writer = nullptr;
    const std::uint32_t done = unwanted.kind() == operation_kind::send ? unwanted.backend_index : 0;
    settle(unwanted, done > 0 ? unpacked(done) : -ECANCELED);
  } else {
    for (operation** link = &on.polls; *link != nullptr; link = &(*link)->backend_next) {
      if (*link != &unwanted) continue;
      *link = unwanted.backend_next;
      return settle(unwanted, -ECANCELED);
    }
  }
}

result<void> epoll_backend::wait(time_point deadline, time_point now) noexcept {
  ++counters_.waits;
  if (!retries_.empty() && now >= retry_at_) retry_connects(now);
  while (operation* begun = queued_.pop_front()) execute(*begun);
  send_datagrams();
  const int timeout = timeout_ms(deadline, now);
  const bool spins = timeout != 0 && wait_ == waiting::spin_then_block;
  const int status = spins ? spin_then_ask(deadline) : ask(timeout);
  event_count_ = std::max(status, 0);
  if (status >= 0 || reaction_to(failing_call::enter, status) != reaction::fatal) return {};
  return failure(kernel_error(status));
}

int epoll_backend::ask(int timeout_ms) noexcept {
  ++counters_.kernel_entries;
  if (timeout_ms != 0) ++counters_.sleeps;
  const int count = ::epoll_wait(epoll_descriptor_, events_.data(), event_count_max, timeout_ms);
  return count >= 0 ? count : -errno;
}

int epoll_backend::spin_then_ask(time_point deadline) noexcept {
  int status = 0;
  const auto came = [this, &status] { return (status = ask(0)) != 0; };
  const time_point end = std::min(deadline, after(clock::now(), spin_time_));
  if (spin_until(end, 1, came)) return status;
  return ask(timeout_ms(deadline, clock::now()));
}

int epoll_backend::timeout_ms(time_point deadline, time_point now) const noexcept {
  if (!ready_.empty() || !attempts_.empty() || wait_ == waiting::spin) return 0;
  deadline = std::min(deadline, next_look());
  if (deadline == never) return -1;
  if (deadline <= now) return 0;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<int>(std::min<std::int64_t>(ms, INT_MAX));
}

void epoll_backend::execute(operation& begun) noexcept {
  begun.state = operation_state::in_flight;
  const operation_kind kind = begun.kind();
  // A close is never taken back: the descriptor would leak.
  if (begun.cancelled && kind != operation_kind::close) return settle(begun, -ECANCELED);
  if (kind == operation_kind::cancel) return start_cancel(static_cast<cancel_operation&>(begun));
  if (const int status = table_.admit(begun.descriptor.number()); status < 0)
    return settle(begun, status);
  switch (kind) {
    case operation_kind::accept: return start_accept(static_cast<accept_operation&>(begun));
    case operation_kind::connect: return start_connect(static_cast<connect_operation&>(begun));
    case operation_kind::receive:
      return start_reader(begun, static_cast<receive_operation&>(begun).poll_first);
    case operation_kind::send: return start_send(static_cast<send_operation&>(begun));
    case operation_kind::send_zero_copy: return settle(begun, -EOPNOTSUPP);
    case operation_kind::shutdown: return start_shutdown(static_cast<shutdown_operation&>(begun));
    case operation_kind::close: return start_close(static_cast<close_operation&>(begun));
    case operation_kind::poll: return start_poll(static_cast<poll_operation&>(begun));
    case operation_kind::receive_datagram:
      return start_reader(begun, static_cast<receive_datagram_operation&>(begun).poll_first);
    case operation_kind::send_datagram:
      return start_send_datagram(static_cast<send_datagram_operation&>(begun));
    case operation_kind::cancel:
    case operation_kind::link_timeout: return settle(begun, -EINVAL);  // of chains only
    case operation_kind::hand_over: return settle(begun, -EOPNOTSUPP);
  }
}

void epoll_backend::start_cancel(cancel_operation& asked) noexcept {
  const bool found = !asked.unwanted->idle();
  cancel(*asked.unwanted);
  settle(asked, found ? 0 : -ENOENT);
}

void epoll_backend::start_shutdown(shutdown_operation& shutdown) noexcept {
  ++counters_.kernel_entries;
  settle(shutdown, ::shutdown(shutdown.descriptor.number(), shutdown.how) == 0 ? 0 : -errno);
}

void epoll_backend::start_close(close_operation& close) noexcept {
  table_.forget(close.descriptor.number());
  ++counters_.kernel_entries;
  // The descriptor is gone after EINTR as well (close(2)).
  const bool closed = ::close(close.descriptor.number()) == 0 || errno == EINTR;
  settle(close, closed ? 0 : -errno);
}

void epoll_backend::deliver() noexcept {
  // What handlers bring about on the way is for the next turn.
  operation_queue silent = silent_.take();
  operation_queue ready = ready_.take();
  operation_queue attempts = attempts_.take();
  while (operation* sent = silent.pop_front()) {
    ++counters_.silent_sends;
    finish(*sent, unpacked(sent->backend_index));
  }
  while (operation* ended = ready.pop_front()) finish(*ended, unpacked(ended->backend_index));
  for (int i = 0; i < event_count_; ++i) take_event(events_[static_cast<std::size_t>(i)]);
  event_count_ = 0;
  while (operation* listed = attempts.pop_front()) attempt(*listed);
}

void epoll_backend::take_event(const epoll_event& event) noexcept {
  constexpr std::uint32_t hang_up = EPOLLHUP | EPOLLERR;
  if (event.data.u64 == wake_tag) return take_wake();
  watched_descriptor* on = table_.find(event);
  if (on == nullptr) {
    ++counters_.late_completions;
    return;
  }
  if ((event.events & (descriptor_table::read_interest | hang_up)) != 0) {
    on->readable = true;
    if ((event.events & (EPOLLPRI | EPOLLRDHUP | hang_up)) != 0) on->read_on = true;
    if (on->reader != nullptr && !on->reader_listed) run_reader(*on);
    if (table_.find(event) == nullptr) return;  // a handler closed it
  }
  if ((event.events & (EPOLLOUT | hang_up)) != 0 && on->writer != nullptr && !on->writer_listed) {
    run_writer(*on, event.events);
    if (table_.find(event) == nullptr) return;
  }
  if (on->polls != nullptr) run_polls(*on, event.events);
}

void epoll_backend::take_wake() noexcept {
  // Whoever wakes from here on writes again. What was made known before the write that this event
  // reports is visible to this thread after it.
  waking_.exchange(false, std::memory_order_acq_rel);
  ++counters_.wakes;
  ++counters_.kernel_entries;  // the write(2) of the waking thread
}

void epoll_backend::wake() noexcept {
  if (waking_.exchange(true, std::memory_order_acq_rel)) return;
  const std::uint64_t one = 1;
  // The event is the edge that each write makes; the counter is never read, and at its limit, after
  // 2^64 wakes, is a matter for the next process.
  [[maybe_unused]] const auto written = ::write(wake_descriptor_, &one, sizeof one);
}

void epoll_backend::attempt(operation& listed) noexcept {
  watched_descriptor& on = table_[listed.descriptor.number()];
  on.reader_listed = false;
  if (listed.cancelled) return end_reader(on, listed, -ECANCELED);
  run_reader(on);
}

void epoll_backend::run_reader(watched_descriptor& on) noexcept {
  if (on.reader->kind() == operation_kind::receive)
    run_receive(on, static_cast<receive_operation&>(*on.reader));
  else if (on.reader->kind() == operation_kind::receive_datagram)
    run_receive_datagrams(on, static_cast<receive_datagram_operation&>(*on.reader));
  else
    run_accept(on, static_cast<accept_operation&>(*on.reader));
}

void epoll_backend::run_writer(watched_descriptor& on, std::uint32_t events) noexcept {
  operation& writer = *on.writer;
  if (writer.kind() == operation_kind::send_datagram) return resume_send_datagrams(on);
  const int result = writer.kind() == operation_kind::send
                         ? resume_send(static_cast<send_operation&>(writer))
                         : resume_connect(static_cast<connect_operation&>(writer), events);
  if (result == -EAGAIN) return;
  on.writer = nullptr;
  finish(writer, result);
}

void epoll_backend::arm_reader(watched_descriptor& on, operation& reader) noexcept {
  const int status = table_.watch(reader.descriptor.number(), descriptor_table::read_interest);
  if (status < 0) end_reader(on, reader, status);
}

void epoll_backend::list_reader(watched_descriptor& on, operation& reader) noexcept {
  on.reader_listed = true;
  attempts_.push_back(reader);
}

void epoll_backend::end_reader(watched_descriptor& on, operation& reader, int result) noexcept {
  on.reader = nullptr;
  finish(reader, result);
}

void epoll_backend::settle(operation& ended, int result) noexcept {
  ended.backend_index = packed(result);
  ready_.push_back(ended);
}

void epoll_backend::finish(operation& ended, int result) noexcept {
  completion what(result);
  finish(ended, what);
}

void epoll_backend::finish(operation& completed, completion& what) noexcept {
  ++counters_.completions;
  if (!what.more) {
    completed.state = operation_state::idle;
    --in_flight_count_;
  }
  completed.complete(what);
}

bool epoll_backend::pending() const noexcept {
  const bool retries_now = !retries_.empty() && retry_at_ == time_point{};
  return !queued_.empty() || !ready_.empty() || !attempts_.empty() || retries_now;
}

time_point epoll_backend::next_look() const noexcept {
  return retries_.empty() ? never : retry_at_;
}

backend_counters epoll_backend::counters() const noexcept {
  backend_counters now = counters_;
  now.kernel_entries += table_.kernel_entries();
  return now;
}

}  // namespace myra::io
