// What an operation is aimed at: a descriptor of the process, or a direct one.
//
// A direct descriptor is a place in a table that belongs to one backend alone
// (io_uring_register_files(3)): the kernel finds the file without the process's table, and nobody
// else can use or inherit it. Whoever holds one need not know which kind it is; only a backend that
// makes direct descriptors ever gives one out, and only that backend can use it.
#pragma once

#include <cassert>
#include <climits>
#include <cstdint>

namespace myra::io {

/// Four bytes, copied freely; owns nothing. A number is always an ordinary descriptor; the way back
/// has to be asked for by name, so that a place in the table is never taken for a number.
class descriptor {
 public:
  /// None.
  constexpr descriptor() noexcept = default;
  /// A descriptor of the process; negative: none.
  // NOLINTNEXTLINE(google-explicit-constructor): a number means what it always meant
  constexpr descriptor(int number) noexcept : value_(number < 0 ? none : number) {}
  [[nodiscard]] static constexpr descriptor direct(std::uint32_t slot) noexcept {
    descriptor made;
    made.value_ = static_cast<std::int32_t>(slot | direct_bit);
    return made;
  }

  [[nodiscard]] constexpr bool valid() const noexcept { return value_ != none; }
  [[nodiscard]] constexpr bool is_direct() const noexcept { return value_ < 0 && valid(); }

  /// Of an ordinary one, or -1. A direct one has none: duplicate it first (network::duplicate).
  [[nodiscard]] constexpr int number() const noexcept {
    assert(!is_direct() && "a direct descriptor was taken for a number");
    return value_;
  }
  /// Of a direct one.
  [[nodiscard]] constexpr std::uint32_t slot() const noexcept {
    assert(is_direct());
    return number_or_slot();
  }

  /// For the backend whose table it is: the two fields of a submission entry, without a branch.
  /// None is a slot that no table has.
  [[nodiscard]] constexpr std::uint32_t number_or_slot() const noexcept {
    return static_cast<std::uint32_t>(value_) & ~direct_bit;
  }
  [[nodiscard]] constexpr std::uint32_t in_table() const noexcept {
    return static_cast<std::uint32_t>(value_) >> 31U;
  }

  friend constexpr bool operator==(descriptor, descriptor) noexcept = default;

 private:
  static constexpr std::uint32_t direct_bit = 1U << 31U;
  static constexpr std::int32_t none = -1;
  std::int32_t value_ = none;
};

}  // namespace myra::io
