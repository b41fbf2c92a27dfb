#include "myra/config/characters.hpp"

#include <algorithm>
#include <cstddef>

#include "myra/config/message.hpp"

namespace myra::config {
namespace {

/// Knows whether a character stands in quotes or in a comment.
///
///   outside ──#──▶ comment ──line end──▶ outside
///   outside ──" or '──▶ in quotes ──the same, or line end──▶ outside
///   outside ──""" or '''──▶ in quotes over lines ──the same──▶ outside
class walker {
 public:
  explicit walker(std::string_view text) noexcept : text_(text) {}

  [[nodiscard]] bool done() const noexcept { return at_ >= text_.size(); }
  [[nodiscard]] unsigned char here() const noexcept {
    return static_cast<unsigned char>(text_[at_]);
  }
  [[nodiscard]] bool outside() const noexcept { return !comment_ && quote_ == none; }
  [[nodiscard]] std::size_t line() const noexcept { return line_; }
  [[nodiscard]] std::size_t column() const noexcept { return column_; }

  void step() noexcept {
    const std::size_t count = outside() ? step_outside() : comment_ ? 1 : step_in_quotes();
    const char first = text_[at_];
    at_ += count;
    if (first == '\n') {
      if (!over_lines_) quote_ = none;
      comment_ = false;
      ++line_;
      column_ = 1;
    } else if (!is_continuation(first)) {
      column_ += count;
    }
  }

 private:
  static constexpr char none = '\0';

  /// Columns count characters, not bytes (RFC 3629).
  static bool is_continuation(char each) noexcept {
    return (static_cast<unsigned char>(each) & 0xc0U) == 0x80U;
  }

  /// How often the character that is here stands in a row.
  [[nodiscard]] std::size_t run() const noexcept {
    const std::size_t end = text_.find_first_not_of(text_[at_], at_);
    return std::min(end, text_.size()) - at_;
  }

  std::size_t step_outside() noexcept {
    const char first = text_[at_];
    comment_ = first == '#';
    if (first != '"' && first != '\'') return 1;
    const std::size_t length = run();
    if (length == 2) return 2;  // an empty string
    quote_ = first;
    over_lines_ = length >= 3;
    return over_lines_ ? 3 : 1;
  }

  std::size_t step_in_quotes() noexcept {
    const char first = text_[at_];
    if (first == '\\' && quote_ == '"') return escapes_a_quote() ? 2 : 1;
    if (first != quote_) return 1;
    // Over lines, one or two quotes are text, and so may be two of up to five that end it.
    const std::size_t length = over_lines_ ? std::min(run(), std::size_t{5}) : 1;
    if (!over_lines_ || length >= 3) leave_quotes();
    return length;
  }

  [[nodiscard]] bool escapes_a_quote() const noexcept {
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : none;
    return next == '"' || next == '\\';
  }

  void leave_quotes() noexcept {
    quote_ = none;
    over_lines_ = false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t column_ = 1;
  char quote_ = none;  ///< Which one ends the string.
  bool over_lines_ = false;
  bool comment_ = false;
};

bool is_control(unsigned char code) noexcept {
  return (code < 0x20 && code != '\t' && code != '\n' && code != '\r') || code == 0x7f;
}

}  // namespace

opened<void> check_characters(std::string_view text, const std::string& name) {
  const auto refuse = [&name](const walker& at, const std::string& what) {
    return invalid(name + ':' + std::to_string(at.line()) + ':' + std::to_string(at.column()) +
                   ": is not TOML: found " + what);
  };
  for (walker at(text); !at.done(); at.step()) {
    if (is_control(at.here()))
      return refuse(at, "the control character " + std::to_string(at.here()));
    if (at.here() >= 0x80 && at.outside())
      return refuse(at, "a character that is not ASCII outside of quotes and comments");
  }
  return {};
}

}  // namespace myra::config
