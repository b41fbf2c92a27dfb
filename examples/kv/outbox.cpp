#include "outbox.hpp"

#include <algorithm>
#include <utility>

namespace kv {
namespace {

// A large text is given to the connection in pieces of this size, a slot of the pool.
constexpr std::size_t piece_size_bytes = 16 * 1024;

}  // namespace

void outbox::take(std::string_view text) {
  if (!peer_->can_send()) return;
  if (!waiting() && peer_->send_copy(myra::as_bytes(text)) == myra::send_status::accepted) return;
  waiting_.push_back(std::make_shared<std::string>(text));
  pump();
}

void outbox::take(shared_text text) {
  if (!peer_->can_send()) return;
  waiting_.push_back(std::move(text));
  pump();
}

bool outbox::pump() {
  while (first_ < waiting_.size() && send_front()) {
    waiting_[first_++].reset();
  }
  if (first_ < waiting_.size()) return false;
  waiting_.clear();
  first_ = 0;
  return true;
}

// True when all of the first text was taken, or will never be.
bool outbox::send_front() {
  const std::string_view text = *waiting_[first_];
  while (sent_ < text.size()) {
    const std::string_view piece = text.substr(sent_, piece_size_bytes);
    const myra::sent answer = peer_->send_copy(myra::as_bytes(piece));
    if (answer == myra::send_status::back_pressured) return false;
    if (answer == myra::send_status::closed) break;
    sent_ += piece.size();
  }
  sent_ = 0;
  return true;
}

}  // namespace kv
