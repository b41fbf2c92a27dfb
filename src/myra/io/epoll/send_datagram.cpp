// Sending datagrams: those of one turn for one socket in one sendmmsg(2), over EPOLLOUT where they
// have to wait.
#include <sys/socket.h>

#include <cassert>
#include <cerrno>

#include "myra/io/epoll/epoll_backend.hpp"

namespace myra::io {

void epoll_backend::start_send_datagram(send_datagram_operation& send) noexcept {
  const bool fits = datagrams_.count == 0 || (datagrams_.count < sent_count_max &&
                                              datagrams_.sends[0]->descriptor == send.descriptor);
  if (!fits) send_datagrams();
  datagrams_.headers[datagrams_.count] = {*send.message, 0};
  datagrams_.sends[datagrams_.count++] = &send;
}

/// Sends what `start_send_datagram` has collected.
void epoll_backend::send_datagrams() noexcept {
  const unsigned count = std::exchange(datagrams_.count, 0);
  unsigned done = 0;
  while (done < count) {
    ++counters_.kernel_entries;
    const int sent = ::sendmmsg(datagrams_.sends[0]->descriptor.number(), &datagrams_.headers[done],
                                count - done, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) break;
    if (sent <= 0) {  // an error is that of the first
      settle(*datagrams_.sends[done++], sent < 0 ? -errno : -EIO);
      continue;
    }
    for (const unsigned end = done + static_cast<unsigned>(sent); done < end; ++done) {
      send_datagram_operation& send = *datagrams_.sends[done];
      send.backend_index = send.size;
      (send.silent ? silent_ : ready_).push_back(send);
    }
  }
  for (; done < count; ++done) list_datagram(*datagrams_.sends[done]);
}

/// The socket is full.
void epoll_backend::list_datagram(send_datagram_operation& send) noexcept {
  if (send.silent) return settle(send, -EAGAIN);
  const int status = table_.watch(
      send.descriptor.number(), descriptor_table::read_interest | descriptor_table::write_interest);
  if (status < 0) return settle(send, status);
  watched_descriptor& on = table_[send.descriptor.number()];
  if (on.writer != nullptr && on.writer->kind() != operation_kind::send_datagram)
    return settle(send, -EBUSY);
  operation** last = &on.writer;
  while (*last != nullptr) last = &(*last)->backend_next;
  send.backend_next = nullptr;
  *last = &send;
}

void epoll_backend::unlist_datagram(watched_descriptor& on,
                                    send_datagram_operation& unwanted) noexcept {
  if (on.writer == nullptr || on.writer->kind() != operation_kind::send_datagram) return;
  for (operation** link = &on.writer; *link != nullptr; link = &(*link)->backend_next) {
    if (*link != &unwanted) continue;
    *link = unwanted.backend_next;
    return settle(unwanted, -ECANCELED);
  }
}

/// The socket has room again.
void epoll_backend::resume_send_datagrams(watched_descriptor& on) noexcept {
  operation* next = std::exchange(on.writer, nullptr);
  while (next != nullptr) {
    auto& send = static_cast<send_datagram_operation&>(*next);
    next = send.backend_next;
    start_send_datagram(send);
  }
  send_datagrams();
}

}  // namespace myra::io
