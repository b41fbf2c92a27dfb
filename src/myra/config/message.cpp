#include "myra/config/message.hpp"

namespace myra::config {

std::unexpected<error_report> invalid(std::string what) {
  return report(std::make_error_code(std::errc::invalid_argument), std::move(what));
}

std::string in_words(const value& found) {
  if (const bool* truth = std::get_if<bool>(&found)) return *truth ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&found)) return std::to_string(*number);
  return '"' + on_one_line(std::get<std::string>(found)) + '"';
}

std::string not_allowed(const field& refused, std::string_view name, std::string_view found) {
  return std::string(name) + ": found " + std::string(found) + ", allowed " + refused.allowed;
}

std::string unknown_name(std::string_view thing, const std::string& nearest) {
  std::string what = "unknown " + on_one_line(thing);
  if (!nearest.empty()) what += "; did you mean " + nearest + '?';
  return what;
}

std::string on_one_line(std::string_view text) {
  constexpr std::size_t size_max = 200;
  std::string line(text.substr(0, size_max));
  for (char& each : line)
    if (static_cast<unsigned char>(each) < 0x20 || each == 0x7f) each = ' ';
  return text.size() > size_max ? line + "..." : line;
}

}  // namespace myra::config
