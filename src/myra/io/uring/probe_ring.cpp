#include "myra/io/uring/probe_ring.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "myra/io/uring/restrictions.hpp"

namespace myra::io {
namespace {

/// A small ring with these flags, to try things on.
class trial_ring {
 public:
  explicit trial_ring(unsigned flags, int attach_to = -1) noexcept {
    io_uring_params params{};
    params.flags = flags;
    params.sq_thread_idle = 1;
    if (attach_to >= 0) params.wq_fd = static_cast<unsigned>(attach_to);
    made_ = io_uring_queue_init_params(8, &ring_, &params) == 0;
  }
  trial_ring(const trial_ring&) = delete;
  trial_ring& operator=(const trial_ring&) = delete;
  ~trial_ring() {
    if (made_) io_uring_queue_exit(&ring_);
  }
  [[nodiscard]] bool made() const noexcept { return made_; }
  [[nodiscard]] io_uring& raw() noexcept { return ring_; }

 private:
  io_uring ring_{};
  bool made_ = false;
};

bool accepts(unsigned flags) noexcept { return trial_ring(flags).made(); }

bool shares_a_thread() noexcept {
  trial_ring first(IORING_SETUP_SQPOLL);
  if (!first.made()) return false;
  return trial_ring(IORING_SETUP_SQPOLL | IORING_SETUP_ATTACH_WQ, first.raw().ring_fd).made();
}

bool restricts() noexcept {
  trial_ring trial(IORING_SETUP_R_DISABLED);
  return trial.made() && restrict_to_sockets(trial.raw(), false) == 0;
}

bool registers_waits() {
  uring_options options;
  options.submission_entries = options.completion_entries = 8;
  const auto trial = ring::open(options);
  return trial && (*trial)->waits_registered();
}

bool limits_workers() noexcept {
  trial_ring trial(0);
  std::array<unsigned, 2> asked{0, 0};  // zero asks and changes nothing
  return trial.made() && io_uring_register_iowq_max_workers(&trial.raw(), asked.data()) == 0;
}

bool polls_cards() noexcept {
  trial_ring trial(0);
  io_uring_napi asked{};
  asked.busy_poll_to = 1;
  return trial.made() && io_uring_register_napi(&trial.raw(), &asked) == 0;
}

bool resizes() noexcept {
  trial_ring trial(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
  io_uring_params larger{};
  larger.flags = IORING_SETUP_CQSIZE;
  larger.sq_entries = 8;
  larger.cq_entries = 32;
  return trial.made() && io_uring_resize_rings(&trial.raw(), &larger) == 0;
}

/// Waits for a completion of a trial, which comes at once if at all.
bool comes(io_uring& on, std::uint64_t user_data, int result_least) noexcept {
  __kernel_timespec patience{0, 100'000'000};
  io_uring_cqe* told = nullptr;
  if (io_uring_wait_cqe_timeout(&on, &told, &patience) != 0) return false;
  const bool right = told->user_data == user_data && told->res >= result_least;
  io_uring_cqe_seen(&on, told);
  return right;
}

void list_tasks(feature_list& list, const uring_options& options, const io_uring& on) {
  const bool deferred = (on.flags & IORING_SETUP_DEFER_TASKRUN) != 0;
  const bool polled = options.ring.submission_polling.on;
  list.used_or(deferred, "deferred task running",
               "completions run on the loop's thread, at its kernel entry", true,
               polled ? "does not go with submission polling" : "switched off by its option", "");
  list.used_or((on.flags & IORING_SETUP_COOP_TASKRUN) != 0, "cooperative task running",
               "completions run at any entry of the loop's thread", true,
               "not used: deferred or interrupting is", "");
  list.used_or((on.flags & IORING_SETUP_SINGLE_ISSUER) != 0, "single issuer",
               "the kernel knows that one thread submits", true, "", "");
  list.used_or(options.features.silent_sends && !polled, "silent sends",
               "sends that succeed at once wake nobody: one kernel entry a turn", true,
               polled ? "off with submission polling: nobody says when a send was taken"
                      : "switched off by its option",
               "");
}

void list_polling(feature_list& list, const uring_options& options) {
  const submission_polling_options& polling = options.ring.submission_polling;
  list.used_or(polling.on, "submission polling", "a kernel thread takes submissions",
               accepts(IORING_SETUP_SQPOLL), "not used: takes a core of its own",
               "refused by the kernel or by the limits of this process");
  list.used_or(polling.share_with >= 0, "shared polling thread", "one thread for several rings",
               shares_a_thread(), "not used: for rings with submission polling",
               "refused by the kernel or by the limits of this process");
  list.available_if(accepts(IORING_SETUP_IOPOLL), "I/O polling",
                    "never used: it is for storage, and fails for sockets",
                    "refused by the kernel; it is for storage anyway");
}

void list_waits(feature_list& list, const uring_options& options, const ring& on,
                const io_uring& raw) {
  const bool minimum = (raw.features & IORING_FEAT_MIN_TIMEOUT) != 0;
  const bool iowait = (raw.features & IORING_FEAT_NO_IOWAIT) != 0;
  list.used_or(on.waits_registered(), "registered waits",
               "the kernel reads a wait's arguments in place", registers_waits(),
               "switched off by its option",
               "refused by the kernel: needs Linux 6.13 and a page of locked memory");
  list.used_or(on.waits_outside_iowait(), "waits outside iowait",
               "an idle loop is not accounted as waiting for storage", iowait,
               "switched off by its option", "needs Linux 6.15");
  list.used_or(minimum && options.ring.minimum_wait.time != duration::zero(), "minimum wait",
               "waits go on for a while, to take more at once", minimum,
               "not used: adds latency by design", "needs Linux 6.12");
  list.used_or(on.busy_polling(), "busy polling of network cards",
               "a wait polls the cards' queues before it sleeps", polls_cards(),
               "not used: needs a card with queues, and takes a core", "needs Linux 6.9");
}

}  // namespace

message_trial try_messages() {
  constexpr std::uint64_t sent = 1;
  constexpr std::uint64_t came = 2;
  message_trial found;
  trial_ring from(0);
  trial_ring to(0);
  if (!from.made() || !to.made()) return found;
  io_uring_sqe* entry = io_uring_get_sqe(&from.raw());
  io_uring_prep_msg_ring(entry, to.raw().ring_fd, 7, came, 0);
  io_uring_sqe_set_data64(entry, sent);
  found.data =
      io_uring_submit(&from.raw()) == 1 && comes(to.raw(), came, 7) && comes(from.raw(), sent, 0);
  if (!found.data || io_uring_register_files_sparse(&from.raw(), 1) != 0 ||
      io_uring_register_files_sparse(&to.raw(), 2) != 0)
    return found;
  const int any = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // The first place over there is taken, to see whether the one that is found is told.
  const bool placed = io_uring_register_files_update(&from.raw(), 0, &any, 1) == 1 &&
                      io_uring_register_files_update(&to.raw(), 0, &any, 1) == 1;
  if (any >= 0) ::close(any);
  if (!placed) return found;
  entry = io_uring_get_sqe(&from.raw());
  io_uring_prep_msg_ring_fd_alloc(entry, to.raw().ring_fd, 0, came, 0);
  io_uring_sqe_set_data64(entry, sent);
  found.files =
      io_uring_submit(&from.raw()) == 1 && comes(from.raw(), sent, 0) && comes(to.raw(), came, 1);
  return found;
}

void list_ring_features(feature_list& list, const uring_options& options, ring& on) {
  io_uring& raw = on.raw();
  list_tasks(list, options, raw);
  list.used_or(on.descriptor_registered(), "registered ring descriptor",
               "saves the descriptor look-up of each kernel entry", true,
               "switched off by its option", "");
  list.used_or((raw.flags & IORING_SETUP_NO_SQARRAY) != 0, "no submission index array",
               "an entry is found without a look-up", false, "", "needs Linux 6.6");
  list_polling(list, options);
  list_waits(list, options, on, raw);
  list.used_or(on.workers_limited(), "limit of kernel workers",
               "no more threads than this for what would block", limits_workers(),
               "not used: the kernel's own limits hold", "needs Linux 5.15");
  list.used_or(on.workers_placed(), "processors of kernel workers", "they stay where they were put",
               limits_workers(), "not used: they run anywhere", "needs Linux 5.14");
  list.used_or(options.ring.sockets_only, "restrictions",
               "the ring can do sockets and nothing else", restricts(),
               "not used: an option for hardening", "refused by the kernel");
  list.available_if(accepts(IORING_SETUP_CQE_MIXED), "mixed completion sizes", "not used yet",
                    "needs Linux 6.18");
  list.available_if(resizes(), "ring resizing",
                    "not used: the queues are as large as the options say", "needs Linux 6.13");
}

}  // namespace myra::io
