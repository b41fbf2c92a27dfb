// A library to preload into a program whose heap allocations are to be counted:
//
//   LD_PRELOAD=count-allocations.so ALLOCATION_COUNT_FILE=/tmp/count myra echo ...
//
// The file holds one native 64-bit number, kept up to date while the program runs. Every way to
// the heap counts, operator new included, as that ends in malloc.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

std::atomic<std::uint64_t> uncounted{0};  // until the file is mapped
std::atomic<std::atomic<std::uint64_t>*> counter{&uncounted};

void count() { counter.load(std::memory_order_relaxed)->fetch_add(1, std::memory_order_relaxed); }

__attribute__((constructor)) void map_counter() {
  const char* const path = std::getenv("ALLOCATION_COUNT_FILE");
  if (path == nullptr) return;
  const int file = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ::ftruncate(file, sizeof uncounted) != 0) ::_exit(1);
  void* const memory =
      ::mmap(nullptr, sizeof uncounted, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  if (memory == MAP_FAILED) ::_exit(1);
  auto* const mapped = static_cast<std::atomic<std::uint64_t>*>(memory);
  mapped->store(uncounted.load());
  counter.store(mapped);
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  count();
  return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) {
  count();
  return __libc_calloc(number, size);
}

void* realloc(void* memory, std::size_t size) {
  count();
  return __libc_realloc(memory, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  *memory = memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}

}  // extern "C"
