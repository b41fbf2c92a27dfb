#include "myra/reactor/chain.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace myra {

template <class Operation>
void operation_chain::own<Operation>::ended(io::operation& completed,
                                            io::completion& what) noexcept {
  step& of = static_cast<own&>(completed).of;
  if constexpr (std::is_same_v<Operation, io::link_timeout_operation>)
    of.owner.limit_ended(of, what.result);
  else
    of.owner.step_ended(of, what);
}

io::operation& operation_chain::step::operation() noexcept {
  return std::visit([](auto& each) -> io::operation& { return each; }, held);
}

operation_chain::~operation_chain() { assert(!running() && "chain destroyed while it runs"); }

template <class Operation>
operation_chain::own<Operation>& operation_chain::add() {
  assert(!running() && !done_ && "a chain is built before it starts");
  step& added = steps_.emplace_back(*this, std::in_place_type<Operation>);
  added.report.kind = added.operation().kind();
  return std::get<own<Operation>>(added.held);
}

operation_chain& operation_chain::connect(io::descriptor socket, const sockaddr* address,
                                          socklen_t size) {
  auto& made = add<io::connect_operation>();
  assert(size <= sizeof made.of.address);
  std::memcpy(&made.of.address, address, size);
  made.descriptor = socket;
  made.address = reinterpret_cast<const sockaddr*>(&made.of.address);
  made.address_size = size;
  return *this;
}

operation_chain& operation_chain::send(io::descriptor socket, byte_view bytes) {
  auto& made = add<io::send_operation>();
  made.descriptor = socket;
  made.data = bytes.data();
  made.size = made.of.least = static_cast<std::uint32_t>(bytes.size());
  return *this;
}

operation_chain& operation_chain::receive(io::descriptor socket) {
  auto& made = add<io::receive_operation>();
  made.descriptor = socket;
  made.multishot = false;
  return *this;
}

operation_chain& operation_chain::shutdown(io::descriptor socket, int how) {
  auto& made = add<io::shutdown_operation>();
  made.descriptor = socket;
  made.how = how;
  return *this;
}

operation_chain& operation_chain::close(io::descriptor socket) {
  add<io::close_operation>().descriptor = socket;
  return *this;
}

operation_chain& operation_chain::cancel(io::operation& unwanted) {
  add<io::cancel_operation>().unwanted = &unwanted;
  return *this;
}

operation_chain& operation_chain::whatever_happens() {
  assert(!steps_.empty() && "there is no step yet that could fail");
  steps_.back().to_next = io::link::hard;
  return *this;
}

operation_chain& operation_chain::with_deadline(duration time, deadline_kind kind) {
  deadline_ = time;
  deadline_kind_ = kind;
  return *this;
}

bool operation_chain::limited_by_kernel() const noexcept {
  return linked_ && deadline_ > duration::zero() && deadline_kind_ == deadline_kind::linked;
}

std::size_t operation_chain::entry_count() const noexcept {
  return steps_.size() * (limited_by_kernel() ? 2 : 1);
}

opened<void> operation_chain::start(chain_callback done) {
  assert(!running() && "a chain runs once");
  const std::size_t most = loop_.backend().chain_length_max();
  linked_ = most != 0;
  const auto invalid = std::make_error_code(std::errc::invalid_argument);
  if (steps_.empty()) return report(invalid, "chain: found no step, expected one or more");
  if (linked_ && entry_count() > most)
    return report(invalid, "chain: found " + std::to_string(entry_count()) +
                               " entries, allowed as many as the submission queue has: " +
                               std::to_string(most));
  done_ = std::move(done);
  left_ = linked_ ? entry_count() : steps_.size();
  const bool by_timer = deadline_ > duration::zero() && !limited_by_kernel();
  const time_point end = after(loop_.backend().now(), deadline_);
  if (by_timer) loop_.timers().arm(alarm_, end);
  for (step& each : steps_) each.limit.deadline = end;
  if (linked_)
    submit_linked();
  else
    submit_next();
  return {};
}

void operation_chain::submit_linked() noexcept {
  if (stopping_) {
    skip_from(0);
    if (timed_out_) steps_.front().report.result = -ETIME;
    return report_if_over();
  }
  std::vector<io::chain_link> links;
  links.reserve(steps_.size());
  for (step& each : steps_)
    links.push_back({.step = &each.operation(),
                     .to_next = each.to_next,
                     .limit = limited_by_kernel() ? &each.limit : nullptr});
  if (!loop_.backend().submit_chain(links)) loop_.defer(retry_);
}

// Where the backend does not link.
void operation_chain::submit_next() noexcept {
  step& next = steps_[next_++];
  loop_.backend().submit(next.operation());
  // It is begun, as in the kernel, and ended only if it has to wait: the alarm comes after the turn
  // that carries it out.
  if (stopping_) loop_.timers().arm(alarm_, loop_.now());
}

void operation_chain::step_ended(step& which, io::completion& what) noexcept {
  const bool stopped = what.result == -ECANCELED || what.result == -EINTR;
  which.over = true;
  which.report.result = stopped && which.cut ? -ETIME : what.result;
  which.report.bytes = std::move(what.bytes);
  const bool failed = what.result < 0 || static_cast<std::uint32_t>(what.result) < which.least;
  const bool goes_on = !failed || which.to_next == io::link::hard;
  if (!linked_ && next_ < steps_.size()) {
    if (goes_on)
      submit_next();
    else
      skip_from(next_);
  } else if (linked_ && stopping_ && goes_on) {
    stop_running();
  }
  --left_;
  report_if_over();
}

/// A soft link that breaks takes the whole rest with it, hard links or not: as in the kernel.
void operation_chain::skip_from(std::size_t first) noexcept {
  for (std::size_t i = first; i < steps_.size(); ++i) {
    steps_[i].over = true;
    steps_[i].report.result = -ECANCELED;
    left_ -= limited_by_kernel() ? 2 : 1;
  }
  next_ = steps_.size();
}

void operation_chain::limit_ended(step& which, int result) noexcept {
  if (result == -ETIME) {
    which.cut = true;
    if (which.over && (which.report.result == -ECANCELED || which.report.result == -EINTR))
      which.report.result = -ETIME;
  }
  --left_;
  report_if_over();
}

void operation_chain::report_if_over() noexcept {
  if (left_ != 0) return;
  alarm_.disarm();
  std::vector<step_report> reports;
  reports.reserve(steps_.size());
  for (step& each : steps_) reports.push_back(std::move(each.report));
  chain_callback done = std::move(done_);
  done(reports);
}

operation_chain::step* operation_chain::first_running() noexcept {
  const auto found = std::ranges::find_if(
      steps_, [](step& each) { return !each.over && !each.operation().idle(); });
  return found == steps_.end() ? nullptr : &*found;
}

void operation_chain::stop_running() noexcept {
  step* running = first_running();
  if (running == nullptr || running->report.kind == io::operation_kind::close) return;
  running->cut = timed_out_;
  loop_.backend().cancel(running->operation());
}

void operation_chain::time_out() noexcept {
  if (!stopping_) timed_out_ = true;
  cancel();
}

void operation_chain::cancel() noexcept {
  if (!running()) return;
  stopping_ = true;
  stop_running();
}

}  // namespace myra
