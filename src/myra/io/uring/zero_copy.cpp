#include "myra/io/uring/zero_copy.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "myra/io/uring/aim.hpp"

namespace myra::io {
namespace {

constexpr unsigned report_usage = IORING_SEND_ZC_REPORT_USAGE;

/// Unix sockets copy always, and say so: a kernel that has understood the entry refuses with
/// EOPNOTSUPP, and one that has not, with EINVAL.
class trial {
 public:
  explicit trial(io_uring& on) noexcept : on_(on) {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) != 0) ends_ = {-1, -1};
  }
  trial(const trial&) = delete;
  trial& operator=(const trial&) = delete;
  ~trial() {
    if (ends_[0] < 0) return;
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  template <class Prepare>
  [[nodiscard]] bool understood(Prepare prepare) noexcept {
    io_uring_sqe* entry = ends_[0] < 0 ? nullptr : io_uring_get_sqe(&on_);
    if (entry == nullptr) return false;
    prepare(entry, ends_[0]);
    entry->ioprio |= report_usage;
    return result() == -EOPNOTSUPP;
  }

 private:
  /// Of the one entry; its notification is taken as well.
  [[nodiscard]] int result() noexcept {
    int told = 0;
    for (bool more = true; more;) {
      io_uring_submit_and_wait(&on_, 1);
      io_uring_cqe* cqe = nullptr;
      if (io_uring_peek_cqe(&on_, &cqe) != 0) return -EBUSY;
      more = (cqe->flags & IORING_CQE_F_MORE) != 0;
      if ((cqe->flags & IORING_CQE_F_NOTIF) == 0) told = cqe->res;
      io_uring_cqe_seen(&on_, cqe);
    }
    return told;
  }

  io_uring& on_;
  std::array<int, 2> ends_{};
};

std::string refusal(int status, std::size_t size) {
  std::string why = "registering " + std::to_string(size) +
                    " bytes of the pool was refused: " + std::system_category().message(-status);
  rlimit limit{};
  if (status == -ENOMEM && ::getrlimit(RLIMIT_MEMLOCK, &limit) == 0)
    why += " (RLIMIT_MEMLOCK is " + std::to_string(limit.rlim_cur) + " bytes)";
  return why;
}

}  // namespace

void zero_copy::open(io_uring& on) {
  trial asked(on);
  std::byte byte{};
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  sends_ = asked.understood([&](io_uring_sqe* entry, int socket) {
    io_uring_prep_send_zc(entry, socket, &byte, 1, MSG_NOSIGNAL, report_usage);
  }) && asked.understood([&](io_uring_sqe* entry, int socket) {
    io_uring_prep_sendmsg_zc(entry, socket, &message, MSG_NOSIGNAL);
  });
  absence_ = sends_ ? "" : "needs Linux 6.2, which reports what it copied";
  vectors_registered_ = sends_ && asked.understood([&](io_uring_sqe* entry, int socket) {
    io_uring_prep_sendmsg_zc_fixed(entry, socket, &message, MSG_NOSIGNAL, 0);
  });
}

void zero_copy::register_memory(io_uring& on, buffer_pool& pool) {
  if (!sends_) {
    registered_absence_ = "of no use without zero-copy sends";
    return;
  }
  uring_ = &on;
  pool_ = &pool;
  int status = io_uring_register_buffers_sparse(&on, pool.region_count_max());
  std::size_t size = 0;
  const bool table = status == 0;
  while (status == 0 && registered_count_ < pool.region_count()) {
    size += pool.region_bytes(registered_count_).size();
    status = update(registered_count_);
  }
  if (status == 0) return;
  registered_absence_ = refusal(status, size);
  if (table) io_uring_unregister_buffers(&on);
  pool_ = nullptr;
}

int zero_copy::update(std::uint32_t region) noexcept {
  const mutable_byte_view bytes = pool_->region_bytes(region);
  const iovec memory{bytes.data(), bytes.size()};
  const int updated = io_uring_register_buffers_update_tag(uring_, region, &memory, nullptr, 1);
  if (updated < 0) return updated;
  ++registered_count_;
  return 0;
}

bool zero_copy::registered(std::uint16_t region) noexcept {
  if (pool_ == nullptr || region == zero_copy_send_operation::no_region) return false;
  while (!refused_ && registered_count_ <= region) refused_ = update(registered_count_) < 0;
  return region < registered_count_;
}

void zero_copy::prepare(io_uring_sqe* entry, const zero_copy_send_operation& send) noexcept {
  // The kernel continues short sends by itself, as in send.hpp.
  constexpr int flags = MSG_NOSIGNAL | MSG_WAITALL;
  const bool fixed = registered(send.region) && (send.vector == nullptr || vectors_registered_);
  if (send.vector != nullptr && fixed)
    io_uring_prep_sendmsg_zc_fixed(entry, 0, send.vector, flags, send.region);
  else if (send.vector != nullptr)
    io_uring_prep_sendmsg_zc(entry, 0, send.vector, flags);
  else if (fixed)
    io_uring_prep_send_zc_fixed(entry, 0, send.data, send.size, flags, 0, send.region);
  else
    io_uring_prep_send_zc(entry, 0, send.data, send.size, flags, 0);
  entry->ioprio |= report_usage;
  aim(entry, send.descriptor);
}

}  // namespace myra::io
