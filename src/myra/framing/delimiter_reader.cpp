#include "myra/framing/delimiter_reader.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace myra {

std::expected<void, error_report> validate(const delimiter& options) {
  const auto refuse = [](const char* field, std::size_t found, std::size_t low, std::size_t high) {
    return std::unexpected<error_report>(
        {framing_error::invalid_option, std::string("delimiter.") + field + " is " +
                                            std::to_string(found) + ", allowed is " +
                                            std::to_string(low) + " to " + std::to_string(high)});
  };
  const std::size_t size = options.text.size();
  if (size < 1 || size > delimiter::text_size_max_bytes)
    return refuse("text.size()", size, 1, delimiter::text_size_max_bytes);
  constexpr auto object_size_max =
      static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());
  if (options.frame_size_max_bytes < size || options.frame_size_max_bytes > object_size_max)
    return refuse("frame_size_max_bytes", options.frame_size_max_bytes, size, object_size_max);
  return {};
}

std::expected<delimiter_reader, error_report> delimiter_reader::open(const delimiter& options) {
  if (auto valid = validate(options); !valid) return std::unexpected(valid.error());
  return delimiter_reader(options);
}

delimiter_reader::delimiter_reader(const delimiter& options)
    : text_(options.text), frame_size_max_(options.frame_size_max_bytes) {}

void delimiter_reader::feed(byte_view chunk) noexcept {
  assert(cursor_ == end_ && "the chunk before was not read to its end");
  if (error_) return;
  cursor_ = chunk.data();
  end_ = cursor_ + chunk.size();
  bytes_fed_ += chunk.size();
}

std::optional<byte_view> delimiter_reader::next() noexcept {
  if (delivered_) assembly_.clear();
  delivered_ = false;
  if (cursor_ == end_) return std::nullopt;

  const auto available = static_cast<std::size_t>(end_ - cursor_);
  const std::size_t allowed = frame_size_max_ - assembly_.size();
  const std::byte* limit = cursor_ + std::min(available, allowed);
  if (const std::byte* frame_end = find_end(limit)) return take_frame(frame_end);

  if (available >= allowed) {
    cursor_ = limit;
    fail(framing_error::frame_too_long);
  } else if (!assembly_.append({cursor_, available}, frame_size_max_)) {
    fail(framing_error::no_memory);
  } else {
    cursor_ = end_;
  }
  return std::nullopt;
}

// One past the first delimiter that ends between the cursor and `limit`; null when there is none.
const std::byte* delimiter_reader::find_end(const std::byte* limit) const noexcept {
  const int last = static_cast<unsigned char>(text_.back());
  for (const std::byte* at = cursor_; at != limit; ++at) {
    at = static_cast<const std::byte*>(std::memchr(at, last, static_cast<std::size_t>(limit - at)));
    if (at == nullptr) return nullptr;
    if (ends_here(at)) return at + 1;
  }
  return nullptr;
}

// Whether the bytes of this frame up to `last`, some of which may be in the assembly, end with the
// delimiter. The last byte of the delimiter is known to match.
bool delimiter_reader::ends_here(const std::byte* last) const noexcept {
  const std::size_t before = text_.size() - 1;
  const auto here = static_cast<std::size_t>(last - cursor_);
  if (here >= before) return std::memcmp(last - before, text_.data(), before) == 0;
  const std::size_t stored = before - here;
  if (assembly_.size() < stored) return false;
  const byte_view tail = assembly_.bytes().last(stored);
  return std::memcmp(tail.data(), text_.data(), stored) == 0 &&
         std::memcmp(cursor_, text_.data() + stored, here) == 0;
}

std::optional<byte_view> delimiter_reader::take_frame(const std::byte* frame_end) noexcept {
  const auto here = static_cast<std::size_t>(frame_end - cursor_);
  const std::size_t stored = assembly_.size();
  const std::size_t payload_size = stored + here - text_.size();
  const byte_view part{cursor_, payload_size > stored ? payload_size - stored : 0};
  cursor_ = frame_end;
  if (stored == 0) return part;
  if (!assembly_.append(part, frame_size_max_)) {
    fail(framing_error::no_memory);
    return std::nullopt;
  }
  delivered_ = true;
  return assembly_.bytes().first(payload_size);
}

std::error_code delimiter_reader::finish() noexcept {
  assert(cursor_ == end_ && "the chunk before was not read to its end");
  if (!error_ && !delivered_ && assembly_.size() != 0) fail(framing_error::truncated);
  return error_;
}

// The place of the cursor at the failure is kept in bytes_fed_, for report().
void delimiter_reader::fail(framing_error why) noexcept {
  bytes_fed_ -= static_cast<std::uint64_t>(end_ - cursor_);
  cursor_ = end_;
  error_ = why;
}

error_report delimiter_reader::report() const {
  if (!error_) return {};
  const std::string place = " at byte " + std::to_string(bytes_fed_) + " of the stream";
  if (error_ == framing_error::truncated) return {error_, "end" + place};
  if (error_ == framing_error::no_memory) return {error_, "frame" + place};
  return {error_, "frame without its delimiter" + place + ", allowed are " +
                      std::to_string(frame_size_max_) + " bytes"};
}

void delimiter_reader::trim() noexcept {
  if (delivered_ || assembly_.size() == 0) {
    assembly_.trim();
    delivered_ = false;
  }
}

}  // namespace myra
