#include "myra/io/uring/direct_table.hpp"

#include <sys/resource.h>

#include <system_error>

#include "myra/io/uring/close_trial.hpp"
#include "myra/io/uring/opcode.hpp"

namespace myra::io {
namespace {

unsigned allowed_count() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return static_cast<unsigned>(std::min<rlim_t>(limit.rlim_cur, UINT32_MAX));
}

}  // namespace

void direct_table::open(io_uring& on, unsigned count) {
  // A real descriptor for a direct one has to be there for whoever asks.
  if (!knows(on, IORING_OP_FIXED_FD_INSTALL)) {
    absence_ = "needs Linux 6.13, and a real descriptor on demand (IORING_OP_FIXED_FD_INSTALL)";
    return;
  }
  switch (try_direct_close()) {
    case close_trial::immediate: break;
    case close_trial::late:
      absence_ =
          "needs Linux 6.13: before, sockets stay open after their close while older operations "
          "last";
      return;
    case close_trial::failed:
      absence_ =
          "whether they are closed at once could not be tried, for want of descriptors or "
          "memory";
      return;
  }
  const unsigned wanted = std::min(count == 0 ? automatic_count_max : count, allowed_count());
  const int status = io_uring_register_files_sparse(&on, wanted);
  if (status < 0) {
    absence_ = "a table of " + std::to_string(wanted) +
               " places was refused: " + std::system_category().message(-status);
    return;
  }
  capacity_ = wanted;
  // As many may a multishot accept bring before the first of them is seen here.
  last_places_ = std::min(capacity_, std::clamp(capacity_ / 8, 64U, 256U));
  tell_room();
  absence_.clear();
}

}  // namespace myra::io
