// Sending: send(2) or sendmsg(2) until all has gone, over EPOLLOUT where it has to wait.
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>

#include "myra/io/epoll/epoll_backend.hpp"

namespace myra::io {
namespace {

constexpr int send_flags = MSG_DONTWAIT | MSG_NOSIGNAL;

/// What is left of a vector of which some bytes have gone, as far as it fits here.
struct rest_of_vector {
  rest_of_vector(const msghdr& all, std::size_t gone) noexcept {
    for (std::size_t i = 0; i < all.msg_iovlen && count < parts.size(); ++i) {
      const iovec& part = all.msg_iov[i];
      const std::size_t skipped = std::min(gone, part.iov_len);
      gone -= skipped;
      if (skipped == part.iov_len) continue;
      parts[count] = {static_cast<char*>(part.iov_base) + skipped, part.iov_len - skipped};
      size += parts[count++].iov_len;
    }
  }

  std::array<iovec, 64> parts;
  std::size_t count = 0;
  std::size_t size = 0;
};

struct attempt_result {
  ssize_t sent;
  std::size_t offered;
};

attempt_result send_rest_of_vector(const send_operation& send, std::uint32_t done) noexcept {
  rest_of_vector rest(*send.vector, done);
  msghdr message{};
  message.msg_iov = rest.parts.data();
  message.msg_iovlen = rest.count;
  return {::sendmsg(send.descriptor.number(), &message, send_flags), rest.size};
}

/// One system call.
attempt_result send_rest(const send_operation& send, std::uint32_t done) noexcept {
  const std::size_t left = send.size - done;
  if (send.vector == nullptr)
    return {::send(send.descriptor.number(), send.data + done, left, send_flags), left};
  if (done == 0) return {::sendmsg(send.descriptor.number(), send.vector, send_flags), left};
  return send_rest_of_vector(send, done);
}

/// The result of a send that will not be continued: as io_uring, what went before the error if any.
int result_of(const send_operation& send, int status, std::uint32_t done) noexcept {
  if (status == 0) return static_cast<int>(send.size);
  return done > 0 ? static_cast<int>(done) : status;
}

}  // namespace

/// Sends what does not wait. `done` is the count of bytes gone so far. Returns 0 when that is all,
/// -EAGAIN when the socket is full, or another -errno.
int epoll_backend::transmit(const send_operation& send, std::uint32_t& done) noexcept {
  do {
    ++counters_.kernel_entries;
    const attempt_result attempt = send_rest(send, done);
    assert((attempt.offered > 0 || send.size == 0) && "size is more than the vector holds");
    if (attempt.sent < 0) {
      if (errno == EINTR) continue;
      return -errno;
    }
    done += static_cast<std::uint32_t>(attempt.sent);
    if (static_cast<std::size_t>(attempt.sent) < attempt.offered) return -EAGAIN;
  } while (done < send.size);
  return 0;
}

void epoll_backend::start_send(send_operation& send) noexcept {
  watched_descriptor& on = table_[send.descriptor.number()];
  if (on.writer != nullptr) return settle(send, -EBUSY);
  std::uint32_t done = 0;
  int status = transmit(send, done);
  if (send.silent && status == 0) {
    send.backend_index = done;
    silent_.push_back(send);
    return;
  }
  if (!send.silent && status == -EAGAIN) {
    status = table_.watch(send.descriptor.number(),
                          descriptor_table::read_interest | descriptor_table::write_interest);
    if (status == 0) {
      send.backend_index = done;
      on.writer = &send;
      return;
    }
  }
  settle(send, result_of(send, status, done));
}

/// Goes on with a send whose socket has room again.
int epoll_backend::resume_send(send_operation& send) noexcept {
  const int status = transmit(send, send.backend_index);
  return status == -EAGAIN ? -EAGAIN : result_of(send, status, send.backend_index);
}

}  // namespace myra::io
