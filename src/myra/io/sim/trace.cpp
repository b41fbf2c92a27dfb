#include "myra/io/sim/trace.hpp"

#include <cstdio>
#include <cstring>

#include "myra/io/operation.hpp"
#include "myra/io/sim/random.hpp"

namespace myra::sim {
namespace {

const char* name_of_operation(std::int64_t kind) noexcept {
  switch (static_cast<io::operation_kind>(kind)) {
    case io::operation_kind::accept: return "accept";
    case io::operation_kind::connect: return "connect";
    case io::operation_kind::receive: return "receive";
    case io::operation_kind::send: return "send";
    case io::operation_kind::send_zero_copy: return "send_zero_copy";
    case io::operation_kind::shutdown: return "shutdown";
    case io::operation_kind::close: return "close";
    case io::operation_kind::poll: return "poll";
    case io::operation_kind::receive_datagram: return "receive_datagram";
    case io::operation_kind::send_datagram: return "send_datagram";
    case io::operation_kind::cancel: return "cancel";
    case io::operation_kind::link_timeout: return "link_timeout";
    case io::operation_kind::hand_over: return "hand_over";
  }
  return "operation";
}

std::string number(std::int64_t value) { return std::to_string(value); }

std::string milliseconds(std::int64_t nanoseconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f ms", static_cast<double>(nanoseconds) / 1e6);
  return text;
}

std::string outcome(std::int64_t result) {
  if (result >= 0) return number(result);
  const char* name = ::strerrorname_np(static_cast<int>(-result));
  return name == nullptr ? number(result) : std::string("-") + name;
}

std::string about_operation(const moment& happened) {
  switch (happened.what) {
    case event::submitted: return std::string("submits ") + name_of_operation(happened.value);
    case event::cancelling: return std::string("cancels its ") + name_of_operation(happened.value);
    case event::completed:
      return std::string(name_of_operation(happened.extra)) + " completes with " +
             outcome(happened.value);
    case event::delivered:
      return std::string(name_of_operation(happened.extra)) + " is told " + outcome(happened.value);
    default: return "?";
  }
}

std::string about_machine(const moment& happened) {
  switch (happened.what) {
    case event::struck: return std::string("FAULT ") + name_of(static_cast<fault>(happened.value));
    case event::woken: return "wakes to " + number(happened.value) + " completions";
    case event::stopped: return "stands still for " + milliseconds(happened.value);
    case event::jumped: return "has its clock jump by " + milliseconds(happened.value);
    case event::complaint: return "BROKEN PROMISE";
    default: return about_operation(happened);
  }
}

std::string about_bytes(const moment& happened) {
  switch (happened.what) {
    case event::sent:
      return "sends " + number(happened.value) + " of " + number(happened.extra) + " bytes";
    case event::arrived: return "has " + number(happened.value) + " bytes arrive";
    case event::received:
      return "receives " + number(happened.value) + " bytes" +
             (happened.extra != 0 ? ", stays armed" : "");
    case event::end_sent: return "sends its end";
    case event::end_arrived: return "has the peer's end arrive";
    case event::reset_sent: return "sends a reset";
    case event::reset_arrived: return "has a reset arrive";
    default: return about_machine(happened);
  }
}

std::string about(const moment& happened) {
  switch (happened.what) {
    case event::opened: return "is opened";
    case event::listening: return "listens on port " + number(happened.value);
    case event::connecting: return "connects to port " + number(happened.value);
    case event::reached: return "is connected with #" + number(happened.value);
    case event::refused: return "fails to connect: " + outcome(-happened.value);
    case event::accepted: return "is accepted as descriptor " + number(happened.value);
    case event::closed: return "is closed: " + outcome(happened.value);
    default: return about_bytes(happened);
  }
}

}  // namespace

std::uint64_t trace::fold(std::uint64_t hash, const moment& happened) noexcept {
  hash = mix(hash ^ static_cast<std::uint64_t>(happened.time_ns));
  hash ^= static_cast<std::uint64_t>(happened.value) * 0x9e3779b97f4a7c15;
  hash ^= static_cast<std::uint64_t>(happened.extra) * 0xc2b2ae3d27d4eb4f;
  const std::uint64_t where = std::uint64_t{happened.socket} << 24 |
                              std::uint64_t{happened.machine} << 8 |
                              static_cast<std::uint8_t>(happened.what);
  return mix(hash ^ where);
}

std::string in_words(const moment& happened, time_point start,
                     const std::vector<std::string>& machine_names) {
  const auto since = happened.time_ns - start.time_since_epoch().count();
  char front[48];
  std::snprintf(front, sizeof front, "%14.6f ms  ", static_cast<double>(since) / 1e6);
  std::string line = front + machine_names[happened.machine];
  if (happened.socket != 0) line += " #" + number(happened.socket);
  return line + " " + about(happened);
}

}  // namespace myra::sim
