#include "myra/transport/error_words.hpp"

#include <array>
#include <utility>

#include "myra/io/error_table.hpp"
#include "myra/transport/connection.hpp"
#include "myra/transport/connector.hpp"
#include "myra/transport/stream.hpp"

namespace myra {
namespace {

std::string limit_of(std::error_code why) {
  return why.category() == std::system_category() ? io::limit_words(why.value()) : std::string();
}

std::string is_words(const char* field, duration limit) {
  return std::string(field) + " is " + words_of(limit);
}

/// What failed on a connection, and the limit that it met, where that is one of its options.
std::string failed_words(const stream& of, std::error_code why) {
  const connection_options& options = of.options();
  if (why == transport_errc::idle_timeout) return is_words("idle_timeout", options.idle_timeout);
  if (why == transport_errc::write_timeout) return is_words("write_timeout", options.write_timeout);
  if (why == transport_errc::first_byte_timeout)
    return is_words("first_byte_timeout", options.first_byte_timeout);
  if (why == transport_errc::message_timeout) return "expect_within";
  if (why == transport_errc::buffers_wanted)
    return is_words("shortage_patience", of.runs_on().options().shortage_patience);
  if (why == transport_errc::receive_timeout || why == transport_errc::end_of_stream)
    return std::string(io::name_of(io::failing_call::receive));
  if (why == transport_errc::closed) return "close";
  if (why == transport_errc::drain_timeout) return "drain";
  if (why == transport_errc::handler_threw) return "handler";
  return std::string(io::name_of(of.failed_call())) + limit_of(why);
}

}  // namespace

std::string words_of(duration time) {
  using namespace std::chrono_literals;
  static constexpr std::array<std::pair<duration, const char*>, 3> units{
      {{1s, " s"}, {1ms, " ms"}, {1us, " us"}}};
  for (const auto& [unit, name] : units)
    if (time % unit == duration::zero()) return std::to_string(time / unit) + name;
  return std::to_string(time / duration(1)) + " ns";
}

error_report connection::report(std::error_code why, const endpoint& peer) const {
  const endpoint known = peer.family() == AF_UNSPEC ? this->peer() : peer;
  const std::string with =
      known.family() == AF_UNSPEC ? std::string() : " with " + known.to_string();
  return {why, "connection" + with + ": " + failed_words(*stream_, why)};
}

error_report connect_report(std::error_code why, std::span<const connect_failure> failures,
                            const connect_options& options) {
  std::string what = "connect";
  for (const connect_failure& each : failures) {
    what += (&each == failures.data() ? " to " : ", ") + each.to.to_string();
    if (failures.size() > 1) what += " (" + each.why.message() + ")";
  }
  if (why == transport_errc::connect_timeout) what += " within " + words_of(options.deadline);
  return {why, what + limit_of(why)};
}

}  // namespace myra
