#include "replies.hpp"

#include <memory>
#include <utility>

namespace kv {

using myra::send_status;

void replies::append_shared(const shared_text& text) {
  if (text->size() < (waiting() ? waiting_shared_size_min : shared_size_min)) return append(*text);
  keep_batch();
  waiting_.push_back(text);
}

void replies::append_long(std::string_view text) {
  keep_batch();
  if (text.size() <= batch_.text.size()) return append(text);
  waiting_.push_back(std::make_shared<std::string>(text));
}

void replies::keep_batch() {
  if (batch_.size == 0) return;
  waiting_.push_back(std::make_shared<std::string>(batch_.text.data(), batch_.size));
  batch_.size = 0;
}

bool replies::send(myra::connection& to) {
  if (!waiting()) {
    const std::string_view text(batch_.text.data(), batch_.size);
    if (text.empty() || to.send_copy(myra::as_bytes(text)) != send_status::back_pressured) {
      batch_.size = 0;  // taken, or nobody is there any more
      return true;
    }
  }
  keep_batch();
  for (; first_ < waiting_.size(); ++first_) {
    if (send_pieces(*waiting_[first_], to) == send_status::back_pressured) return false;
    waiting_[first_].reset();
    sent_ = 0;
  }
  waiting_.clear();
  first_ = 0;
  return true;
}

send_status replies::send_pieces(std::string_view text, myra::connection& to) {
  constexpr std::size_t piece_size_max = 16 * 1024;
  for (; sent_ < text.size(); sent_ += std::min(piece_size_max, text.size() - sent_)) {
    const std::string_view piece = text.substr(sent_, piece_size_max);
    const send_status answer = to.send_copy(myra::as_bytes(piece)).status;
    if (answer != send_status::accepted) return answer;
  }
  return send_status::accepted;
}

}  // namespace kv
