#include "dns_message.hpp"

#include <algorithm>
#include <cstring>

#include "myra/core/endian.hpp"

namespace dns {
namespace {

constexpr std::size_t label_size_max = 63;
constexpr std::uint16_t flag_response = 0x8000;
constexpr std::uint16_t flag_authoritative = 0x0400;
constexpr std::uint16_t flag_truncated = 0x0200;
constexpr std::uint16_t flag_recursion_desired = 0x0100;
constexpr std::uint16_t opcode_mask = 0x7800;
constexpr std::size_t edns_size = 11;
// The question's name, which is always at the same place: a pointer to it (RFC 1035, 4.1.4).
constexpr std::string_view question_name("\xc0\x0c", 2);

std::uint16_t read16(myra::byte_view message, std::size_t at) {
  return myra::load<std::uint16_t>(message.data() + at, myra::byte_order::big);
}

/// Names are compared without case, in ASCII alone.
char lower(char letter) noexcept {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

/// What follows the question may be the sender's EDNS record: of the root, type OPT, whose class is
/// the size that it takes. False: something else, or not whole.
bool read_edns(myra::byte_view message, std::size_t at, query& into) {
  if (message.size() - at < edns_size || message[at] != std::byte{0}) return false;
  if (read16(message, at + 1) != static_cast<std::uint16_t>(record_type::opt)) return false;
  if (message.size() - at - edns_size < read16(message, at + 9)) return false;
  into.has_edns = true;
  into.edns_version = static_cast<std::uint8_t>(message[at + 6]);
  into.reply_size_max =
      std::clamp(read16(message, at + 3), plain_size_max_bytes, reply_size_max_bytes);
  return true;
}

/// Reads what follows the header; a fault when it is not well formed.
response_code read_question(myra::byte_view message, query& into) {
  if (read16(message, 4) != 1 || read16(message, 6) != 0 || read16(message, 8) != 0)
    return response_code::format_error;
  std::size_t at = header_size_bytes;
  auto name = wire_name::read(message, at);
  if (!name || message.size() - at < 4) return response_code::format_error;
  into.type = static_cast<record_type>(read16(message, at));
  into.record_class = read16(message, at + 2);
  at += 4;
  into.question = message.subspan(header_size_bytes, at - header_size_bytes);
  into.name = name;
  // One additional record that we know; of others (signatures) we say that we do not.
  const std::uint16_t additional = read16(message, 10);
  if (additional == 0) return response_code::no_error;
  if (additional > 1 || !read_edns(message, at, into)) return response_code::format_error;
  return response_code::no_error;
}

}  // namespace

bool wire_name::add_label(std::string_view label) noexcept {
  // One byte for its length, and one that the root's will need.
  if (label.empty() || label.size() > label_size_max) return false;
  if (size_ + 1 + label.size() + 1 > name_size_max_bytes) return false;
  bytes_[size_++] = static_cast<char>(label.size());
  for (const char letter : label) bytes_[size_++] = lower(letter);
  return true;
}

std::optional<wire_name> wire_name::parse(std::string_view text) {
  wire_name made;
  if (text.ends_with('.')) text.remove_suffix(1);
  while (!text.empty()) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    if (!made.add_label(text.substr(0, dot))) return std::nullopt;
    if (dot + 1 == text.size()) return std::nullopt;  // an empty label at the end
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  made.end();
  return made;
}

std::optional<wire_name> wire_name::read(myra::byte_view message, std::size_t& at) {
  wire_name made;
  // Bounded by the name's greatest size; a pointer (its length is above 63) is no label.
  while (at < message.size()) {
    const auto size = static_cast<std::size_t>(message[at++]);
    if (size == 0) {
      made.end();
      return made;
    }
    if (size > message.size() - at) return std::nullopt;
    if (!made.add_label(myra::as_text(message.subspan(at, size)))) return std::nullopt;
    at += size;
  }
  return std::nullopt;
}

std::optional<query> read_query(myra::byte_view message) {
  if (message.size() < header_size_bytes) return std::nullopt;
  const std::uint16_t flags = read16(message, 2);
  if ((flags & flag_response) != 0) return std::nullopt;
  query found;
  found.id = read16(message, 0);
  found.recursion_desired = (flags & flag_recursion_desired) != 0;
  if ((flags & opcode_mask) != 0)
    found.fault = response_code::not_implemented;
  else
    found.fault = read_question(message, found);
  return found;
}

reply_writer::reply_writer(myra::mutable_byte_view target, const query& asked) noexcept
    : target_(target), asked_(asked), size_(header_size_bytes) {
  size_max_ = std::min<std::size_t>(asked.reply_size_max, target.size());
  if (asked.has_edns) size_max_ -= edns_size;
  put(myra::as_text(asked.question));
}

void reply_writer::put(std::string_view bytes) noexcept {
  if (bytes.empty()) return;  // of a question that could not be read; there is no pointer then
  std::memcpy(target_.data() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

void reply_writer::put16(std::uint16_t value) noexcept {
  myra::store(target_.data() + size_, value, myra::byte_order::big);
  size_ += 2;
}

bool reply_writer::add(std::string_view name, record_type type, std::uint32_t ttl,
                       std::string_view record_bytes) noexcept {
  constexpr std::size_t fixed_size = 10;
  if (truncated_ || size_ + name.size() + fixed_size + record_bytes.size() > size_max_) {
    truncated_ = true;
    return false;
  }
  put(name);
  put16(static_cast<std::uint16_t>(type));
  put16(1);  // of the internet
  put16(static_cast<std::uint16_t>(ttl >> 16));
  put16(static_cast<std::uint16_t>(ttl & 0xffff));
  put16(static_cast<std::uint16_t>(record_bytes.size()));
  put(record_bytes);
  return true;
}

bool reply_writer::add_answer(record_type type, std::uint32_t ttl,
                              std::string_view record_bytes) noexcept {
  if (!add(question_name, type, ttl, record_bytes)) return false;
  ++answer_count_;
  return true;
}

bool reply_writer::add_authority(std::string_view name, record_type type, std::uint32_t ttl,
                                 std::string_view record_bytes) noexcept {
  if (!add(name, type, ttl, record_bytes)) return false;
  ++authority_count_;
  return true;
}

myra::byte_view reply_writer::finish() noexcept {
  if (asked_.has_edns) {
    put(std::string_view("\0", 1));
    put16(static_cast<std::uint16_t>(record_type::opt));
    put16(reply_size_max_bytes);
    // The version that we speak is 0; another is answered with BADVERS, 16, of which the upper
    // part is here and the lower in the header (RFC 6891, 6.1.3).
    put16(asked_.edns_version == 0 ? 0 : 0x0100);
    put16(0);
    put16(0);
  }
  const std::size_t size = size_;
  const bool authoritative = code_ == response_code::no_error || code_ == response_code::name_error;
  size_ = 0;
  put16(asked_.id);
  put16(static_cast<std::uint16_t>(
      flag_response | (authoritative ? flag_authoritative : 0) | (truncated_ ? flag_truncated : 0) |
      (asked_.recursion_desired ? flag_recursion_desired : 0) | static_cast<unsigned>(code_)));
  put16(asked_.question.empty() ? 0 : 1);
  put16(answer_count_);
  put16(authority_count_);
  put16(asked_.has_edns ? 1 : 0);
  size_ = size;
  return target_.first(size);
}

}  // namespace dns
