#include "myra/io/uring/uring.hpp"

#include <chrono>
#include <thread>
#include <utility>

#include "myra/io/uring/known_bad.hpp"
#include "myra/io/uring/self_test.hpp"
#include "myra/io/uring/uring_backend.hpp"

namespace myra::io {
namespace {

/// What a ring that was closed had locked is counted until the kernel has taken it down.
constexpr auto shortage_pause = std::chrono::milliseconds(50);
constexpr int shortage_tries_max = 4;

/// Where there is enough for one ring and not for two: nobody else has one now.
std::shared_ptr<const self_test_report> self_test_alone(const uring_options& options) {
  std::shared_ptr<const self_test_report> found;
  for (int i = 0; i < shortage_tries_max && (!found || !found->untried.empty()); ++i) {
    std::this_thread::sleep_for(shortage_pause);
    found = self_test(options);
  }
  std::this_thread::sleep_for(shortage_pause);
  return found;
}

/// After another was closed, whose memory may still be counted.
opened<std::unique_ptr<uring_backend>> open_again(const uring_options& options, buffer_pool& pool) {
  auto backend = uring_backend::open(options, pool);
  for (int i = 0;
       i < shortage_tries_max && !backend && backend.error().code == condition::resource_exhausted;
       ++i) {
    std::this_thread::sleep_for(shortage_pause);
    backend = uring_backend::open(options, pool);
  }
  return backend;
}

}  // namespace

opened<uring> open_uring(const uring_options& options, buffer_pool& pool) {
  uring_options usable = options;
  std::string unused = avoid_known_bad(usable.features);
  auto backend = uring_backend::open(usable, pool);
  if (!backend) return std::unexpected(std::move(backend.error()));
  // After the real ring has what it needs of RLIMIT_MEMLOCK: that of the trial comes back late.
  std::shared_ptr<const self_test_report> found;
  if (options.self_test) {
    found = self_test(usable);
    if (found->memory_short) {
      backend->reset();
      found = self_test_alone(usable);
    }
    if (!found->unusable.empty())
      return report(std::make_error_code(std::errc::not_supported),
                    "this kernel's receives failed the self-test: " + found->unusable);
    const std::string failed = avoid_failed(usable.features, *found);
    if (!failed.empty()) {
      unused += (unused.empty() ? "" : "; ") + failed;
      backend->reset();
    }
    if (!*backend) backend = open_again(usable, pool);
    if (!backend) return std::unexpected(std::move(backend.error()));
  }
  std::string description = (*backend)->description() + (unused.empty() ? "" : ", " + unused);
  if (const receive_area* area = (*backend)->area(); area != nullptr)
    description += ", " + area->description();
  else if (options.zero_copy_receive.mode != zero_copy_receive_mode::off)
    description += ", no zero-copy receive: " + (*backend)->area_absence();
  const zero_copy& copy_free = (*backend)->copy_free();
  if (options.registered_buffers && !copy_free.memory_registered())
    description += ", no registered buffers: " + copy_free.registered_absence();
  return uring{std::move(*backend), std::move(description), usable.features, std::move(found)};
}

}  // namespace myra::io
