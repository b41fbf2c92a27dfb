#include "myra/io/ring_options.hpp"

#include <chrono>

#include "myra/core/cpu_list.hpp"

namespace myra::io {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

const char* name_of(task_running tasks) noexcept {
  switch (tasks) {
    case task_running::automatic: return "automatic";
    case task_running::deferred: return "deferred";
    case task_running::cooperative: return "cooperative";
    case task_running::interrupting: return "interrupting";
  }
  return "?";
}

std::string check(const submission_polling_options& polling) {
  const std::string table = "ring.submission_polling.";
  if (polling.idle < milliseconds(1) || polling.idle > std::chrono::hours(1) ||
      polling.idle % milliseconds(1) != duration::zero())
    return table + "idle: found " + std::to_string(polling.idle.count()) +
           " ns, allowed whole milliseconds from 1 ms to 1 h";
  if (polling.cpu < -1 || polling.cpu > 1023)
    return table + "cpu: found " + std::to_string(polling.cpu) + ", allowed -1 to 1023";
  if (polling.on) return {};
  if (polling.cpu >= 0)
    return table + "cpu: found " + std::to_string(polling.cpu) + " with " + table +
           "on = false, allowed with true (IORING_SETUP_SQ_AFF needs IORING_SETUP_SQPOLL)";
  if (polling.share_with >= 0)
    return table + "share_with: found a ring with " + table +
           "on = false, allowed with true (it is the polling thread that is shared)";
  return {};
}

std::string check(const worker_options& workers) {
  if (parse_cpu_list(workers.cpus)) return {};
  return "ring.workers.cpus: found \"" + workers.cpus +
         "\", allowed numbers and ranges from 0 to 1023, such as \"0-3,8\"";
}

std::string check(const minimum_wait_options& minimum) {
  if (minimum.time < duration::zero() || minimum.time > std::chrono::seconds(1) ||
      minimum.time % microseconds(1) != duration::zero())
    return "ring.minimum_wait.time: found " + std::to_string(minimum.time.count()) +
           " ns, allowed zero (none) and whole microseconds to 1 s";
  if (minimum.completions == 0) return "ring.minimum_wait.completions: found 0, allowed 1 and more";
  return {};
}

}  // namespace

std::string check(const ring_options& options) {
  if (options.io_polling)
    return "ring.io_polling: found true, allowed false: IORING_SETUP_IOPOLL is for storage, and a "
           "receive on such a ring fails. For network cards there is busy_poll";
  if (auto wrong = check(options.submission_polling); !wrong.empty()) return wrong;
  const bool asks_task =
      options.tasks == task_running::deferred || options.tasks == task_running::cooperative;
  if (options.submission_polling.on && asks_task)
    return std::string("ring.tasks: found ") + name_of(options.tasks) +
           " with ring.submission_polling.on = true, allowed automatic or interrupting: the kernel "
           "refuses IORING_SETUP_" +
           (options.tasks == task_running::deferred ? "DEFER" : "COOP") +
           "_TASKRUN with IORING_SETUP_SQPOLL";
  if (auto wrong = check(options.workers); !wrong.empty()) return wrong;
  return check(options.minimum_wait);
}

}  // namespace myra::io
