#include "myra/metrics/http_request.hpp"

#include <algorithm>

namespace myra::metrics {
namespace {

constexpr std::string_view path = "/metrics";

char lower(char letter) noexcept {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool same_letters(std::string_view left, std::string_view right) noexcept {
  return std::ranges::equal(left, right, {}, lower, lower);
}

bool has_word(std::string_view text, std::string_view word) noexcept {
  return !std::ranges::search(text, word, {}, lower, lower).empty();
}

/// RFC 9110, "tchar".
bool is_token_letter(char letter) noexcept {
  return (letter >= '0' && letter <= '9') || (lower(letter) >= 'a' && lower(letter) <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").contains(letter);
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_token_letter);
}

bool is_visible(char letter) noexcept { return letter > ' ' && letter < 0x7f; }

/// Takes a line from the front, without its end: CR LF, or LF alone.
std::string_view take_line(std::string_view& text) noexcept {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// The path of a target in origin form, or in absolute form as a proxy's clients write it; without
/// the query. Empty when it is neither.
std::string_view path_of(std::string_view target) noexcept {
  constexpr std::string_view scheme = "http://";
  if (target.size() > scheme.size() && same_letters(target.substr(0, scheme.size()), scheme)) {
    const std::size_t slash = target.find('/', scheme.size());
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  if (!target.starts_with('/')) return {};
  return target.substr(0, target.find('?'));
}

/// Judges the first line.
http_verdict judge_request_line(std::string_view line) noexcept {
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return {};
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (!is_token(method) || !std::ranges::all_of(target, is_visible)) return {};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return {};
  const std::string_view asked = path_of(target);
  if (asked.empty()) return {};
  const bool head_only = method == "HEAD";
  if (asked != path) return {.status = http_status::not_found, .head_only = head_only};
  if (method != "GET" && !head_only) return {.status = http_status::method_not_allowed};
  return {.status = http_status::ok, .head_only = head_only};
}

}  // namespace

std::size_t end_of_head(std::string_view received, std::size_t searched) noexcept {
  // The end may have begun in what was searched before.
  std::size_t from = searched < 3 ? 0 : searched - 3;
  for (;; ++from) {
    from = received.find('\n', from);
    if (from == std::string_view::npos) return 0;
    const std::string_view rest = received.substr(from + 1);
    if (rest.starts_with('\n')) return from + 2;
    if (rest.starts_with("\r\n")) return from + 3;
  }
}

http_verdict judge(std::string_view head) noexcept {
  http_verdict verdict = judge_request_line(take_line(head));
  bool accepts_plain = false;
  bool accepts_open_metrics = false;
  for (std::string_view line = take_line(head); !line.empty(); line = take_line(head)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      return {.head_only = verdict.head_only};
    if (!same_letters(line.substr(0, colon), "accept")) continue;
    const std::string_view accepted = trimmed(line.substr(colon + 1));
    accepts_plain = accepts_plain || has_word(accepted, "text/plain");
    accepts_open_metrics =
        accepts_open_metrics || has_word(accepted, "application/openmetrics-text");
  }
  if (accepts_plain && !accepts_open_metrics) verdict.format = text_format::plain;
  return verdict;
}

std::string_view status_line(http_status status) noexcept {
  switch (status) {
    case http_status::ok: return "200 OK";
    case http_status::bad_request: return "400 Bad Request";
    case http_status::not_found: return "404 Not Found";
    case http_status::method_not_allowed: return "405 Method Not Allowed";
    case http_status::head_too_large: return "431 Request Header Fields Too Large";
  }
  return "500 Internal Server Error";
}

}  // namespace myra::metrics
