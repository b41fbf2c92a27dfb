// A ring is set up: flags, sizes, and what is registered before the first operation.
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>

#include "myra/core/cpu_list.hpp"
#include "myra/io/error_table.hpp"
#include "myra/io/uring/restrictions.hpp"
#include "myra/io/uring/ring.hpp"

namespace myra::io {
namespace {

constexpr unsigned smallest_submission_entries = 128;

task_running tasks_of(const uring_options& options) noexcept {
  if (options.ring.tasks != task_running::automatic) return options.ring.tasks;
  if (options.ring.submission_polling.on) return task_running::interrupting;
  return options.features.deferred_task_run ? task_running::deferred : task_running::cooperative;
}

unsigned task_flags(task_running tasks) noexcept {
  switch (tasks) {
    case task_running::automatic:
    case task_running::deferred: return IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    case task_running::cooperative: return IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    case task_running::interrupting: return 0;
  }
  return 0;
}

const char* words_for(task_running tasks) noexcept {
  switch (tasks) {
    case task_running::automatic:
    case task_running::deferred: return "deferred task running";
    case task_running::cooperative: return "cooperative task running";
    case task_running::interrupting: return "interrupting task running";
  }
  return "?";
}

/// Some things can be registered only before a ring does anything.
bool starts_disabled(const uring_options& options) noexcept {
  return options.features.registered_waits || options.ring.sockets_only;
}

/// What has to fit into a completion: zero-copy receives tell in it where they put their bytes.
unsigned completion_flags(const uring_options& options) noexcept {
  const bool plain = options.zero_copy_receive.mode == zero_copy_receive_mode::off;
  return plain ? 0 : IORING_SETUP_CQE_MIXED;
}

io_uring_params parameters(const uring_options& options, unsigned completions) noexcept {
  const submission_polling_options& polling = options.ring.submission_polling;
  io_uring_params made{};
  made.flags = task_flags(tasks_of(options)) | IORING_SETUP_SINGLE_ISSUER |
               IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  made.cq_entries = completions;
  if (starts_disabled(options)) made.flags |= IORING_SETUP_R_DISABLED;
  if (!polling.on) return made;
  made.flags |= IORING_SETUP_SQPOLL;
  made.sq_thread_idle = static_cast<unsigned>(polling.idle / std::chrono::milliseconds(1));
  if (polling.cpu >= 0) {
    made.flags |= IORING_SETUP_SQ_AFF;
    made.sq_thread_cpu = static_cast<unsigned>(polling.cpu);
  }
  if (polling.share_with >= 0) {
    made.flags |= IORING_SETUP_ATTACH_WQ;
    made.wq_fd = static_cast<unsigned>(polling.share_with);
  }
  return made;
}

std::string memlock_words(unsigned entries) {
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  const std::string found = limit.rlim_cur == RLIM_INFINITY
                                ? "unlimited"
                                : std::to_string(limit.rlim_cur / 1024) + " KiB";
  // Entries of 64 bytes, completions of 16, eight of them an entry, and the queues' heads.
  const auto need = (entries * std::size_t{64 + 8 * 16} + 8192) / 1024;
  return "RLIMIT_MEMLOCK is " + found + ", a ring of " + std::to_string(entries) +
         " entries needs about " + std::to_string(need) + " KiB";
}

std::string disabled_words() {
  int disabled = 0;
  std::ifstream("/proc/sys/kernel/io_uring_disabled") >> disabled;
  if (disabled != 0)
    return "kernel.io_uring_disabled is " + std::to_string(disabled) + ", expected 0";
  return "a seccomp filter or container policy refuses io_uring_setup";
}

std::string invalid_words(const uring_options& options) {
  const submission_polling_options& polling = options.ring.submission_polling;
  if (polling.share_with >= 0)
    return "ring.submission_polling.share_with: found descriptor " +
           std::to_string(polling.share_with) +
           ", expected that of a ring with submission polling (IORING_SETUP_ATTACH_WQ)";
  if (polling.cpu >= 0)
    return "ring.submission_polling.cpu: found " + std::to_string(polling.cpu) +
           ", which the kernel refuses: the processor is not there, or is not this process's";
  return "the kernel lacks deferred task running (IORING_SETUP_DEFER_TASKRUN), which needs "
         "Linux 6.1";
}

std::string refusal_words(int error, unsigned entries, const uring_options& options) {
  switch (error) {
    case ENOSYS:
      return "io_uring_setup is not there: the kernel lacks io_uring, or a seccomp filter hides it";
    case EPERM:
    case EACCES: return disabled_words();
    case ENOMEM: return memlock_words(entries);
    case EBADF:
    case EINVAL: return invalid_words(options);
    case EMFILE:
    case ENFILE: return "no descriptor is left for the ring" + limit_words(error);
    default: return "io_uring_setup of " + std::to_string(entries) + " entries failed";
  }
}

}  // namespace

opened<std::unique_ptr<ring>> ring::open(const uring_options& options) {
  std::unique_ptr<ring> made(new ring);
  unsigned entries = options.submission_entries;
  unsigned completions = options.completion_entries;
  unsigned wide = completion_flags(options);
  int status = 0;
  for (;;) {
    io_uring_params params = parameters(options, completions);
    params.flags |= wide;
    status = io_uring_queue_init_params(entries, &made->ring_, &params);
    if (status == -EINVAL && wide == IORING_SETUP_CQE_MIXED) {
      wide = IORING_SETUP_CQE32;  // before Linux 6.18: all of them wide
      continue;
    }
    if (status >= 0 || entries <= smallest_submission_entries) break;
    if (reaction_to(failing_call::set_up, status) != reaction::back_off) break;
    // Memory of rings is charged to RLIMIT_MEMLOCK on some kernels: a smaller ring is better than
    // none.
    entries /= 2;
    completions = std::max(completions / 2, entries);
  }
  if (status < 0) {
    made->ring_.ring_fd = -1;
    return report(kernel_error(status), refusal_words(-status, entries, options));
  }
  io_uring_ring_dontfork(&made->ring_);
  made->description_ = words_for(tasks_of(options));
  if (entries < options.submission_entries)
    made->description_ += ", ring reduced to " + std::to_string(entries) + " entries (" +
                          memlock_words(options.submission_entries) + ")";
  // First: a ring for sockets only refuses them afterwards.
  made->limit_workers(options.ring.workers);
  made->poll_cards(options);
  if (auto refused = made->enable(options)) return std::unexpected(std::move(*refused));
  made->set_waits(options);
  if (options.features.registered_ring && io_uring_register_ring_fd(&made->ring_) == 1)
    made->enter_flags_ |= IORING_ENTER_REGISTERED_RING;
  return made;
}

std::optional<error_report> ring::enable(const uring_options& options) {
  if (!starts_disabled(options)) return std::nullopt;
  if (options.features.registered_waits) register_waits();
  if (options.ring.sockets_only) {
    const bool receives_into_area = options.zero_copy_receive.mode != zero_copy_receive_mode::off;
    if (const int status = restrict_to_sockets(ring_, receives_into_area); status < 0)
      return error_report{kernel_error(status),
                          "ring.sockets_only: the kernel refuses the table of restrictions "
                          "(IORING_REGISTER_RESTRICTIONS)"};
    description_ += ", sockets only";
  }
  if (const int status = io_uring_enable_rings(&ring_); status < 0)
    return error_report{kernel_error(status), "enabling the ring"};
  return std::nullopt;
}

void ring::register_waits() noexcept {
  // One page, of which the first argument is used: the kernel reads it without a copy for each
  // wait.
  void* page = ::mmap(nullptr, wait_region_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  io_uring_region_desc memory{};
  memory.user_addr = reinterpret_cast<std::uintptr_t>(page);
  memory.size = wait_region_bytes;
  memory.flags = IORING_MEM_REGION_TYPE_USER;
  io_uring_mem_region_reg region{};
  region.region_uptr = reinterpret_cast<std::uintptr_t>(&memory);
  region.flags = IORING_MEM_REGION_REG_WAIT_ARG;
  if (io_uring_register_region(&ring_, &region) == 0)
    registered_wait_ = static_cast<io_uring_reg_wait*>(page);
  else
    ::munmap(page, wait_region_bytes);
}

void ring::limit_workers(const worker_options& workers) {
  std::array<unsigned, 2> most{workers.bounded_max, workers.unbounded_max};
  if (most[0] != 0 || most[1] != 0) {
    workers_limited_ = io_uring_register_iowq_max_workers(&ring_, most.data()) == 0;
    if (!workers_limited_) description_ += ", no limit of workers (the kernel refuses it)";
  }
  const auto cpus = parse_cpu_list(workers.cpus);
  if (!cpus || cpus->empty()) return;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  for (unsigned cpu : *cpus) CPU_SET(cpu, &allowed);
  workers_placed_ = io_uring_register_iowq_aff(&ring_, sizeof allowed, &allowed) == 0;
  if (!workers_placed_)
    description_ += ", workers on any processor (the kernel refuses " + workers.cpus + ")";
}

void ring::set_waits(const uring_options& options) {
  polled_ = options.ring.submission_polling.on;
  if (polled_) description_ += ", submission polling";
  if (options.features.no_iowait && (ring_.features & IORING_FEAT_NO_IOWAIT) != 0)
    wait_flags_ |= IORING_ENTER_NO_IOWAIT;
  const minimum_wait_options& minimum = options.ring.minimum_wait;
  if (minimum.time != duration::zero()) {
    if ((ring_.features & IORING_FEAT_MIN_TIMEOUT) != 0) {
      minimum_wait_us_ = static_cast<unsigned>(minimum.time / std::chrono::microseconds(1));
      wait_count_ = minimum.completions;
      description_ += ", minimum wait of " + std::to_string(minimum_wait_us_) + " us";
    } else {
      description_ += ", no minimum wait (it needs Linux 6.12)";
    }
  }
}

void ring::poll_cards(const uring_options& options) {
  if (options.busy_poll == duration::zero()) return;
  io_uring_napi polling{};
  polling.busy_poll_to = static_cast<unsigned>(options.busy_poll / std::chrono::microseconds(1));
  polling.prefer_busy_poll = options.prefer_busy_poll ? 1 : 0;
  busy_polling_ = io_uring_register_napi(&ring_, &polling) == 0;
  description_ += busy_polling_ ? ", busy polling of network cards"
                                : ", no busy polling (the kernel refuses IORING_REGISTER_NAPI)";
}

}  // namespace myra::io
