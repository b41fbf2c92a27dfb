#include "myra/metrics/sample.hpp"

#include <charconv>
#include <optional>

namespace myra::metrics {
namespace {

bool is_name_letter(char letter) noexcept {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || letter == '_' || letter == ':';
}

/// Goes through one line.
class line_reader {
 public:
  explicit line_reader(std::string_view line) noexcept : rest_(line) {}

  /// Why it is not a sample; nothing when `to` has it.
  [[nodiscard]] std::optional<std::string> read(sample& to) {
    to.name = take_name();
    if (to.name.empty()) return expected("a name");
    if (take('{') && !take('}'))
      if (auto wrong = read_labels(to)) return wrong;
    if (!take(' ')) return expected("a blank and a number");
    std::string_view number = rest_.substr(0, rest_.find(' '));
    if (number.size() > 1 && number.starts_with('+')) number.remove_prefix(1);
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), to.value);
    if (error != std::errc() || end != number.data() + number.size()) return expected("a number");
    return std::nullopt;
  }

 private:
  [[nodiscard]] std::optional<std::string> read_labels(sample& to) {
    do {
      auto& [name, value] = to.labels.emplace_back();
      name = take_name();
      if (name.empty()) return expected("the name of a label");
      if (!take('=') || !take('"')) return expected("=\"");
      if (!take_value(value)) return expected("the \" that ends a label");
    } while (take(','));
    if (!take('}')) return expected(", or }");
    return std::nullopt;
  }

  /// False when the line ended first.
  [[nodiscard]] bool take_value(std::string& value) {
    for (; !rest_.empty(); rest_.remove_prefix(1)) {
      if (take('"')) return true;
      if (rest_.front() == '\\') {
        rest_.remove_prefix(1);
        if (rest_.empty()) return false;
      }
      value += rest_.front();
    }
    return false;
  }

  std::string take_name() {
    std::size_t size = 0;
    while (size < rest_.size() && is_name_letter(rest_[size])) ++size;
    std::string name(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return name;
  }

  bool take(char wanted) noexcept {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  [[nodiscard]] std::string expected(std::string_view what) const {
    constexpr std::size_t shown_max = 40;
    return "found \"" + std::string(rest_.substr(0, shown_max)) + "\", expected " +
           std::string(what);
  }

  std::string_view rest_;
};

}  // namespace

std::string_view sample::label(std::string_view wanted) const noexcept {
  for (const auto& [called, text] : labels)
    if (called == wanted) return text;
  return {};
}

opened<std::vector<sample>> parse_text(std::string_view text) {
  std::vector<sample> all;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line == "# EOF") {
      if (text.empty()) return all;
      return report(std::make_error_code(std::errc::bad_message),
                    "line " + std::to_string(number) + ": found more after \"# EOF\"");
    }
    if (line.starts_with('#')) continue;
    if (auto wrong = line_reader(line).read(all.emplace_back()))
      return report(std::make_error_code(std::errc::bad_message),
                    "line " + std::to_string(number) + ": " + *wrong);
  }
  return report(std::make_error_code(std::errc::bad_message),
                "found no \"# EOF\" at the end: the text was cut off");
}

}  // namespace myra::metrics
