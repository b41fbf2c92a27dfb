// What a ring is set up with, seen from what the kernel then does.
#include "myra/io/uring/ring.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "myra/io/kernel_version_test.hpp"
#include "myra/io/uring/user_data.hpp"

namespace myra::io {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<ring> open(const uring_options& options) {
  auto made = ring::open(options);
  if (!made) throw std::runtime_error(describe(made.error()));
  return std::move(*made);
}

/// Submits what is queued, waits for one completion and returns its result.
int result_of_one(ring& on) {
  int result = INT_MIN;
  for (int i = 0; i < 100 && result == INT_MIN; ++i) {
    on.submit_and_wait(100ms);
    on.drain([&](const io_uring_cqe& cqe) { result = cqe.res; });
  }
  return result;
}

int result_of_nop(ring& on) {
  io_uring_prep_nop(on.next_entry());
  return result_of_one(on);
}

/// The threads of this process whose name begins so.
std::vector<pid_t> threads_named(const std::string& begin) {
  std::vector<pid_t> found;
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(each.path() / "comm") >> name;
    if (name.starts_with(begin)) found.push_back(std::stoi(each.path().filename()));
  }
  return found;
}

/// A ring that was closed takes its thread along a moment later.
void await_no_thread_named(const std::string& begin) {
  for (int i = 0; i < 2000 && !threads_named(begin).empty(); ++i) std::this_thread::sleep_for(1ms);
}

std::vector<unsigned> cpus_of(pid_t thread) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::vector<unsigned> cpus;
  if (::sched_getaffinity(thread, sizeof allowed, &allowed) != 0) return cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  return cpus;
}

bool asleep(ring& polled) {
  return (io_uring_smp_load_acquire(polled.raw().sq.kflags) & IORING_SQ_NEED_WAKEUP) != 0;
}

uring_options polling(duration idle = 1s) {
  uring_options options;
  options.ring.submission_polling = {.on = true, .idle = idle};
  return options;
}

class ring_test : public testing::Test {
 protected:
  void SetUp() override {
    if (!why_no_uring().empty()) GTEST_SKIP() << why_no_uring();
  }
};

TEST_F(ring_test, a_ring_for_sockets_only_opens_no_file) {
  uring_options options;
  options.ring.sockets_only = true;
  const auto on = open(options);
  EXPECT_NE(on->description().find("sockets only"), std::string::npos);
  io_uring_prep_openat(on->next_entry(), AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
  EXPECT_EQ(result_of_one(*on), -EACCES);
  char byte = 0;
  const int file = ::open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  io_uring_prep_read(on->next_entry(), file, &byte, 1, 0);
  EXPECT_EQ(result_of_one(*on), -EACCES);
  ::close(file);
  EXPECT_EQ(io_uring_register_personality(&on->raw()), -EACCES);
}

TEST_F(ring_test, a_ring_for_sockets_only_does_sockets) {
  uring_options options;
  options.ring.sockets_only = true;
  const auto on = open(options);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  io_uring_prep_send(on->next_entry(), ends[0], "hi", 2, MSG_NOSIGNAL);
  EXPECT_EQ(result_of_one(*on), 2);
  char bytes[8];
  io_uring_prep_recv(on->next_entry(), ends[1], bytes, sizeof bytes, 0);
  EXPECT_EQ(result_of_one(*on), 2);
  io_uring_prep_close(on->next_entry(), ends[0]);
  EXPECT_EQ(result_of_one(*on), 0);
  ::close(ends[1]);
}

TEST_F(ring_test, without_restrictions_a_file_opens) {
  const auto on = open({});
  io_uring_prep_openat(on->next_entry(), AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
  const int file = result_of_one(*on);
  EXPECT_GE(file, 0);
  ::close(file);
}

TEST_F(ring_test, each_way_of_running_tasks_completes) {
  for (task_running tasks :
       {task_running::deferred, task_running::cooperative, task_running::interrupting}) {
    uring_options options;
    options.ring.tasks = tasks;
    EXPECT_EQ(result_of_nop(*open(options)), 0);
  }
}

int call_nop(ring& on) {
  return on.call(install_tag, [](io_uring_sqe* entry) { io_uring_prep_nop(entry); });
}

void fill_completions(ring& on, int count) {
  for (int i = 0; i < count; ++i) io_uring_prep_nop(on.entry_or_flush());
  on.submit();
}

TEST_F(ring_test, a_call_is_answered_by_its_own_completion_only) {
  const auto on = open({.submission_entries = 4, .completion_entries = 8});
  EXPECT_EQ(call_nop(*on), 0);
  fill_completions(*on, 7);
  EXPECT_EQ(call_nop(*on), -EBUSY) << "there is no room for the answer";
  on->drain([](const io_uring_cqe&) {});
  EXPECT_EQ(call_nop(*on), -EBUSY) << "the answer to the first is still to come";
  on->submit();
  int unanswered = 2;
  int late = 0;
  on->drain([&](const io_uring_cqe& cqe) {
    if (cqe.user_data != install_tag) return;
    ++late;
    on->late_call_over();
    // What is being drained is still there, and leaves no room for this one's answer.
    fill_completions(*on, 7);
    EXPECT_EQ(call_nop(*on), -EBUSY);
    ++unanswered;
  });
  EXPECT_NE(late, 0);
  for (int i = 0; i < 4; ++i) {
    on->submit();
    on->drain([&](const io_uring_cqe& cqe) {
      if (cqe.user_data != install_tag) return;
      ++late;
      on->late_call_over();
    });
  }
  EXPECT_EQ(late, unanswered) << "each is carried out";
  EXPECT_EQ(call_nop(*on), 0);
}

TEST_F(ring_test, a_wait_lasts_as_long_with_registered_waits_as_without) {
  for (bool registered : {true, false}) {
    uring_options options;
    options.features.registered_waits = registered;
    const auto on = open(options);
    if (!registered) {
      EXPECT_FALSE(on->waits_registered());
    } else if (!on->waits_registered()) {
      GTEST_SKIP() << "registered waits need Linux 6.13";
    }
    for (duration patience : {duration(0ms), duration(1500us), duration(30ms)}) {
      const time_point began = clock::now();
      EXPECT_EQ(on->submit_and_wait(patience), 0);
      EXPECT_GE(clock::now() - began, patience);
      EXPECT_LT(clock::now() - began, patience + 2s);
    }
    io_uring_prep_nop(on->next_entry());
    EXPECT_EQ(on->submit_and_wait(duration::max()), 0);
    EXPECT_EQ(on->drain([](const io_uring_cqe&) {}), 1U);
  }
}

TEST_F(ring_test, a_minimum_wait_collects) {
  for (bool registered : {true, false}) {
    uring_options options;
    options.features.registered_waits = registered;
    options.ring.minimum_wait = {.time = 60ms, .completions = 3};
    const auto on = open(options);
    if ((on->raw().features & IORING_FEAT_MIN_TIMEOUT) == 0)
      GTEST_SKIP() << "a minimum wait needs Linux 6.12";
    const time_point began = clock::now();
    io_uring_prep_nop(on->next_entry());
    EXPECT_EQ(on->submit_and_wait(10s), 0);  // one is there, and no more come
    EXPECT_GE(clock::now() - began, 60ms);
    EXPECT_LT(clock::now() - began, 5s);
    EXPECT_EQ(on->drain([](const io_uring_cqe&) {}), 1U);
    const time_point again = clock::now();
    for (int i = 0; i < 3; ++i) io_uring_prep_nop(on->next_entry());
    EXPECT_EQ(on->submit_and_wait(duration::max()), 0);
    EXPECT_LT(clock::now() - again, 50ms);
    EXPECT_EQ(on->drain([](const io_uring_cqe&) {}), 3U);
    const time_point brief = clock::now();
    EXPECT_EQ(on->submit_and_wait(5ms), 0);
    EXPECT_LT(clock::now() - brief, 50ms);
  }
}

TEST_F(ring_test, a_polling_thread_takes_what_is_queued_without_a_kernel_entry) {
  const auto on = open(polling());
  EXPECT_TRUE(on->polled());
  EXPECT_EQ(result_of_nop(*on), 0);
  ASSERT_FALSE(asleep(*on));
  const std::uint64_t before = on->entries();
  io_uring_prep_nop(on->next_entry());
  EXPECT_TRUE(on->pending());
  EXPECT_EQ(on->submit(), 0);
  EXPECT_FALSE(on->pending());
  const time_point limit = clock::now() + 5s;
  while (on->ready() == 0 && clock::now() < limit) std::this_thread::yield();
  EXPECT_EQ(on->drain([](const io_uring_cqe&) {}), 1U);
  EXPECT_EQ(on->entries(), before);
}

TEST_F(ring_test, a_polling_thread_sleeps_after_its_idle_time_and_is_woken) {
  const auto on = open(polling(300ms));
  EXPECT_EQ(result_of_nop(*on), 0);
  const time_point used = clock::now();
  while (!asleep(*on) && clock::now() - used < 20s) std::this_thread::sleep_for(1ms);
  EXPECT_GE(clock::now() - used, 250ms);  // the kernel counts ticks
  EXPECT_LT(clock::now() - used, 10s);
  EXPECT_EQ(result_of_nop(*on), 0);
}

TEST_F(ring_test, a_polling_thread_is_kept_on_its_processor) {
  uring_options options = polling();
  options.ring.submission_polling.cpu = 0;
  await_no_thread_named("iou-sqp-");
  const auto on = open(options);
  EXPECT_EQ(result_of_nop(*on), 0);
  const std::vector<pid_t> threads = threads_named("iou-sqp-");
  ASSERT_EQ(threads.size(), 1U);
  EXPECT_EQ(cpus_of(threads[0]), std::vector<unsigned>{0});
}

TEST_F(ring_test, a_polling_thread_is_shared) {
  await_no_thread_named("iou-sqp-");
  const auto first = open(polling());
  uring_options options = polling();
  options.ring.submission_polling.share_with = first->descriptor();
  const auto second = open(options);
  EXPECT_EQ(result_of_nop(*first), 0);
  EXPECT_EQ(result_of_nop(*second), 0);
  EXPECT_EQ(threads_named("iou-sqp-").size(), 1U);
}

TEST_F(ring_test, what_a_polling_thread_cannot_do_is_named) {
  uring_options options = polling();
  const auto plain = open({});
  options.ring.submission_polling.share_with = plain->descriptor();
  auto refused = ring::open(options);
  ASSERT_FALSE(refused);
  EXPECT_NE(describe(refused.error()).find("ring.submission_polling.share_with: found descriptor"),
            std::string::npos);
  options = polling();
  options.ring.submission_polling.cpu = 1000;
  refused = ring::open(options);
  ASSERT_FALSE(refused);
  EXPECT_NE(describe(refused.error()).find("ring.submission_polling.cpu: found 1000"),
            std::string::npos);
}

TEST_F(ring_test, a_full_queue_waits_for_the_polling_thread) {
  uring_options options = polling();
  options.submission_entries = 8;
  const auto on = open(options);
  unsigned completed = 0;
  for (int i = 0; i < 1000; ++i) {
    io_uring_sqe* entry = on->next_entry();
    if (entry == nullptr) {
      ASSERT_EQ(on->make_room(), 0);
      entry = on->next_entry();
    }
    ASSERT_NE(entry, nullptr);
    io_uring_prep_nop(entry);
    completed += on->drain([](const io_uring_cqe&) {});
  }
  for (const time_point limit = clock::now() + 5s; completed < 1000 && clock::now() < limit;) {
    EXPECT_EQ(on->submit_and_wait(100ms), 0);
    completed += on->drain([](const io_uring_cqe&) {});
  }
  EXPECT_EQ(completed, 1000U);
}

TEST_F(ring_test, workers_are_limited_and_kept_on_their_processors) {
  uring_options options;
  options.ring.workers = {.bounded_max = 2, .unbounded_max = 3, .cpus = "0"};
  std::thread([&] {  // limits are a thread's
    const auto on = open(options);
    unsigned found[2] = {0, 0};
    ASSERT_EQ(io_uring_register_iowq_max_workers(&on->raw(), found), 0);
    EXPECT_EQ(found[0], 2U);
    EXPECT_EQ(found[1], 3U);
    io_uring_sqe* entry = on->next_entry();
    io_uring_prep_nop(entry);
    entry->flags |= IOSQE_ASYNC;
    EXPECT_EQ(result_of_one(*on), 0);
    const std::vector<pid_t> workers = threads_named("iou-wrk-");
    ASSERT_FALSE(workers.empty());
    for (pid_t each : workers) EXPECT_EQ(cpus_of(each), std::vector<unsigned>{0});
  })
      .join();
}

TEST_F(ring_test, workers_are_limited_by_a_ring_for_sockets_only) {
  uring_options options;
  options.ring.workers = {.bounded_max = 2, .unbounded_max = 3, .cpus = "0"};
  options.ring.sockets_only = true;
  std::thread([&] {
    const auto on = open(options);
    EXPECT_EQ(on->description().find("the kernel refuses"), std::string::npos) << on->description();
    const auto other = open({});  // of the same thread, to ask what the first may not be asked
    unsigned found[2] = {0, 0};
    ASSERT_EQ(io_uring_register_iowq_max_workers(&other->raw(), found), 0);
    EXPECT_EQ(found[0], 2U);
    EXPECT_EQ(found[1], 3U);
    io_uring_sqe* entry = other->next_entry();
    io_uring_prep_nop(entry);
    entry->flags |= IOSQE_ASYNC;
    EXPECT_EQ(result_of_one(*other), 0);
    const std::vector<pid_t> workers = threads_named("iou-wrk-");
    ASSERT_FALSE(workers.empty());
    for (pid_t each : workers) EXPECT_EQ(cpus_of(each), std::vector<unsigned>{0});
    unsigned none[2] = {0, 0};
    EXPECT_EQ(io_uring_register_iowq_max_workers(&on->raw(), none), -EACCES);
  }).join();
}

TEST_F(ring_test, busy_polling_is_registered) {
  uring_options options;
  options.busy_poll = 50us;
  options.prefer_busy_poll = true;
  const auto on = open(options);
  if (!on->busy_polling()) GTEST_SKIP() << on->description();
  io_uring_napi before{};
  ASSERT_EQ(io_uring_unregister_napi(&on->raw(), &before), 0);
  EXPECT_EQ(before.busy_poll_to, 50U);
  EXPECT_EQ(before.prefer_busy_poll, 1);
  EXPECT_EQ(result_of_nop(*on), 0);
}

TEST_F(ring_test, busy_polling_is_registered_for_a_ring_for_sockets_only) {
  uring_options options;
  options.busy_poll = 50us;
  if (!open(options)->busy_polling()) GTEST_SKIP() << open(options)->description();
  options.ring.sockets_only = true;
  const auto on = open(options);
  EXPECT_TRUE(on->busy_polling()) << on->description();
  EXPECT_EQ(result_of_nop(*on), 0);
}

}  // namespace
}  // namespace myra::io
