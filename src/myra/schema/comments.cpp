#include "myra/schema/comments.hpp"

#include <algorithm>

namespace myra::schema {
namespace {

/// How many lines of one comment are taken; the last ones before the declaration.
constexpr std::size_t line_count_max = 200;

/// The text of a line that is a comment which begins not right of `column`; nothing otherwise.
const char* text_of(std::string_view line, std::uint32_t column) {
  const std::size_t begin = line.find_first_not_of(' ');
  if (begin == std::string_view::npos || line[begin] != '#' || begin + 1 > column) return nullptr;
  return line.data() + begin + 1;
}

}  // namespace

comment_lines::comment_lines(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines_.push_back(line);
    at = end + 1;
  }
}

std::string comment_lines::above(position at) const {
  if (at.line < 2 || at.line > lines_.size()) return {};
  std::size_t first = at.line - 1;
  while (first > 0 && at.line - 1 - first < line_count_max &&
         text_of(lines_[first - 1], at.column) != nullptr)
    --first;
  std::string made;
  for (std::size_t i = first; i + 1 < at.line; ++i) {
    const std::string_view line = lines_[i];
    std::string_view text(text_of(line, at.column), line.data() + line.size());
    if (text.starts_with(' ')) text.remove_prefix(1);
    made.append(text).append("\n");
  }
  while (made.ends_with('\n')) made.pop_back();
  return made;
}

}  // namespace myra::schema
