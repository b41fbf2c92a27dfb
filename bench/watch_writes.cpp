// Stands in for ThreadSanitizer's runtime, and writes down which cache lines each thread writes.
//
// The compiler calls these functions at every access to memory when it is told to look for races
// (-fsanitize=thread); linked with this file in the place of its runtime, a program tells which
// lines two of its threads have written, and how many atomic read-modify-writes each has made.
// Watching begins and ends with SIGUSR1, and the report is one line of JSON on standard error at
// the end. What the kernel, libc and liburing write themselves is not seen.
#include <pthread.h>
#include <sys/mman.h>
#include <csignal>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

extern "C" const char __executable_start;

namespace {

constexpr std::size_t line_bytes = 64;
constexpr std::size_t place_count = 1 << 17;
constexpr unsigned thread_count_max = 64;

struct written_line {
  std::uintptr_t line;
  std::uintptr_t by;  // the place in the code that wrote it last
};

/// One thread's; a hash table with open addressing.
struct notebook {
  std::uint64_t writes;
  std::uint64_t read_modify_writes;
  std::uintptr_t last_read_modify_write;
  std::uint64_t line_count;
  written_line lines[place_count];
};

std::atomic<bool> watching{false};
std::atomic<unsigned> notebook_count{0};
notebook* notebooks[thread_count_max];
thread_local notebook* own = nullptr;

notebook* own_notebook() {
  if (own != nullptr) return own;
  const unsigned number = notebook_count.fetch_add(1);
  if (number >= thread_count_max) return nullptr;
  void* const memory =
      ::mmap(nullptr, sizeof(notebook), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  own = static_cast<notebook*>(memory);
  notebooks[number] = own;
  return own;
}

std::size_t place_of(std::uintptr_t line) {
  return static_cast<std::size_t>((line * 0x9E3779B97F4A7C15U) >> 40U) % place_count;
}

written_line* find(notebook& in, std::uintptr_t line) {
  for (std::size_t at = place_of(line);; at = (at + 1) % place_count)
    if (in.lines[at].line == line || in.lines[at].line == 0) return &in.lines[at];
}

void note(const void* address, std::size_t size, void* by) {
  if (!watching.load(std::memory_order_relaxed) || size == 0) return;
  notebook* const mine = own_notebook();
  if (mine == nullptr) return;
  ++mine->writes;
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  for (std::uintptr_t line = begin / line_bytes; line <= (begin + size - 1) / line_bytes; ++line) {
    written_line* const found = find(*mine, line);
    if (found->line == 0) {
      if (mine->line_count == place_count / 2) return;
      ++mine->line_count;
      found->line = line;
    }
    found->by = reinterpret_cast<std::uintptr_t>(by);
  }
}

void note_read_modify_write(const volatile void* address, std::size_t size, void* by) {
  if (!watching.load(std::memory_order_relaxed)) return;
  note(const_cast<const void*>(address), size, by);
  if (own == nullptr) return;
  ++own->read_modify_writes;
  own->last_read_modify_write = reinterpret_cast<std::uintptr_t>(by);
}

void on_signal(int) { watching = !watching; }

std::uintptr_t in_file(std::uintptr_t code) {
  return code - reinterpret_cast<std::uintptr_t>(&__executable_start);
}

[[gnu::constructor]] void begin() {
  struct sigaction action{};
  action.sa_handler = &on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR1, &action, nullptr);
}

[[gnu::destructor]] void report() {
  watching = false;
  const unsigned count = notebook_count;
  std::fprintf(stderr, "{\"threads\": [");
  for (unsigned i = 0; i < count; ++i)
    std::fprintf(stderr, "%s{\"writes\": %llu, \"lines\": %llu, \"atomic\": %llu, \"at\": %llu}",
                 i == 0 ? "" : ", ", static_cast<unsigned long long>(notebooks[i]->writes),
                 static_cast<unsigned long long>(notebooks[i]->line_count),
                 static_cast<unsigned long long>(notebooks[i]->read_modify_writes),
                 static_cast<unsigned long long>(in_file(notebooks[i]->last_read_modify_write)));
  std::fprintf(stderr, "], \"shared\": [");
  bool first = true;
  for (unsigned i = 0; i < count; ++i)
    for (const written_line& each : notebooks[i]->lines)
      for (unsigned other = i + 1; each.line != 0 && other < count; ++other) {
        const written_line* const found = find(*notebooks[other], each.line);
        if (found->line == 0) continue;
        std::fprintf(stderr, "%s{\"line\": %llu, \"by\": [%llu, %llu]}", first ? "" : ", ",
                     static_cast<unsigned long long>(each.line * line_bytes),
                     static_cast<unsigned long long>(in_file(each.by)),
                     static_cast<unsigned long long>(in_file(found->by)));
        first = false;
      }
  std::fprintf(stderr, "]}\n");
}

}  // namespace

#define CALLER __builtin_return_address(0)

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_read(void**) {}
void __tsan_vptr_update(void** pointer, void*) { note(pointer, sizeof(void*), CALLER); }
void __tsan_read_range(void*, unsigned long) {}
void __tsan_write_range(void* to, unsigned long size) { note(to, size, CALLER); }

#define ACCESS(BYTES)                                                       \
  void __tsan_read##BYTES(void*) {}                                         \
  void __tsan_unaligned_read##BYTES(void*) {}                               \
  void __tsan_write##BYTES(void* to) { note(to, BYTES, CALLER); }           \
  void __tsan_unaligned_write##BYTES(void* to) { note(to, BYTES, CALLER); } \
  void __tsan_read_write##BYTES(void* to) { note(to, BYTES, CALLER); }      \
  void __tsan_unaligned_read_write##BYTES(void* to) { note(to, BYTES, CALLER); }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void* __tsan_memset(void* to, int value, unsigned long size) {
  note(to, size, CALLER);
  return std::memset(to, value, size);
}
void* __tsan_memcpy(void* to, const void* from, unsigned long size) {
  note(to, size, CALLER);
  return std::memcpy(to, from, size);
}
void* __tsan_memmove(void* to, const void* from, unsigned long size) {
  note(to, size, CALLER);
  return std::memmove(to, from, size);
}

// Every order is taken for the strongest.
#define CHANGE(BITS, NAME)                                                           \
  std::uint##BITS##_t __tsan_atomic##BITS##_##NAME(volatile std::uint##BITS##_t* at, \
                                                   std::uint##BITS##_t value, int) { \
    note_read_modify_write(at, sizeof *at, CALLER);                                  \
    return __atomic_##NAME(at, value, __ATOMIC_SEQ_CST);                             \
  }
#define ATOMIC(BITS)                                                                              \
  std::uint##BITS##_t __tsan_atomic##BITS##_load(const volatile std::uint##BITS##_t* at, int) {   \
    return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                                 \
  }                                                                                               \
  void __tsan_atomic##BITS##_store(volatile std::uint##BITS##_t* at, std::uint##BITS##_t value,   \
                                   int) {                                                         \
    note(const_cast<std::uint##BITS##_t*>(at), sizeof *at, CALLER);                               \
    __atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                                \
  }                                                                                               \
  std::uint##BITS##_t __tsan_atomic##BITS##_exchange(volatile std::uint##BITS##_t* at,            \
                                                     std::uint##BITS##_t value, int) {            \
    note_read_modify_write(at, sizeof *at, CALLER);                                               \
    return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);                                      \
  }                                                                                               \
  std::uint##BITS##_t __tsan_atomic##BITS##_compare_exchange_val(                                 \
      volatile std::uint##BITS##_t* at, std::uint##BITS##_t expected, std::uint##BITS##_t value,  \
      int, int) {                                                                                 \
    note_read_modify_write(at, sizeof *at, CALLER);                                               \
    __atomic_compare_exchange_n(at, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
    return expected;                                                                              \
  }                                                                                               \
  CHANGE(BITS, fetch_add)                                                                         \
  CHANGE(BITS, fetch_sub)                                                                         \
  CHANGE(BITS, fetch_and)                                                                         \
  CHANGE(BITS, fetch_or)                                                                          \
  CHANGE(BITS, fetch_xor)                                                                         \
  CHANGE(BITS, fetch_nand)
ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_atomic_signal_fence(int) { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

}  // extern "C"
