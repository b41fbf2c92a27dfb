// The part of the backend that links operations.
#include "myra/io/uring/link.hpp"
#include "myra/io/uring/uring_backend.hpp"

namespace myra::io {
namespace {

std::size_t entry_count(std::span<const chain_link> links) noexcept {
  std::size_t count = links.size();
  for (const chain_link& each : links) count += each.limit != nullptr ? 1 : 0;
  return count;
}

std::uint8_t flag_of(link to_next) noexcept {
  return to_next == link::soft ? IOSQE_IO_LINK : IOSQE_IO_HARDLINK;
}

}  // namespace

// A chain is cut where a submission ends (io_uring_enter(2)), so all its entries are there before
// the first is filled, and nothing is submitted until the last is.
bool uring_backend::submit_chain(std::span<const chain_link> links) noexcept {
  const std::size_t needed = entry_count(links);
  assert(needed <= chain_length_max() && "a chain longer than the submission queue");
  if (parked_first_ != nullptr) return false;  // those come first
  if (ring_->room() < needed) ring_->submit();
  if (ring_->room() < needed) return false;
  for (const chain_link& each : links) {
    const bool last = &each == &links.back();
    const std::uint8_t onward = last ? std::uint8_t{0} : flag_of(each.to_next);
    io_uring_sqe* entry = prepare_linked(*each.step);
    entry->flags |= each.limit != nullptr ? flag_of(each.to_next) : onward;
    if (each.limit != nullptr) prepare_linked(*each.limit)->flags |= onward;
  }
  return true;
}

}  // namespace myra::io
