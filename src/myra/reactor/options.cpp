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

std::string check(const reactor_options& options) {
  if (auto pool = check(options.pool); !pool.empty()) return "reactor." + pool;
  if (!power_between(options.receive_buffer_count, 1, 32768))
    return complain("receive_buffer_count", options.receive_buffer_count,
                    "a power of two from 1 to 32768");
  if (!power_between(options.submission_entries, 8, 32768))
    return complain("submission_entries", options.submission_entries,
                    "a power of two from 8 to 32768");
  if (!power_between(options.completion_entries, options.submission_entries, 65536))
    return complain("completion_entries", options.completion_entries,
                    "a power of two from submission_entries (" +
                        std::to_string(options.submission_entries) + ") to 65536");
  if (options.spin_time <= duration::zero() || options.spin_time > std::chrono::seconds(1))
    return "reactor.spin_time: found " + std::to_string(options.spin_time.count()) +
           " ns, allowed above 0 s to 1 s";
  if (options.inbox_capacity == 0) return complain("inbox_capacity", 0, "1 and more");
  if (options.stall_threshold < duration::zero())
    return "reactor.stall_threshold: found a negative duration, allowed zero (off) and more";
  if (options.watchdog && options.stall_threshold == duration::zero())
    return "reactor.watchdog: found true with a stall_threshold of zero, allowed with a threshold "
           "above zero";
  return {};
}

}  // namespace myra
