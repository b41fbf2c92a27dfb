// Replies of the Redis protocol (RESP2), appended to whatever takes text: a std::string, or a
// connection's output.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>

namespace kv {

template <class Sink>
concept reply_sink = requires(Sink& sink, std::string_view text) { sink.append(text); };

/// "<type><number>\r\n": the form of integers and of all lengths.
template <reply_sink Sink>
void write_number(Sink& sink, char type, std::int64_t number) {
  std::array<char, 24> line;  // the longest number has 20 characters
  line[0] = type;
  char* end = std::to_chars(line.data() + 1, line.data() + line.size() - 2, number).ptr;
  *end++ = '\r';
  *end++ = '\n';
  sink.append(std::string_view(line.data(), static_cast<std::size_t>(end - line.data())));
}

/// Appends text within a line. Line ends in it become blanks, as they would end the reply early.
template <reply_sink Sink>
void write_within_line(Sink& sink, std::string_view text) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t stop = text.substr(at).find_first_of("\r\n");
    sink.append(text.substr(at, stop));
    if (stop == std::string_view::npos) break;
    sink.append(std::string_view(" "));
    at += stop + 1;
  }
}

/// A status: +OK
template <reply_sink Sink>
void write_simple(Sink& sink, std::string_view text) {
  sink.append(std::string_view("+"));
  write_within_line(sink, text);
  sink.append(std::string_view("\r\n"));
}

/// An error: all `parts` of its text, one after the other. It begins with its code: "ERR no such
/// key", "WRONGTYPE ...".
template <reply_sink Sink>
void write_error(Sink& sink, std::initializer_list<std::string_view> parts) {
  sink.append(std::string_view("-"));
  for (const std::string_view part : parts) write_within_line(sink, part);
  sink.append(std::string_view("\r\n"));
}
template <reply_sink Sink>
void write_error(Sink& sink, std::string_view text) {
  write_error(sink, {text});
}

template <reply_sink Sink>
void write_integer(Sink& sink, std::integral auto number) {
  write_number(sink, ':', static_cast<std::int64_t>(number));
}

/// Any bytes.
template <reply_sink Sink>
void write_bulk(Sink& sink, std::string_view bytes) {
  write_number(sink, '$', static_cast<std::int64_t>(bytes.size()));
  sink.append(bytes);
  sink.append(std::string_view("\r\n"));
}

/// Several elements, one after the other: numbers as integers, text as bulks.
template <reply_sink Sink, class... Items>
void write_items(Sink& sink, const Items&... items) {
  const auto write_item = [&sink](const auto& item) {
    if constexpr (std::integral<std::remove_cvref_t<decltype(item)>>)
      write_integer(sink, item);
    else
      write_bulk(sink, item);
  };
  (write_item(items), ...);
}

/// The value that is not there.
template <reply_sink Sink>
void write_nil(Sink& sink) {
  sink.append(std::string_view("$-1\r\n"));
}

/// The head of an array; its `count` elements follow.
template <reply_sink Sink>
void write_array(Sink& sink, std::size_t count) {
  write_number(sink, '*', static_cast<std::int64_t>(count));
}

}  // namespace kv
