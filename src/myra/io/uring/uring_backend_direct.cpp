// The part of the backend that knows direct descriptors.
#include <unistd.h>

#include "myra/io/uring/accept.hpp"
#include "myra/io/uring/close.hpp"
#include "myra/io/uring/uring_backend.hpp"

namespace myra::io {
namespace {

accept_mode mode_of(const accept_operation& accept) noexcept {
  return static_cast<accept_mode>(accept.backend_index);
}

void set_mode(accept_operation& accept, accept_mode mode) noexcept {
  accept.backend_index = static_cast<std::uint32_t>(mode);
}

}  // namespace

void uring_backend::arm(io_uring_sqe* entry, accept_operation& accept) noexcept {
  const accept_mode mode = accept.ordinary ? accept_mode::as_asked : direct_.mode();
  set_mode(accept, mode);
  accept.brings_direct = mode == accept_mode::direct || mode == accept_mode::direct_once;
  if (mode == accept_mode::ordinary_once) ++counters_.direct_full;
  prepare(entry, accept, mode);
}

/// Keeps count of the table. True: the backend goes on with the operation by itself, and its owner
/// is not told.
bool uring_backend::take_accepted(accept_operation& accept, int result, bool more) noexcept {
  const accept_mode mode = mode_of(accept);
  if (mode == accept_mode::direct_once) direct_.release_reserved();
  if (!accept.brings_direct) return false;
  if (result >= 0) {
    direct_.filled();
    ++counters_.direct_opened;
    if (more && mode == accept_mode::direct && direct_.nearly_full()) {
      set_mode(accept, accept_mode::direct_ending);
      push_cancel(user_data_of(accept));
    }
    return false;
  }
  if (accept.cancelled) return false;
  const bool lost = result == -ENFILE && direct_.full();
  if (lost) ++counters_.direct_lost;
  if (!lost && !(mode == accept_mode::direct_ending && result == -ECANCELED)) return false;
  submit(accept);
  return true;
}

void uring_backend::take_late_call(const io_uring_cqe& cqe) noexcept {
  if (is_call(cqe.user_data)) ring_->late_call_over();
  if (cqe.user_data == install_tag && cqe.res >= 0) ::close(cqe.res);
  if (cqe.user_data == slot_close_tag && cqe.res >= 0) direct_.emptied();
  if (cqe.user_data == open_tag && cqe.res >= 0) {
    direct_.filled();
    network_.close(descriptor::direct(static_cast<unsigned>(cqe.res)));
  }
}

void uring_backend::close_postponed() noexcept {
  std::vector<unsigned>& slots = direct_.to_close();
  while (!slots.empty()) {
    io_uring_sqe* entry = ring_->entry_or_flush();
    if (entry == nullptr) return;
    prepare_slot_close(entry, slots.back());
    slots.pop_back();
  }
}

}  // namespace myra::io
