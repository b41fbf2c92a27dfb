#include "resp_parser.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <system_error>

#include "resp_inline.hpp"

namespace kv {
namespace {

// Large enough that a std::string of it is on the heap, where its bytes stay when it is swapped.
constexpr std::size_t tail_size_min = 256;

std::size_t distance(const char* begin, const char* end) {
  return static_cast<std::size_t>(end - begin);
}

const char* find(const char* begin, const char* end, char wanted) {
  if (begin == end) return nullptr;
  return static_cast<const char*>(std::memchr(begin, wanted, distance(begin, end)));
}

// The usual length line, complete and with a number of one to nine digits: reads it, moves `at`
// behind it and says true. Says false of any other line, and leaves that to scan_any_length().
inline bool take_short_length(const char*& at, const char* end, std::int64_t& value) {
  constexpr std::ptrdiff_t digits_max = 9;
  const char* digit = at + 1;
  if (end - digit < 3) return false;  // a digit, and the two bytes of the line end
  const char* const stop = digit + std::min(end - digit - 2, digits_max);
  std::int64_t number = 0;
  do {
    const int next = *digit - '0';
    if (next < 0 || next > 9) break;
    number = number * 10 + next;
    ++digit;
  } while (digit != stop);
  if (*digit != '\r' || digit == at + 1 || (at[1] == '0' && digit != at + 2)) return false;
  value = number;
  at = digit + 2;  // Redis does not look at the byte behind the \r either
  return true;
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) noexcept {
  if (text == "0") return 0;
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.empty() || digits.front() < '1' || digits.front() > '9') return std::nullopt;
  std::int64_t value = 0;
  const char* const begin = std::to_address(text.begin());
  const char* const end = std::to_address(text.end());
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<resp_command> resp_parser::next() {
  if (delivered_) forget_tail();
  while (chunk_begin_ != chunk_end_) {
    const bool in_tail = !tail_.empty();
    if (in_tail) append_to_tail(wanted_size());
    const char* const begin = in_tail ? tail_.data() : chunk_begin_;
    const char* const end = in_tail ? begin + tail_.size() : chunk_end_;
    if (!in_tail) start_command();
    switch (scan(begin, end)) {
      case progress::complete: end_command(in_tail); return resp_command(arguments_);
      case progress::ignored:
        end_command(in_tail);
        if (in_tail) forget_tail();
        break;
      case progress::incomplete:
        if (!in_tail) keep_tail();
        break;
      case progress::failed: return std::nullopt;
    }
  }
  return std::nullopt;
}

// Goes on reading the command that begins at `begin`, of which the bytes up to `end` are there.
resp_parser::progress resp_parser::scan(const char* begin, const char* end) {
  if (missing_count_ == 0) {
    if (*begin != '*') return scan_inline(begin, end);
    if (const progress state = scan_count(begin, end); state != progress::complete) return state;
  }
  while (missing_count_ != 0) {
    if (bulk_size_ == unknown) {
      const progress state = scan_bulk_size(begin, end);
      if (state != progress::complete) return state;
    }
    const char* const bulk = begin + offset_;
    if (distance(bulk, end) < bulk_size_ + 2) return progress::incomplete;
    arguments_.emplace_back(bulk, bulk_size_);
    offset_ += bulk_size_ + 2;
    bulk_size_ = unknown;
    --missing_count_;
  }
  return progress::complete;
}

resp_parser::progress resp_parser::scan_inline(const char* begin, const char* end) {
  const char* const limit =
      begin + std::min(distance(begin, end), limits_.inline_size_max_bytes + 1);
  const char* const newline = find(begin + searched_size_, limit, '\n');
  searched_size_ = distance(begin, limit);
  if (newline == nullptr) {
    if (searched_size_ > limits_.inline_size_max_bytes) return fail("too big inline request");
    return progress::incomplete;
  }
  offset_ = distance(begin, newline) + 1;
  std::string_view line(begin, distance(begin, newline));
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!split_inline(line, arguments_, unescaped_)) return fail("unbalanced quotes in request");
  if (arguments_.size() > limits_.arguments_max) return fail("too big inline request");
  return arguments_.empty() ? progress::ignored : progress::complete;
}

resp_parser::progress resp_parser::scan_count(const char* begin, const char* end) {
  static constexpr length_words words{"invalid multibulk length", "too big mbulk count string"};
  std::int64_t count = 0;
  const progress state = scan_length(begin, end, words, count);
  if (state != progress::complete) return state;
  if (count <= 0) return progress::ignored;
  missing_count_ = static_cast<std::size_t>(count);
  return missing_count_ > limits_.arguments_max ? fail(words.invalid) : progress::complete;
}

resp_parser::progress resp_parser::scan_bulk_size(const char* begin, const char* end) {
  static constexpr length_words words{"invalid bulk length", "too big bulk count string"};
  const char* const at = begin + offset_;
  if (at == end) return progress::incomplete;
  if (*at != '$') return fail(std::string("expected '$', got '") + *at + "'");
  std::int64_t value = 0;
  const progress state = scan_length(begin, end, words, value);
  if (state != progress::complete) return state;
  const auto size = static_cast<std::size_t>(value);
  if (value < 0 || size > limits_.bulk_size_max_bytes) return fail(words.invalid);
  if (offset_ + size + 2 > limits_.request_size_max_bytes) return fail("too big request");
  bulk_size_ = size;
  return progress::complete;
}

// Reads the length line at offset_.
inline resp_parser::progress resp_parser::scan_length(const char* begin, const char* end,
                                                      const length_words& words,
                                                      std::int64_t& value) {
  const char* at = begin + offset_;
  if (!take_short_length(at, end, value) ||
      distance(begin + offset_, at) - 2 > limits_.inline_size_max_bytes)
    return scan_any_length(begin, end, words, value);
  offset_ = distance(begin, at);
  searched_size_ = 0;
  return progress::complete;
}

// The same for lines that are incomplete, or hold a number that is negative, long, or none.
resp_parser::progress resp_parser::scan_any_length(const char* begin, const char* end,
                                                   const length_words& words, std::int64_t& value) {
  const char* const line = begin + offset_;
  const char* const limit = line + std::min(distance(line, end), limits_.inline_size_max_bytes + 1);
  const char* const line_end = find(line + searched_size_, limit, '\r');
  if (line_end == nullptr) {
    searched_size_ = distance(line, limit);
    return searched_size_ > limits_.inline_size_max_bytes ? fail(words.too_big)
                                                          : progress::incomplete;
  }
  searched_size_ = distance(line, line_end);
  if (line_end + 1 == end) return progress::incomplete;
  const auto number = parse_integer({line + 1, line_end});
  if (!number) return fail(words.invalid);
  value = *number;
  offset_ += searched_size_ + 2;
  searched_size_ = 0;
  return progress::complete;
}

resp_parser::progress resp_parser::fail(std::string_view why) {
  error_.append("ERR Protocol error: ").append(why);
  chunk_begin_ = chunk_end_;
  release_storage();
  return progress::failed;
}

void resp_parser::start_command() {
  arguments_.clear();
  offset_ = 0;
  searched_size_ = 0;
  missing_count_ = 0;
  bulk_size_ = unknown;
}

void resp_parser::end_command(bool in_tail) {
  assert(!in_tail || offset_ == tail_.size());
  delivered_ = in_tail;
  if (!in_tail) chunk_begin_ += offset_;
}

// The command that begins in the chunk does not end in it.
void resp_parser::keep_tail() {
  const std::string_view rest(chunk_begin_, distance(chunk_begin_, chunk_end_));
  tail_.reserve(std::max(rest.size(), tail_size_min));
  tail_.append(rest);
  rebase_arguments(chunk_begin_, tail_.data());
  chunk_begin_ = chunk_end_;
}

// How many bytes of the chunk may be taken for the incomplete command in the tail, so that nothing
// is taken that lies behind its end: up to the end of the argument or of the line that it waits
// for. At least one.
std::size_t resp_parser::wanted_size() const {
  const std::size_t available = distance(chunk_begin_, chunk_end_);
  const std::size_t held = tail_.size() - offset_;
  if (bulk_size_ != unknown) return std::min(available, bulk_size_ + 2 - held);

  const bool is_inline = missing_count_ == 0 && tail_.front() != '*';
  if (!is_inline && held != 0 && tail_.back() == '\r') return 1;
  const std::size_t behind =
      is_inline ? 1 : 2;  // bytes up to the end of the line, with the one looked for
  const std::size_t most = std::min(available, limits_.inline_size_max_bytes + behind - held);
  const char* const line_end = find(chunk_begin_, chunk_begin_ + most, is_inline ? '\n' : '\r');
  return line_end == nullptr ? most : std::min(most, distance(chunk_begin_, line_end) + behind);
}

void resp_parser::append_to_tail(std::size_t size) {
  const std::size_t needed = tail_.size() + size;
  if (needed > tail_.capacity()) {
    std::string grown;
    const std::size_t doubled = 2 * tail_.capacity();  // keeps all copying linear in the bytes
    const std::size_t known = bulk_size_ == unknown ? doubled : offset_ + bulk_size_ + 2;
    grown.reserve(std::max(needed, std::min(doubled, known)));
    grown.append(tail_);
    rebase_arguments(tail_.data(), grown.data());
    tail_.swap(grown);
  }
  tail_.append(chunk_begin_, size);
  chunk_begin_ += size;
}

void resp_parser::rebase_arguments(const char* from, const char* to) {
  for (std::string_view& argument : arguments_) {
    const char* const begin = std::to_address(argument.begin());
    argument = {to + distance(from, begin), argument.size()};
  }
}

void resp_parser::forget_tail() {
  delivered_ = false;
  tail_.clear();
  if (tail_.capacity() > limits_.kept_size_max_bytes) release_storage();
}

void resp_parser::release_storage() {
  tail_.clear();
  tail_.shrink_to_fit();
  arguments_.clear();
  arguments_.shrink_to_fit();
}

}  // namespace kv
