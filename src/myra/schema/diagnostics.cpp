#include "myra/schema/diagnostics.hpp"

#include <tuple>
#include <utility>

#include "myra/core/nearest_name.hpp"
#include "myra/schema/in_order.hpp"

namespace myra::schema {

std::uint32_t diagnostics::add_file(std::string path) {
  paths_.push_back(std::move(path));
  return static_cast<std::uint32_t>(paths_.size() - 1);
}

void diagnostics::error(position at, std::string what, std::string right) {
  if (!full()) found_.push_back({at, std::move(what), std::move(right)});
}

std::string diagnostics::text() const {
  const auto place = [](const diagnostic& each) {
    return std::tuple(each.at.file, each.at.line, each.at.column);
  };
  std::string text;
  for (const diagnostic& each : in_order(found_, place)) {
    if (each.at.file < paths_.size()) text += paths_[each.at.file] + ':';
    if (each.at.line != 0)
      text += std::to_string(each.at.line) + ':' + std::to_string(each.at.column) + ':';
    text += (text.ends_with(':') ? " error: " : "error: ") + each.what;
    if (!each.right.empty()) text += "; " + each.right;
    text += '\n';
  }
  if (full())
    text += "error: too many errors; the first " + std::to_string(count_max) + " are above\n";
  return text;
}

std::string in_quotes(std::string_view shown) {
  constexpr std::size_t size_max = 80;
  std::string text = "'";
  for (const char each : shown.substr(0, size_max))
    text += static_cast<unsigned char>(each) < 0x20 || each == 0x7f ? '?' : each;
  return text + (shown.size() > size_max ? "...'" : "'");
}

std::string suggestion(std::string_view typed, const std::vector<std::string>& known,
                       std::string_view otherwise) {
  const std::string nearest = nearest_name(typed, known);
  return nearest.empty() ? std::string(otherwise) : "did you mean " + nearest + '?';
}

std::string enumerated(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) text += i + 1 == words.size() ? " and " : ", ";
    text += words[i];
  }
  return text;
}

}  // namespace myra::schema
