// What the load generator sends: every message of every connection is different, and each byte can
// be foretold, so that a reply can be checked without keeping the request.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace myra::bench {

constexpr std::uint64_t word_step = 0xbf58476d1ce4e5b9U;

inline std::uint64_t first_word(std::uint32_t connection, std::uint64_t sequence) {
  std::uint64_t word = (sequence << 20U) ^ connection;
  word = (word ^ (word >> 31U)) * 0x9e3779b97f4a7c15U;
  return word ^ (word >> 29U);
}

/// Whether these are the bytes of that message, of whole words.
inline bool is_message(const char* data, std::size_t size, std::uint32_t connection,
                       std::uint64_t sequence) {
  std::uint64_t word = first_word(connection, sequence);
  std::uint64_t difference = 0;
  for (std::size_t at = 0; at < size; at += sizeof word, word += word_step) {
    std::uint64_t found = 0;
    std::memcpy(&found, data + at, sizeof found);
    difference |= found ^ word;
  }
  return difference == 0;
}

/// Writes `size` bytes of message number `sequence` of a connection, from byte `offset` on, which
/// is a multiple of eight. Eight-byte words of an arithmetic progression whose start is a hash of
/// both numbers: cheap to make, and moved, repeated or foreign bytes show.
inline void write_message(char* out, std::size_t size, std::uint32_t connection,
                          std::uint64_t sequence, std::size_t offset = 0) {
  std::uint64_t word = first_word(connection, sequence) + word_step * (offset / sizeof word);
  std::size_t at = 0;
  for (; at + sizeof word <= size; at += sizeof word, word += word_step) {
    std::memcpy(out + at, &word, sizeof word);
  }
  std::memcpy(out + at, &word, size - at);
}

/// Checks one connection's stream of echoes, in whatever pieces it comes.
class echo_checker {
 public:
  echo_checker(std::uint32_t connection, std::size_t message_size)
      : size_(message_size), connection_(connection) {}

  /// Compares the next bytes of the stream and returns how many messages they completed, or -1
  /// when a byte differs. `scratch` holds one message and seven bytes more.
  int check(const char* data, std::size_t count, char* scratch) {
    int completed = 0;
    while (offset_ == 0 && count >= size_ && size_ % sizeof(std::uint64_t) == 0) {
      if (!is_message(data, size_, connection_, sequence_)) return -1;
      data += size_;
      count -= size_;
      ++sequence_;
      ++completed;
    }
    while (count > 0) {
      const std::size_t piece = std::min(count, size_ - offset_);
      const std::size_t before = offset_ % 8;
      write_message(scratch, before + piece, connection_, sequence_, offset_ - before);
      if (std::memcmp(scratch + before, data, piece) != 0) return -1;
      data += piece;
      count -= piece;
      offset_ += piece;
      if (offset_ < size_) break;
      offset_ = 0;
      ++sequence_;
      ++completed;
    }
    return completed;
  }

  /// The next message is that one.
  void expect(std::uint64_t sequence) { sequence_ = sequence; }

  std::uint64_t sequence() const { return sequence_; }
  std::size_t offset() const { return offset_; }

 private:
  std::size_t size_;
  std::size_t offset_ = 0;      // within the message that is coming in
  std::uint64_t sequence_ = 0;  // of that message
  std::uint32_t connection_;
};

}  // namespace myra::bench
