// The stream of the bulk scenarios, and its check: cheap enough to run while bytes are counted.
#pragma once

#include "content.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace myra::bench {

/// What a bulk stream begins with, in the machine's byte order: both ends are on one machine.
struct bulk_header {
  static constexpr std::uint64_t expected = 0x4b4c55422041524dU;
  std::uint64_t magic = expected;
  std::uint32_t write_size;    // bytes, a multiple of 8
  std::uint32_t check_stride;  // one word of so many bytes is checked; a multiple of 8
};

/// Every word while a run warms up; one of a page while it is measured, so that it is not the check
/// that is measured.
constexpr std::uint32_t bulk_check_all = 8;
constexpr std::uint32_t bulk_check_sample = 4096;

/// A measured run is made of so many streams, one after the other: how much of a stream is under
/// way at a time, and so whether it fits the cache, settles early in its life.
constexpr int bulk_stream_count = 8;

/// What the receiver of a bulk stream answers at its end.
struct bulk_verdict {
  static constexpr std::uint64_t all_right = UINT64_MAX;
  std::uint64_t byte_count;   // without the header
  std::uint64_t first_wrong;  // offset of the first byte of a wrong word, or `all_right`
};

/// Ends the program with exit code 1 unless all that was sent was received as it was sent.
void demand(const bulk_verdict& verdict, std::uint64_t sent);

/// A bulk stream is made of writes of one size, filled once. The first word of each is its number.
inline void fill_write(char* out, std::size_t size) { write_message(out, size, 0, 0); }
inline void number_write(char* out, std::uint64_t number) {
  std::memcpy(out, &number, sizeof number);
}

/// The receiver's side, for pieces as they come.
class bulk_checker {
 public:
  /// Takes the next bytes. False when the stream did not begin with a header that makes sense.
  bool take(const char* data, std::size_t size) {
    if (header_size_ < sizeof header_) {
      const std::size_t piece = std::min(size, sizeof header_ - header_size_);
      std::memcpy(reinterpret_cast<char*>(&header_) + header_size_, data, piece);
      header_size_ += piece;
      data += piece;
      size -= piece;
      if (header_size_ < sizeof header_) return true;
      if (!makes_sense()) return false;
    }
    check(data, size);
    verdict_.byte_count += size;
    return true;
  }

  const bulk_verdict& verdict() const { return verdict_; }

 private:
  bool makes_sense() const {
    return header_.magic == bulk_header::expected && header_.write_size >= 8 &&
           header_.write_size % 8 == 0 && header_.check_stride >= 8 &&
           header_.check_stride % 8 == 0;
  }

  /// Words that a piece cuts in two are left out.
  void check(const char* data, std::size_t size) {
    const std::uint64_t begin = verdict_.byte_count;
    const std::uint64_t end = begin + size;
    const std::uint64_t write = begin / header_.write_size * header_.write_size;
    for (std::uint64_t at = write; at < end; at += header_.write_size) {
      const std::uint64_t write_end = at + header_.write_size;
      std::uint64_t word = at;
      if (at < begin) {
        const std::uint64_t stride = header_.check_stride;
        word = at + (begin - at + stride - 1) / stride * stride;
      }
      for (; word + 8 <= std::min(end, write_end); word += header_.check_stride) {
        check_word(data + (word - begin), word, word - at);
      }
    }
  }

  void check_word(const char* data, std::uint64_t offset, std::uint64_t in_write) {
    std::uint64_t found = 0;
    std::memcpy(&found, data, sizeof found);
    const std::uint64_t wanted =
        in_write == 0 ? offset / header_.write_size : first_word(0, 0) + word_step * (in_write / 8);
    if (found != wanted) verdict_.first_wrong = std::min(verdict_.first_wrong, offset);
  }

  bulk_header header_{};
  std::size_t header_size_ = 0;
  bulk_verdict verdict_{0, bulk_verdict::all_right};
};

}  // namespace myra::bench
