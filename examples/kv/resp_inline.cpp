#include "resp_inline.hpp"

#include <cstddef>

namespace kv {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// A vertical tab or form feed separates arguments, but does not end one: so does Redis.
bool ends_plain(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char escaped(char c) {
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return c;
  }
}

// Appends what the escape at the start of `rest` stands for (`rest` begins with a backslash and one
// more character) and returns its length.
std::size_t read_escape(std::string_view rest, std::string& out) {
  if (rest.size() >= 4 && rest[1] == 'x') {
    const int high = hex_value(rest[2]);
    const int low = hex_value(rest[3]);
    if (high >= 0 && low >= 0) {
      out += static_cast<char>(high * 16 + low);
      return 4;
    }
  }
  out += escaped(rest[1]);
  return 2;
}

// Appends a quoted part that begins at `at`, and moves `at` behind its closing quote. False when it
// has none, or when something other than a blank follows.
bool read_quoted(std::string_view line, std::size_t& at, std::string& out) {
  const char quote = line[at++];
  while (at < line.size()) {
    const char c = line[at];
    const std::string_view rest = line.substr(at);
    if (c == quote) {
      ++at;
      return at == line.size() || is_blank(line[at]);
    }
    if (c == '\\' && quote == '"' && rest.size() > 1) {
      at += read_escape(rest, out);
    } else if (c == '\\' && quote == '\'' && rest.starts_with("\\'")) {
      out += '\'';
      at += 2;
    } else {
      out += c;
      ++at;
    }
  }
  return false;
}

}  // namespace

bool split_inline(std::string_view line, std::vector<std::string_view>& arguments,
                  std::string& unescaped) {
  arguments.clear();
  unescaped.clear();
  if (line.find_first_of("\"'") != std::string_view::npos) unescaped.reserve(line.size());
  for (std::size_t at = 0;;) {
    while (at < line.size() && is_blank(line[at])) ++at;
    if (at == line.size()) return true;

    const std::size_t begin = at;
    while (at < line.size() && !ends_plain(line[at]) && line[at] != '"' && line[at] != '\'') ++at;
    const std::string_view plain = line.substr(begin, at - begin);
    if (at == line.size() || ends_plain(line[at])) {
      arguments.push_back(plain);
      continue;
    }
    // What is unescaped is never longer than the line, so that earlier arguments stay where they
    // are.
    const std::size_t start = unescaped.size();
    unescaped += plain;
    if (!read_quoted(line, at, unescaped)) return false;
    arguments.push_back(std::string_view(unescaped).substr(start));
  }
}

}  // namespace kv
