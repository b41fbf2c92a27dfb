#include "myra/core/endian.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>

namespace myra {
namespace {

template <class T>
std::array<std::byte, sizeof(T) + 1> stored_unaligned(T value, byte_order order) {
  std::array<std::byte, sizeof(T) + 1> memory{};
  store(memory.data() + 1, value, order);
  return memory;
}

TEST(endian, big_puts_the_most_significant_byte_first) {
  const auto memory = stored_unaligned(std::uint32_t{0x01020304}, byte_order::big);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(memory[i + 1], static_cast<std::byte>(i + 1));
}

TEST(endian, little_puts_the_least_significant_byte_first) {
  const auto memory = stored_unaligned(std::uint32_t{0x01020304}, byte_order::little);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(memory[i + 1], static_cast<std::byte>(4 - i));
}

template <class T>
void expect_round_trips() {
  const T middle = static_cast<T>(0x123456789abcdef0ULL);
  for (const T value : {T{0}, T{1}, middle, std::numeric_limits<T>::max()})
    for (const byte_order order : {byte_order::big, byte_order::little})
      EXPECT_EQ(load<T>(stored_unaligned(value, order).data() + 1, order), value);
}

TEST(endian, every_width_reads_back_what_it_wrote_at_an_odd_address) {
  expect_round_trips<std::uint8_t>();
  expect_round_trips<std::uint16_t>();
  expect_round_trips<std::uint32_t>();
  expect_round_trips<std::uint64_t>();
}

TEST(endian, one_order_read_as_the_other_is_the_swapped_value) {
  const auto memory = stored_unaligned(std::uint16_t{0x1234}, byte_order::big);
  EXPECT_EQ(load<std::uint16_t>(memory.data() + 1, byte_order::little), 0x3412);
  EXPECT_EQ(byte_swap(std::uint64_t{0x0102030405060708}), 0x0807060504030201U);
}

}  // namespace
}  // namespace myra
