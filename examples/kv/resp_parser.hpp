// Requests of the Redis protocol (RESP2): arrays of bulk strings, and inline commands. Behaves as
// Redis 7 does. https://redis.io/docs/latest/develop/reference/protocol-spec/
//
//   parser.feed(chunk);
//   while (auto command = parser.next()) execute(*command);
//   if (parser.failed()) reply with parser.error() and close
//
// When next() has returned nothing, the parser is done with the chunk: what was left of it is
// stored.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kv {

/// What a client may ask of the server's memory. Whatever is over a limit is refused as soon as
/// that can be seen.
struct resp_limits {
  /// Arguments of one command, its name included.
  std::size_t arguments_max = std::size_t{1} << 20;
  /// One argument.
  std::size_t bulk_size_max_bytes = std::size_t{512} << 20;
  /// An inline command, and a line that holds a length.
  std::size_t inline_size_max_bytes = std::size_t{64} << 10;
  /// A whole array with its length lines.
  std::size_t request_size_max_bytes = std::size_t{1} << 30;
  /// Storage that is kept from one command that straddled chunks to the next.
  std::size_t kept_size_max_bytes = std::size_t{2} << 20;
};

/// The arguments of one command, the first is its name. There is at least one.
using resp_command = std::span<const std::string_view>;

/// A decimal number in Redis' strict form: no sign but a minus, no leading zero, no blank.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text) noexcept;

/// Splits what one client sends into commands; fed in pieces of any size. The arguments of a
/// command that lies whole in the fed chunk are views into that chunk (except for inline arguments
/// in quotes); only a command that straddles chunks is copied, into storage that grows with the
/// bytes that arrive. In the steady state nothing is allocated. Cost is linear in the bytes however
/// they are cut. Used by one thread at a time.
class resp_parser {
 public:
  explicit resp_parser(const resp_limits& limits = {}) : limits_(limits) {}

  /// Lends `chunk` to the parser until next() returns nothing. The chunk before must have been read
  /// to its end. A parser that has failed takes no notice of it.
  void feed(std::string_view chunk) {
    assert(chunk_begin_ == chunk_end_ && "the chunk before was not read to its end");
    if (failed()) return;
    chunk_begin_ = chunk.data();
    chunk_end_ = chunk_begin_ + chunk.size();
  }

  /// The next command. Valid until the next next() or feed(), and as long as the chunk. Nothing
  /// when more bytes are needed, or when the client broke the protocol: ask failed(). Empty
  /// commands are passed over.
  [[nodiscard]] std::optional<resp_command> next();

  /// Whether the client broke the protocol. For good: the connection is to be closed.
  [[nodiscard]] bool failed() const { return !error_.empty(); }

  /// The text of the error reply in Redis' words, "ERR Protocol error: ..."; empty when there is
  /// none.
  [[nodiscard]] std::string_view error() const { return error_; }

  /// Bytes of an incomplete command that were fed and are stored.
  [[nodiscard]] std::size_t pending_size_bytes() const { return delivered_ ? 0 : tail_.size(); }

 private:
  enum class progress { complete, ignored, incomplete, failed };

  // What is said of a length line that is wrong.
  struct length_words {
    std::string_view invalid;
    std::string_view too_big;
  };

  static constexpr std::size_t unknown = static_cast<std::size_t>(-1);

  [[nodiscard]] progress scan(const char* begin, const char* end);
  [[nodiscard]] progress scan_inline(const char* begin, const char* end);
  [[nodiscard]] progress scan_count(const char* begin, const char* end);
  [[nodiscard]] progress scan_bulk_size(const char* begin, const char* end);
  [[nodiscard]] progress scan_length(const char* begin, const char* end, const length_words& words,
                                     std::int64_t& value);
  [[nodiscard]] progress scan_any_length(const char* begin, const char* end,
                                         const length_words& words, std::int64_t& value);
  [[nodiscard]] progress fail(std::string_view why);

  void keep_tail();
  [[nodiscard]] std::size_t wanted_size() const;
  void append_to_tail(std::size_t size);
  void rebase_arguments(const char* from, const char* to);
  void start_command();
  void end_command(bool in_tail);
  void forget_tail();
  void release_storage();

  resp_limits limits_;
  const char* chunk_begin_ = nullptr;  // what is unread of the chunk
  const char* chunk_end_ = nullptr;

  // The command that is being read. Its bytes lie in tail_ when that is not empty, otherwise in the
  // chunk.
  std::vector<std::string_view> arguments_;
  std::size_t offset_ = 0;         // how far it was read, from its first byte
  std::size_t searched_size_ = 0;  // bytes behind that in which no line end was found
  std::size_t missing_count_ =
      0;  // arguments that are still to come; 0 before the first line is complete
  std::size_t bulk_size_ = unknown;  // of the argument at offset_, when its length line was read

  std::string tail_;
  bool delivered_ = false;  // tail_ holds the command that was returned last
  std::string unescaped_;
  std::string error_;
};

}  // namespace kv
