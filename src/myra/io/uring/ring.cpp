#include "myra/io/uring/ring.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace myra::io {
namespace {

constexpr unsigned smallest_submission_entries = 128;

unsigned setup_flags(const feature_switches& features) noexcept {
  const unsigned running = features.deferred_task_run
                               ? IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN
                               : IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN;
  return running | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE |
         IORING_SETUP_CLAMP;
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

std::string refusal_words(int error, unsigned entries) {
  switch (error) {
    case ENOSYS:
      return "io_uring_setup is not there: the kernel lacks io_uring, or a seccomp filter hides it";
    case EPERM:
    case EACCES: return disabled_words();
    case ENOMEM: return memlock_words(entries);
    case EINVAL:
      return "the kernel lacks deferred task running (IORING_SETUP_DEFER_TASKRUN), which needs "
             "Linux 6.1";
    case EMFILE:
    case ENFILE: return "no descriptor is left for the ring (RLIMIT_NOFILE)";
    default: return "io_uring_setup failed";
  }
}

}  // namespace

opened<std::unique_ptr<ring>> ring::open(const uring_options& options) {
  std::unique_ptr<ring> made(new ring);
  unsigned entries = options.submission_entries;
  unsigned completions = options.completion_entries;
  int status = 0;
  for (;;) {
    io_uring_params params{};
    params.flags = setup_flags(options.features);
    params.cq_entries = completions;
    status = io_uring_queue_init_params(entries, &made->ring_, &params);
    if (status != -ENOMEM || entries <= smallest_submission_entries) break;
    // Memory of rings is charged to RLIMIT_MEMLOCK on some kernels: a smaller ring is better than
    // none.
    entries /= 2;
    completions = std::max(completions / 2, entries);
  }
  if (status < 0) {
    made->ring_.ring_fd = -1;
    return report(kernel_error(status), refusal_words(-status, entries));
  }
  io_uring_ring_dontfork(&made->ring_);
  made->description_ =
      options.features.deferred_task_run ? "deferred task running" : "cooperative task running";
  if (entries < options.submission_entries)
    made->description_ += ", ring reduced to " + std::to_string(entries) + " entries (" +
                          memlock_words(options.submission_entries) + ")";
  if (options.features.registered_ring && io_uring_register_ring_fd(&made->ring_) == 1)
    made->enter_flags_ |= IORING_ENTER_REGISTERED_RING;
  return made;
}

ring::~ring() {
  if (ring_.ring_fd >= 0) io_uring_queue_exit(&ring_);
}

unsigned ring::flush() noexcept {
  ring_.sq.sqe_head = ring_.sq.sqe_tail;
  io_uring_smp_store_release(ring_.sq.ktail, ring_.sq.sqe_tail);
  return unsubmitted();
}

int ring::enter(unsigned wait_count, unsigned more_flags, const void* argument,
                std::size_t argument_size) noexcept {
  const unsigned count = flush();
  ++entries_;
  // liburing declares the argument as a signal mask; with IORING_ENTER_EXT_ARG it is an
  // io_uring_getevents_arg.
  auto* mask = static_cast<sigset_t*>(const_cast<void*>(argument));
  const int status = io_uring_enter2(static_cast<unsigned>(ring_.enter_ring_fd), count, wait_count,
                                     enter_flags_ | more_flags, mask, argument_size);
  if (status >= 0 || status == -EINTR || status == -ETIME) return 0;
  return status;
}

io_uring_sqe* ring::flush_for_entry() noexcept {
  submit();
  return next_entry();
}

int ring::finish_call(io_uring_sqe* entry, std::uint64_t tag) noexcept {
  const unsigned position = tail();
  submit();
  if (!consumed(position)) {
    // What it points to does not outlive the call.
    *entry = {};
    io_uring_prep_nop(entry);
    io_uring_sqe_set_data64(entry, taken_tag);
    return -EBUSY;
  }
  io_uring_cqe* told = newest(tag);
  if (told == nullptr) return -EBUSY;  // the completion queue is full
  told->user_data = taken_tag;
  return told->res;
}

io_uring_cqe* ring::newest(std::uint64_t tag) noexcept {
  const unsigned head = *ring_.cq.khead;
  for (unsigned at = io_uring_smp_load_acquire(ring_.cq.ktail); at != head; --at) {
    io_uring_cqe& each = ring_.cq.cqes[(at - 1) & ring_.cq.ring_mask];
    if (each.user_data == tag) return &each;
  }
  return nullptr;
}

int ring::submit() noexcept { return enter(0, 0, nullptr, 0); }

int ring::submit_and_wait(duration timeout) noexcept {
  if (timeout == duration::max()) return enter(1, 0, nullptr, 0);
  const auto left = std::max(timeout, duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  __kernel_timespec wait{};
  wait.tv_sec = seconds.count();
  wait.tv_nsec = std::chrono::nanoseconds(left - seconds).count();
  io_uring_getevents_arg argument{};
  argument.ts = reinterpret_cast<std::uintptr_t>(&wait);
  return enter(1, IORING_ENTER_EXT_ARG, &argument, sizeof argument);
}

}  // namespace myra::io
