#include "myra/transport/transport_error.hpp"

#include <string>

#include "myra/core/error.hpp"

namespace myra {
namespace {

class transport_error_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "myra.transport"; }

  std::string message(int value) const override {
    switch (static_cast<transport_errc>(value)) {
      case transport_errc::end_of_stream: return "the peer has sent all that it will send";
      case transport_errc::closed: return "this side closed the connection";
      case transport_errc::idle_timeout: return "nothing came or went for the idle time";
      case transport_errc::write_timeout: return "the peer took too long to take what was sent";
      case transport_errc::connect_timeout: return "no address answered by the deadline";
      case transport_errc::receive_timeout: return "nothing came by the deadline of the receive";
      case transport_errc::handler_threw: return "the connection's handler threw an exception";
      case transport_errc::no_address: return "there was no address to connect to";
      case transport_errc::drain_timeout:
        return "the drain's deadline passed before the connection was done";
      case transport_errc::first_byte_timeout: return "nothing came or went since it opened";
      case transport_errc::message_timeout:
        return "the peer took too long to send what it had begun";
      case transport_errc::buffers_wanted:
        return "the peer was slow to take what was sent, and others waited for the buffers";
    }
    return "unknown transport error " + std::to_string(value);
  }

  std::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<transport_errc>(value)) {
      case transport_errc::end_of_stream:
      case transport_errc::closed: return make_error_condition(condition::disconnected);
      case transport_errc::idle_timeout:
      case transport_errc::write_timeout:
      case transport_errc::connect_timeout:
      case transport_errc::receive_timeout:
      case transport_errc::first_byte_timeout:
      case transport_errc::message_timeout:
      case transport_errc::drain_timeout: return make_error_condition(condition::timed_out);
      case transport_errc::no_address: return make_error_condition(condition::invalid);
      case transport_errc::buffers_wanted:
        return make_error_condition(condition::resource_exhausted);
      case transport_errc::handler_threw: break;
    }
    return {value, *this};
  }
};

}  // namespace

const std::error_category& transport_category() noexcept {
  static const transport_error_category category;
  return category;
}

std::error_code make_error_code(transport_errc value) noexcept {
  return {static_cast<int>(value), transport_category()};
}

}  // namespace myra
