#include "myra/core/cpu_list.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

namespace myra {
namespace {

constexpr unsigned highest_cpu = 1023;  // CPU_SETSIZE - 1 (CPU_SET(3))

std::optional<unsigned> parse_cpu(std::string_view text) {
  unsigned number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stopped != end || number > highest_cpu) return std::nullopt;
  return number;
}

/// Adds what "3" or "0-3" names; false when it names nothing.
bool add(std::string_view part, std::vector<unsigned>& to) {
  const std::size_t dash = part.find('-');
  const auto first = parse_cpu(part.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_cpu(part.substr(dash + 1));
  if (!first || !last || *first > *last) return false;
  for (unsigned cpu = *first; cpu <= *last; ++cpu) to.push_back(cpu);
  return true;
}

}  // namespace

result<std::vector<unsigned>> parse_cpu_list(std::string_view text) {
  std::vector<unsigned> cpus;
  for (bool more = !text.empty(); more;) {
    const std::size_t comma = text.find(',');
    if (!add(text.substr(0, comma), cpus))
      return failure(std::make_error_code(std::errc::invalid_argument));
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
  }
  std::ranges::sort(cpus);
  const auto again = std::ranges::unique(cpus);
  cpus.erase(again.begin(), again.end());
  return cpus;
}

std::string print_cpu_list(const std::vector<unsigned>& cpus) {
  std::string text;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(cpus[i]);
    if (last > i) text += '-' + std::to_string(cpus[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace myra
