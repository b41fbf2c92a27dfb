#include "myra/io/sim/faults.hpp"

#include "myra/io/sim/random.hpp"

namespace myra::sim {

const char* name_of(fault kind) noexcept {
  switch (kind) {
    case fault::short_read: return "short_read";
    case fault::short_write: return "short_write";
    case fault::slow_segment: return "slow_segment";
    case fault::late_notice: return "late_notice";
    case fault::reordered: return "reordered";
    case fault::double_notice: return "double_notice";
    case fault::spurious_wake: return "spurious_wake";
    case fault::multishot_end: return "multishot_end";
    case fault::no_buffer: return "no_buffer";
    case fault::overflow: return "overflow";
    case fault::short_submit: return "short_submit";
    case fault::wrong_hint: return "wrong_hint";
    case fault::reset: return "reset";
    case fault::half_open: return "half_open";
    case fault::lost_connect: return "lost_connect";
    case fault::accept_race: return "accept_race";
    case fault::cancel_race: return "cancel_race";
    case fault::accept_error: return "accept_error";
    case fault::connect_error: return "connect_error";
    case fault::receive_error: return "receive_error";
    case fault::send_error: return "send_error";
    case fault::shutdown_error: return "shutdown_error";
    case fault::close_error: return "close_error";
    case fault::call_error: return "call_error";
    case fault::clock_jump: return "clock_jump";
    case fault::lost_datagram: return "lost_datagram";
    case fault::doubled_datagram: return "doubled_datagram";
    case fault::stopped_machine: return "stopped_machine";
  }
  return "?";
}

faults faults::harmless() noexcept {
  return none()
      .with(fault::short_read, 1500)
      .with(fault::short_write, 1500)
      .with(fault::slow_segment, 200)
      .with(fault::late_notice, 300)
      .with(fault::reordered, 1000)
      .with(fault::double_notice, 1000)
      .with(fault::spurious_wake, 200)
      .with(fault::multishot_end, 200)
      .with(fault::no_buffer, 100)
      .with(fault::overflow, 50)
      .with(fault::short_submit, 200)
      .with(fault::wrong_hint, 500)
      .with(fault::accept_race, 5000)
      .with(fault::cancel_race, 3000)
      .with(fault::close_error, 200)
      .with(fault::clock_jump, 5)
      .with(fault::stopped_machine, 5);
}

faults faults::all() noexcept {
  return harmless()
      .with(fault::reset, 5)
      .with(fault::half_open, 5)
      .with(fault::lost_connect, 200)
      .with(fault::accept_error, 300)
      .with(fault::connect_error, 300)
      .with(fault::receive_error, 10)
      .with(fault::send_error, 10)
      .with(fault::shutdown_error, 200)
      .with(fault::lost_datagram, 300)
      .with(fault::doubled_datagram, 300)
      .with(fault::call_error, 100);
}

void fault_plan::allow_only(const std::vector<strike>& allowed) {
  allowed_.emplace(allowed.begin(), allowed.end());
}

bool fault_plan::decide(const strike& asked) {
  const std::uint64_t place = std::uint64_t{asked.site} << 32 | asked.ordinal;
  const std::uint64_t drawn =
      mix(seed_ ^ mix(place ^ std::uint64_t{static_cast<std::uint8_t>(asked.kind)} << 56));
  if (drawn % 10000 >= rates_.rates[static_cast<std::size_t>(asked.kind)]) return false;
  if (allowed_ && !allowed_->contains(asked)) return false;
  ++counts_[static_cast<std::size_t>(asked.kind)];
  struck_.push_back(asked);
  if (on_strike_) on_strike_(asked);
  return true;
}

}  // namespace myra::sim
