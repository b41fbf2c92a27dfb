#include "myra/io/epoll/descriptor_table.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <new>

namespace myra::io {

static_assert(sizeof(watched_descriptor) == 32);

int descriptor_table::grow(int descriptor) noexcept {
  constexpr std::size_t size_min = 64;
  // A number that is not open must not make the table as large as itself.
  ++kernel_entries_;
  if (::fcntl(descriptor, F_GETFD) < 0) return -errno;
  try {
    const auto wanted = static_cast<std::size_t>(descriptor) + 1;
    entries_.resize(std::max({wanted, entries_.size() * 2, size_min}));
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
  return 0;
}

int descriptor_table::control(int action, int descriptor, std::uint32_t interest) noexcept {
  const std::uint64_t generation = (*this)[descriptor].generation;
  epoll_event asked{};
  asked.events = interest;
  asked.data.u64 = generation << 32 | static_cast<std::uint32_t>(descriptor);
  ++kernel_entries_;
  return ::epoll_ctl(epoll_descriptor_, action, descriptor, &asked) == 0 ? 0 : -errno;
}

int descriptor_table::look_again(int descriptor, std::uint32_t events) noexcept {
  watched_descriptor& watched = (*this)[descriptor];
  const std::uint32_t interest = watched.interest | events | EPOLLET;
  const bool registered = watched.interest != 0;
  int status = control(registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, interest);
  // The kernel knows better when the descriptor was closed, or adopted twice, behind our back.
  if (status == (registered ? -ENOENT : -EEXIST))
    status = control(registered ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, interest);
  if (status == 0) watched.interest = interest;
  return status;
}

void descriptor_table::forget(int descriptor) noexcept {
  if (!admitted(descriptor)) return;
  watched_descriptor& ended = (*this)[descriptor];
  assert(ended.reader == nullptr && ended.writer == nullptr && ended.polls == nullptr &&
         "descriptor closed with operations in flight");
  const auto generation = static_cast<std::uint16_t>(ended.generation + 1);
  ended = {};
  ended.generation = generation;
}

}  // namespace myra::io
