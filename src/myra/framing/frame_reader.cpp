#include "myra/framing/frame_reader.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace myra {

std::expected<frame_reader, error_report> frame_reader::open(const length_prefix& prefix) {
  if (auto valid = validate(prefix); !valid) return std::unexpected(valid.error());
  return frame_reader(prefix);
}

frame_reader::frame_reader(const length_prefix& prefix) noexcept
    : width_(static_cast<std::uint8_t>(prefix.width_bytes)),
      shift_(static_cast<std::uint8_t>(64 - 8 * prefix.width_bytes)),
      order_(prefix.order),
      length_bias_(prefix.counts == length_counts::frame ? prefix.width_bytes : 0) {
  const std::size_t outside = prefix.width_bytes - length_bias_;  // what the length does not count
  length_min_ = std::max(prefix.frame_size_min_bytes, prefix.width_bytes) - outside;
  length_range_ = prefix.frame_size_max_bytes - outside - length_min_;
}

std::optional<byte_view> frame_reader::next_in_pieces() noexcept {
  switch (state_) {
    case state::failed: return std::nullopt;
    case state::payload: return take_payload();
    case state::frame_start:
    case state::header: break;
  }
  if (!take_header()) return std::nullopt;
  return take_payload();
}

// True when the header is complete and its length accepted.
bool frame_reader::take_header() noexcept {
  if (cursor_ == end_) return false;
  const auto available = static_cast<std::size_t>(end_ - cursor_);
  const std::size_t taken = std::min<std::size_t>(width_ - header_size_, available);
  // not payload: a part of a header
  std::memcpy(header_.data() + header_size_, cursor_, taken);
  cursor_ += taken;
  header_size_ = static_cast<std::uint8_t>(header_size_ + taken);
  state_ = state::header;
  if (header_size_ < width_) return false;

  length_ = decode(header_.data(), header_.size());
  header_size_ = 0;
  if (length_ < length_min_) {
    fail(length_ < length_bias_ ? framing_error::length_below_header
                                : framing_error::frame_too_short);
    return false;
  }
  if (length_ - length_min_ > length_range_) {
    fail(framing_error::frame_too_long);
    return false;
  }
  payload_size_ = static_cast<std::size_t>(length_) - length_bias_;
  assembly_.clear();
  state_ = state::payload;
  return true;
}

std::optional<byte_view> frame_reader::take_payload() noexcept {
  const auto available = static_cast<std::size_t>(end_ - cursor_);
  const std::size_t missing = payload_size_ - assembly_.size();
  const byte_view part{cursor_, std::min(missing, available)};
  cursor_ += part.size();
  if (part.size() == payload_size_) {  // whole in this chunk: no copy
    state_ = state::frame_start;
    return part;
  }
  if (!assembly_.append(part, payload_size_)) {
    fail(framing_error::no_memory);
    return std::nullopt;
  }
  if (part.size() < missing) return std::nullopt;
  state_ = state::frame_start;
  return assembly_.bytes();
}

std::error_code frame_reader::finish() noexcept {
  assert(cursor_ == end_ && "the chunk before was not read to its end");
  if (state_ == state::header || state_ == state::payload) fail(framing_error::truncated);
  return error_;
}

// The place of the cursor at the failure is kept in bytes_fed_, for report().
void frame_reader::fail(framing_error why) noexcept {
  bytes_fed_ -= static_cast<std::uint64_t>(end_ - cursor_);
  cursor_ = end_;
  state_ = state::failed;
  error_ = why;
}

error_report frame_reader::report() const {
  if (!error_) return {};
  const std::string place = " at byte " + std::to_string(bytes_fed_) + " of the stream";
  if (error_ == framing_error::truncated) return {error_, "end" + place};
  if (error_ == framing_error::no_memory)
    return {error_, "payload of " + std::to_string(payload_size_) + " bytes" + place};
  return {error_, "header that ends" + place + " announces a length of " + std::to_string(length_) +
                      ", allowed is " + std::to_string(length_min_) + " to " +
                      std::to_string(length_min_ + length_range_)};
}

std::size_t frame_reader::pending_size_bytes() const noexcept {
  if (state_ == state::header) return header_size_;
  return state_ == state::payload ? width_ + assembly_.size() : 0;
}

void frame_reader::trim() noexcept {
  if (state_ != state::payload || assembly_.size() == 0) assembly_.trim();
}

}  // namespace myra
