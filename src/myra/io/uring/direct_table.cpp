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
    absence_ = "needs Linux 6.8, for a real descriptor on demand (IORING_OP_FIXED_FD_INSTALL)";
    return;
  }
  if (!direct_close_is_immediate()) {
    absence_ =
        "needs Linux 6.13: before, sockets stay open after their close while older operations last";
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
