// The part of the backend that hands sockets to other rings, and takes them in.
#include "myra/io/uring/hand_over.hpp"
#include "myra/io/uring/opcode.hpp"
#include "myra/io/uring/uring_backend.hpp"

namespace myra::io {

opened<inlet_address> uring_backend::open_inlet(inlet& into) {
  const auto refuse = [](const char* why) {
    return report(std::make_error_code(std::errc::not_supported), why);
  };
  if (!sends_messages_) return refuse("messages between rings are switched off by their option");
  if (!knows(ring_->raw(), IORING_OP_MSG_RING))
    return refuse("messages between rings need Linux 5.18 (IORING_OP_MSG_RING)");
  if (inlets_.size() == inlet_count_max) return refuse("this ring has 32760 inlets already");
  inlets_.push_back(&into);
  return inlet_address{ring_->descriptor(), static_cast<std::uint32_t>(inlets_.size() - 1),
                       &direct_.room()};
}

/// The other ring has a reference of its own to what was a direct descriptor here.
void uring_backend::take_handed_over(const hand_over_operation& hand, int result) noexcept {
  if (result < 0) {
    ++counters_.handed_back;
    return;
  }
  ++counters_.handed_over;
  if (hand.descriptor.is_direct()) network_.close(hand.descriptor);
}

void uring_backend::take_in(const io_uring_cqe& cqe) noexcept {
  const auto tag = cqe.user_data - first_inlet_tag;
  ++counters_.taken_in;
  if ((tag & 1) == 0) return inlets_[tag / 2]->bring(cqe.res);
  direct_.filled();
  ++counters_.direct_opened;
  inlets_[tag / 2]->bring(descriptor::direct(static_cast<std::uint32_t>(cqe.res)));
}

}  // namespace myra::io
