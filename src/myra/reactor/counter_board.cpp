#include "myra/reactor/counter_board.hpp"

#include <bit>

namespace myra {

loop_counters counter_board::counters() const noexcept {
  std::array<std::uint64_t, word_count> read{};
  for (std::size_t i = 0; i < read.size(); ++i) read[i] = words_[i].load(std::memory_order_relaxed);
  return std::bit_cast<loop_counters>(read);
}

void counter_board::show(const loop_counters& now) noexcept {
  const auto words = std::bit_cast<std::array<std::uint64_t, word_count>>(now);
  for (std::size_t i = 0; i < words.size(); ++i)
    words_[i].store(words[i], std::memory_order_relaxed);
}

}  // namespace myra
