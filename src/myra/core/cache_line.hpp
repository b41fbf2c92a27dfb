// What one thread writes at every message shares no cache line with what another one does: the line
// would travel between their processors each time.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace myra {

/// Of every processor that Linux runs servers on but a few, which have 128.
inline constexpr std::size_t cache_line_size = 64;

struct line_delete {
  void operator()(void* memory) const noexcept {
    ::operator delete(memory, std::align_val_t{cache_line_size});
  }
};

/// An array in lines of its own, of what needs no destructor.
template <class T>
using line_array = std::unique_ptr<T[], line_delete>;

/// Uninitialised. Throws std::bad_alloc.
template <class T>
[[nodiscard]] line_array<T> make_line_array_for_overwrite(std::size_t count) {
  static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= cache_line_size);
  const std::size_t bytes = (count * sizeof(T) + cache_line_size - 1) & ~(cache_line_size - 1);
  return line_array<T>(static_cast<T*>(::operator new(bytes, std::align_val_t{cache_line_size})));
}

/// Of values. Throws std::bad_alloc.
template <class T>
[[nodiscard]] line_array<T> make_line_array(std::size_t count) {
  line_array<T> made = make_line_array_for_overwrite<T>(count);
  std::uninitialized_value_construct_n(made.get(), count);
  return made;
}

}  // namespace myra
