#include "myra/reactor/placement.hpp"

#include <linux/mempolicy.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "myra/core/error.hpp"

namespace myra {
namespace {

constexpr std::size_t name_length_max = 15;
constexpr std::size_t node_count_max = 1024;
constexpr std::size_t bits_of_word = 8 * sizeof(unsigned long);
using node_mask = std::array<unsigned long, node_count_max / bits_of_word>;

int node_of_this_thread() noexcept {
  unsigned cpu = 0;
  unsigned node = 0;
  return ::syscall(SYS_getcpu, &cpu, &node, nullptr) == 0 ? static_cast<int>(node) : -1;
}

bool prefers_local_memory(int node) noexcept {
  int mode = 0;
  node_mask nodes{};
  if (::syscall(SYS_get_mempolicy, &mode, nodes.data(), node_count_max, nullptr, 0) != 0)
    return false;
  const auto at = static_cast<std::size_t>(node);
  return mode == MPOL_PREFERRED && node >= 0 &&
         (nodes[at / bits_of_word] >> (at % bits_of_word) & 1) != 0;
}

}  // namespace

void name_this_thread(const std::string& name) noexcept {
  std::array<char, name_length_max + 1> kept{};
  name.copy(kept.data(), name_length_max);
  ::pthread_setname_np(::pthread_self(), kept.data());
}

result<void> pin_this_thread(unsigned cpu) noexcept {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  if (::sched_setaffinity(0, sizeof only, &only) != 0) return failure(kernel_error(-errno));
  return {};
}

result<void> prefer_local_memory() noexcept {
  const int node = node_of_this_thread();
  if (node < 0) return failure(std::make_error_code(std::errc::not_supported));
  node_mask nodes{};
  const auto at = static_cast<std::size_t>(node);
  nodes[at / bits_of_word] |= 1UL << (at % bits_of_word);
  if (::syscall(SYS_set_mempolicy, MPOL_PREFERRED, nodes.data(), node_count_max) != 0)
    return failure(kernel_error(-errno));
  return {};
}

placement placement_of_this_thread() {
  placement found;
  std::array<char, name_length_max + 1> name{};
  if (::pthread_getname_np(::pthread_self(), name.data(), name.size()) == 0)
    found.name = name.data();
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &allowed)) found.cpus.push_back(cpu);
  found.node = node_of_this_thread();
  found.memory_is_local = prefers_local_memory(found.node);
  return found;
}

}  // namespace myra
