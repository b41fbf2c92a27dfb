#include "myra/reactor/options.hpp"

#include <bit>

namespace myra {
namespace {

std::string complain(const char* field, std::uint32_t found, const std::string& allowed) {
  return std::string("reactor.") + field + ": found " + std::to_string(found) + ", allowed " +
         allowed;
}

bool power_between(std::uint32_t value, std::uint32_t low, std::uint32_t high) {
  return std::has_single_bit(value) && value >= low && value <= high;
}

}  // namespace

namespace {

std::string check_large_buffers(const large_buffer_options& large) {
  if (large.size_bytes < 64 || large.size_bytes > 1024 * 1024 || large.size_bytes % 64 != 0)
    return complain("large_buffers.size_bytes", large.size_bytes, "64 to 1048576 in steps of 64");
  if (!power_between(large.ready_count, 1, 32768))
    return complain("large_buffers.ready_count", large.ready_count,
                    "a power of two from 1 to 32768");
  if (large.count_max == 0 || large.count_max > 32768)
    return complain("large_buffers.count_max", large.count_max, "1 to 32768");
  return {};
}

/// The kernel has it with deferred task running and for multishot receives only.
std::string check_zero_copy_receive(const reactor_options& options) {
  using io::task_running;
  const io::zero_copy_receive_options& wanted = options.zero_copy_receive;
  if (auto wrong = io::check(wanted); !wrong.empty()) return wrong;
  if (wanted.mode == io::zero_copy_receive_mode::off) return {};
  const bool by_queue = wanted.mode == io::zero_copy_receive_mode::queue;
  const std::string found =
      std::string("zero_copy_receive.mode: found ") + (by_queue ? "queue" : "no_device") + " with ";
  if (options.ring.submission_polling.on)
    return found + "reactor.ring.submission_polling.on = true, allowed with false";
  const bool deferred =
      options.ring.tasks == task_running::automatic || options.ring.tasks == task_running::deferred;
  if (!deferred || !options.features.deferred_task_run)
    return found +
           "another task running than deferred, allowed with reactor.ring.tasks = auto and "
           "reactor.features.deferred_task_run = true";
  if (!options.features.multishot_receive)
    return found + "reactor.features.multishot_receive = false, allowed with true";
  return {};
}

std::string check_waiting(const reactor_options& options) {
  using std::chrono::seconds;
  if (options.spin_time <= duration::zero() || options.spin_time > seconds(1))
    return "reactor.spin_time: found " + std::to_string(options.spin_time.count()) +
           " ns, allowed above 0 s to 1 s";
  if (options.busy_poll < duration::zero() || options.busy_poll > seconds(1) ||
      options.busy_poll % std::chrono::microseconds(1) != duration::zero())
    return "reactor.busy_poll: found " + std::to_string(options.busy_poll.count()) +
           " ns, allowed zero (off) and whole microseconds to 1 s";
  const bool spins = options.wait == io::waiting::spin;
  if (spins && options.busy_poll != duration::zero() && !options.ring.submission_polling.on)
    return "reactor.busy_poll: found " + std::to_string(options.busy_poll.count()) +
           " ns with reactor.wait = spin, allowed with block or spin_then_block: network cards are "
           "polled in the kernel's wait, which a spin never enters";
  if (options.prefer_busy_poll && options.busy_poll == duration::zero())
    return "reactor.prefer_busy_poll: found true with reactor.busy_poll = 0s, allowed with a time "
           "above zero";
  if (spins && options.ring.minimum_wait.time != duration::zero())
    return "reactor.ring.minimum_wait.time: found " +
           std::to_string(options.ring.minimum_wait.time.count()) +
           " ns with reactor.wait = spin, allowed with block or spin_then_block";
  return {};
}

}  // namespace

std::string check(const reactor_options& options) {
  if (auto pool = check(options.pool); !pool.empty()) return "reactor." + pool;
  if (!power_between(options.receive_buffer_count, 1, 32768))
    return complain("receive_buffer_count", options.receive_buffer_count,
                    "a power of two from 1 to 32768");
  if (auto wrong = check_large_buffers(options.large_buffers); !wrong.empty()) return wrong;
  if (!power_between(options.submission_entries, 4, 32768))
    return complain("submission_entries", options.submission_entries,
                    "a power of two from 4 to 32768");
  if (!power_between(options.completion_entries, options.submission_entries, 65536))
    return complain("completion_entries", options.completion_entries,
                    "a power of two from submission_entries (" +
                        std::to_string(options.submission_entries) + ") to 65536");
  if (options.zero_copy.free_slots_min > options.pool.slot_count_max)
    return complain(
        "zero_copy.free_slots_min", options.zero_copy.free_slots_min,
        "at most pool.slot_count_max (" + std::to_string(options.pool.slot_count_max) + ")");
  if (auto wrong = check_waiting(options); !wrong.empty()) return wrong;
  if (auto wrong = io::check(options.ring); !wrong.empty()) return "reactor." + wrong;
  if (auto wrong = check_zero_copy_receive(options); !wrong.empty()) return "reactor." + wrong;
  if (options.ring.tasks == io::task_running::deferred && !options.features.deferred_task_run)
    return "reactor.ring.tasks: found deferred with reactor.features.deferred_task_run = false, "
           "allowed with true";
  if (options.inbox_capacity == 0) return complain("inbox_capacity", 0, "1 and more");
  if (options.shortage_patience < duration::zero())
    return "reactor.shortage_patience: found a negative duration, allowed zero (never) and more";
  if (options.stall_threshold < duration::zero())
    return "reactor.stall_threshold: found a negative duration, allowed zero (off) and more";
  if (options.watchdog && options.stall_threshold == duration::zero())
    return "reactor.watchdog: found true with a stall_threshold of zero, allowed with a threshold "
           "above zero";
  return {};
}

}  // namespace myra
