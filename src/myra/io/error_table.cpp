#include "myra/io/error_table.hpp"

#include <sys/resource.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <fstream>

namespace myra::io {
namespace {

using enum failing_call;
using enum reaction;

// The errors that the man pages list, and what the kernel's sources let through beside them.
constexpr std::array table = {
    error_row{set_up, ENOMEM, back_off, "too little lockable memory: again with half the entries"},
    error_row{set_up, any_other, fatal, "no ring here: automatic takes epoll and says why"},

    error_row{enter, EINTR, retry, "a signal"},
    error_row{enter, ETIME, retry, "the deadline of the wait passed"},
    error_row{enter, EAGAIN, back_off, "no memory for requests: completions are taken first"},
    error_row{enter, EBUSY, back_off, "completions are waiting: they are taken first"},
    error_row{enter, ENOMEM, back_off, "no memory for requests: completions are taken first"},
    error_row{enter, any_other, fatal, "the kernel took the ring away: run() returns the error"},

    error_row{accept, ECANCELED, retry, "cancelled by us: at the limit of connections, at the end"},
    error_row{accept, EINTR, retry, "a signal"},
    error_row{accept, EAGAIN, retry, "nothing waits after all"},
    error_row{accept, ECONNABORTED, retry, "the peer had gone before it was accepted"},
    error_row{accept, EPROTO, retry, "of that connection alone"},
    error_row{accept, EPERM, retry, "a rule of the firewall forbids that connection"},
    error_row{accept, ENOPROTOOPT, retry, "of that connection alone"},
    error_row{accept, ETIMEDOUT, retry, "of that connection alone"},
    error_row{accept, ECONNRESET, retry, "of that connection alone"},
    error_row{accept, ENETDOWN, retry, "a pending network error of that connection"},
    error_row{accept, EHOSTDOWN, retry, "a pending network error of that connection"},
    error_row{accept, ENONET, retry, "a pending network error of that connection"},
    error_row{accept, EHOSTUNREACH, retry, "a pending network error of that connection"},
    error_row{accept, ENETUNREACH, retry, "a pending network error of that connection"},
    error_row{accept, EOPNOTSUPP, retry, "a pending network error of that connection"},
    error_row{accept, EMFILE, back_off, "the process has no descriptor left: a pause"},
    error_row{accept, ENFILE, back_off, "the system has no descriptor left: a pause"},
    error_row{accept, ENOBUFS, back_off, "no memory for sockets: a pause"},
    error_row{accept, ENOMEM, back_off, "no memory: a pause"},
    error_row{accept, EBADF, fatal, "the descriptor is not ours any more"},
    error_row{accept, EINVAL, fatal, "the socket does not listen"},
    error_row{accept, ENOTSOCK, fatal, "the descriptor is no socket"},
    error_row{accept, EFAULT, fatal, "a bug of ours"},
    error_row{accept, any_other, back_off, "a pause, so that what lasts does not spin"},

    error_row{connect, ETIME, fatal, "the deadline of all addresses passed"},
    error_row{connect, any_other, close, "this attempt is over; the next address is tried"},

    error_row{receive, ENOBUFS, back_off, "no buffer is free: again when one is"},
    error_row{receive, ECANCELED, retry, "cancelled by us: a pause, a high-water mark, the end"},
    error_row{receive, EINTR, retry, "a signal, or cancelled on a kernel's thread"},
    error_row{receive, any_other, close, "the connection ends with it"},

    error_row{send, EAGAIN, retry, "the socket was full: again, waiting for room"},
    error_row{send, EINTR, retry, "a signal"},
    error_row{send, any_other, close, "the connection ends with it"},

    error_row{send_zero_copy, EAGAIN, retry, "the socket was full: again, waiting for room"},
    error_row{send_zero_copy, EINTR, retry, "a signal"},
    error_row{send_zero_copy, ENOMEM, back_off, "too little lockable memory: copies for a while"},
    error_row{send_zero_copy, ENOBUFS, back_off, "no memory for notifications: copies for a while"},
    error_row{send_zero_copy, EOPNOTSUPP, fatal, "not on this socket: copies from now on"},
    error_row{send_zero_copy, any_other, close, "the connection ends with it"},

    error_row{receive_datagram, ENOBUFS, back_off, "no buffer is free: again when one is"},
    error_row{receive_datagram, ECANCELED, retry,
              "cancelled by us: a pause, a full queue, the end"},
    error_row{receive_datagram, EINTR, retry, "a signal, or cancelled on a kernel's thread"},
    error_row{receive_datagram, any_other, close,
              "of an earlier datagram: told; receiving goes on"},

    error_row{send_datagram, EAGAIN, back_off, "the socket was full: again, waiting for room"},
    error_row{send_datagram, EINTR, back_off, "a signal: again, alone"},
    error_row{send_datagram, ECONNREFUSED, retry,
              "of an earlier datagram: told; this one goes again, once"},
    error_row{send_datagram, EHOSTUNREACH, retry,
              "of an earlier datagram: told; this one goes again, once"},
    error_row{send_datagram, ENETUNREACH, retry,
              "of an earlier datagram: told; this one goes again, once"},
    error_row{send_datagram, EHOSTDOWN, retry,
              "of an earlier datagram: told; this one goes again, once"},
    error_row{send_datagram, ENOPROTOOPT, retry,
              "of an earlier datagram: told; this one goes again, once"},
    error_row{send_datagram, EPROTO, retry,
              "of an earlier datagram: told; this one goes again, once"},
    error_row{send_datagram, EIO, fatal,
              "the device cuts no rows: they are cut here from now on; no row: dropped"},
    error_row{send_datagram, any_other, close, "this datagram is dropped, and its sender told"},
};

std::string first_line(const char* path) {
  std::string line;
  std::getline(std::ifstream(path) >> std::ws, line);
  return line;
}

std::string soft_limit(const char* name, __rlimit_resource_t which) {
  rlimit limit{};
  if (::getrlimit(which, &limit) != 0) return {};
  const std::string found =
      limit.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_cur);
  return std::string(" (") + name + " is " + found + ")";
}

}  // namespace

std::span<const error_row> error_table() noexcept { return table; }

reaction reaction_to(failing_call call, std::int32_t result) noexcept {
  for (const error_row& row : table)
    if (row.call == call && (row.error == -result || row.error == any_other)) return row.what;
  return fatal;  // never: each call has a row for all others
}

std::string_view name_of(failing_call call) noexcept {
  switch (call) {
    case set_up: return "set up";
    case enter: return "enter";
    case accept: return "accept";
    case connect: return "connect";
    case receive: return "receive";
    case send: return "send";
    case send_zero_copy: return "send without a copy";
    case receive_datagram: return "receive a datagram";
    case send_datagram: return "send a datagram";
  }
  return "?";
}

std::string_view name_of(reaction what) noexcept {
  switch (what) {
    case retry: return "retry";
    case back_off: return "back off";
    case close: return "close";
    case fatal: return "fatal";
  }
  return "?";
}

std::string limit_words(int error) {
  switch (error) {
    case EMFILE: return soft_limit("RLIMIT_NOFILE", RLIMIT_NOFILE);
    case ENFILE: return " (fs.file-max is " + first_line("/proc/sys/fs/file-max") + ")";
    case ENOMEM: return soft_limit("RLIMIT_MEMLOCK", RLIMIT_MEMLOCK);
    default: return {};
  }
}

}  // namespace myra::io
