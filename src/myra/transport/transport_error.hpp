// What the transport itself finds to be wrong; the kernel's errors stay the kernel's.
#pragma once

#include <system_error>

namespace myra {

enum class transport_errc {
  end_of_stream = 1,   ///< The peer has sent all that it will send. Is condition::disconnected.
  closed,              ///< This side closed the connection. Is condition::disconnected.
  idle_timeout,        ///< Nothing came or went for the idle time. Is condition::timed_out.
  write_timeout,       ///< A send took longer than the write time. Is condition::timed_out.
  connect_timeout,     ///< No address answered by the deadline. Is condition::timed_out.
  receive_timeout,     ///< Nothing came by the deadline of this receive. Is condition::timed_out.
  handler_threw,       ///< The connection's handler threw an exception.
  no_address,          ///< There was no address to connect to. Is condition::invalid.
  drain_timeout,       ///< The drain's deadline passed before the connection was done. Is
                       ///< condition::timed_out.
  first_byte_timeout,  ///< Nothing at all came or went on it. Is condition::timed_out.
  message_timeout,     ///< What the peer owed was late (connection::expect_within). Is
                       ///< condition::timed_out.
  buffers_wanted,      ///< It held buffers that others waited for, and its peer was slow to take
                       ///< them (reactor_options::shortage_patience). Is
                       ///< condition::resource_exhausted.
};

const std::error_category& transport_category() noexcept;
std::error_code make_error_code(transport_errc value) noexcept;

}  // namespace myra

template <>
struct std::is_error_code_enum<myra::transport_errc> : std::true_type {};
