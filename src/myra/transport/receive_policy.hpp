// How the receives of a connection are armed when it is left to us: one-shot or multishot, into
// ordinary or large buffers. The figures behind the numbers are in docs/decisions/0016 and 0017.
#pragma once

#include <cstdint>

namespace myra {

/// What a connection has been sent lately, as far as that matters.
class receive_traffic {
 public:
  /// So many in a row that say otherwise change our mind.
  static constexpr std::uint8_t row_length = 8;

  /// The connection is sent much: it fills its buffers.
  [[nodiscard]] bool bulk() const noexcept { return bulk_; }
  /// A receive brought `size` bytes, where an ordinary buffer has `ordinary_size`. Whether it
  /// changed our mind. Need not be told of what does not fill its buffer unless `bulk()`.
  [[nodiscard]] bool note(std::int32_t size, std::uint32_t ordinary_size) noexcept {
    const bool much = size >= static_cast<std::int64_t>(ordinary_size);
    if (much == bulk_) {
      row_ = 0;
      return false;
    }
    if (++row_ < row_length) return false;
    row_ = 0;
    bulk_ = much;
    return true;
  }
  /// There is no large buffer at present.
  void make_do() noexcept {
    row_ = 0;
    bulk_ = false;
  }

 private:
  std::uint8_t row_ = 0;
  bool bulk_ = false;
};

struct receive_policy {
  /// With no more connections than this on the reactor a receive is armed for one buffer at a time.
  static constexpr std::uint32_t one_shot_connections_max = 0;

  [[nodiscard]] static constexpr bool multishot(std::uint32_t connection_count) noexcept {
    return connection_count > one_shot_connections_max;
  }
};

}  // namespace myra
