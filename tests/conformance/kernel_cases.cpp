// What only the real kernel can be asked: limits of descriptors, filters, signals, processes that
// fork or are killed.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <thread>

#include "fixture.hpp"

namespace myra::conformance {
namespace {

/// UndefinedBehaviorSanitizer looks at types through a pipe, and takes none to be had for an error.
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
constexpr bool needs_descriptors_itself = true;
#else
constexpr bool needs_descriptors_itself = false;
#endif
#else
constexpr bool needs_descriptors_itself = false;
#endif

/// Lowers RLIMIT_NOFILE to what is open and `left` more, for as long as it exists.
class few_descriptors {
 public:
  explicit few_descriptors(int left) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next_free = settled_next_free();
    const rlimit little{static_cast<rlim_t>(next_free + left), before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &little), 0);
  }
  few_descriptors(const few_descriptors&) = delete;
  few_descriptors& operator=(const few_descriptors&) = delete;
  ~few_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  static int next_free() {
    const int found = ::dup(0);
    ::close(found);
    return found;
  }
  /// With submission polling what was closed before is free a moment later.
  static int settled_next_free() {
    int found = next_free();
    for (int same = 0; same < 5;) {
      std::this_thread::sleep_for(1ms);
      const int again = next_free();
      same = again == found ? same + 1 : 0;
      found = again;
    }
    return found;
  }

  rlimit before_{};
};

std::chrono::microseconds processor_time() {
  rusage used{};
  ::getrusage(RUSAGE_THREAD, &used);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

/// Has system calls 425 to 427, io_uring's, fail with EPERM in this process from now on.
bool deny_uring() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 425, 0, 2),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 427, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{sizeof program / sizeof program[0], program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

class kernel_case : public conformance_test {
 protected:
  void SetUp() override {
    conformance_test::SetUp();
    if (simulated()) GTEST_SKIP() << "needs the real kernel";
  }
  /// Plain sockets, connected to `at`; they wait in the backlog until they are accepted.
  static std::vector<int> connect_plainly(const endpoint& at, int count) {
    std::vector<int> made;
    for (int i = 0; i < count; ++i) {
      made.push_back(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
      EXPECT_EQ(::connect(made.back(), at.address(), at.size()), 0);
    }
    return made;
  }
  /// Another reactor, whose table of direct descriptors has `places` and no more. Whether it has
  /// one: those do not count to RLIMIT_NOFILE, so a case about that limit fills the table first.
  bool reopen_with_direct_descriptors(std::uint32_t places) {
    auto wanted = options();
    wanted.direct_descriptor_count = places;
    open_reactor(wanted);
    return on().counters().backend.direct_places != 0;
  }
  static int option(int socket, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(socket, level, name, &value, &size), 0);
    return value;
  }
  /// How many descriptors a program has that is executed now.
  static int descriptors_of_an_executed_program() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::array<char*, 3> arguments{const_cast<char*>("ls"), const_cast<char*>("/proc/self/fd"),
                                   nullptr};
    pid_t child = 0;
    EXPECT_EQ(::posix_spawn(&child, "/bin/ls", &actions, nullptr, arguments.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    int lines = 0;
    for (char byte = 0; ::read(ends[0], &byte, 1) == 1;) lines += byte == '\n' ? 1 : 0;
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    return lines;
  }
};

TEST_P(kernel_case, accepting_at_the_descriptor_limit_backs_off_and_recovers) {
  if (needs_descriptors_itself) GTEST_SKIP() << "the sanitizer needs descriptors itself";
  const bool direct = reopen_with_direct_descriptors(5);
  record& seen = handler();
  auto& at = open_listener();
  auto waiting = connect_plainly(at.local(), 20);
  {
    const few_descriptors limit(direct ? 0 : 5);
    at.serve(seen);  // now: io_uring goes by the limit as it was when the accept was armed
    turn_until([&] { return seen.opens == 5 && at.counters().back_offs > 0; });
    const auto cpu_before = processor_time();
    const auto began = clock::now();
    // In turns as long as the back-off lets them be: turns of the case's own making would count.
    while (clock::now() < began + 700ms) ASSERT_TRUE(on().run_once(100ms));
    const auto share =
        static_cast<double>((processor_time() - cpu_before).count()) /
        static_cast<double>(
            std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - began).count());
    EXPECT_EQ(seen.opens, 5);
    EXPECT_LT(share, 0.10);
    EXPECT_LT(at.counters().back_offs, 20U);
    EXPECT_TRUE(log().contain("accepting pauses"));
  }
  const auto began = clock::now();
  turn_until([&] { return seen.opens == 20; });
  EXPECT_LT(clock::now() - began, patient(1s));
  for (const int each : waiting) ::close(each);
}

TEST_P(kernel_case, a_loop_at_the_descriptor_limit_costs_next_to_nothing) {
  if (needs_descriptors_itself) GTEST_SKIP() << "the sanitizer needs descriptors itself";
  const bool direct = reopen_with_direct_descriptors(1);
  record& seen = handler();
  auto& at = open_listener();
  auto waiting = connect_plainly(at.local(), 10);
  {
    const few_descriptors limit(0);
    at.serve(seen);
    turn_until([&] { return at.counters().back_offs > 2; });
    EXPECT_GE(on().counters().accept_arms.of(arm_reason::no_buffer), 2U);
    const auto cpu_before = processor_time();
    const auto began = clock::now();
    // What a pause costs takes a slow machine longer, so that it has longer pauses as well.
    while (clock::now() - began < patient(600ms)) ASSERT_TRUE(on().run_once(600ms));
    EXPECT_LT(processor_time() - cpu_before, (clock::now() - began) / 20);
    EXPECT_EQ(seen.opens, direct ? 1 : 0);
  }
  turn_until([&] { return seen.opens == 10; });
  for (const int each : waiting) ::close(each);
}

TEST_P(kernel_case, connecting_at_the_descriptor_limit_is_an_error_that_passes) {
  if (needs_descriptors_itself) GTEST_SKIP() << "the sanitizer needs descriptors itself";
  // One that finds a place in the table needs no descriptor.
  reopen_with_direct_descriptors(1);
  record& seen = handler();
  auto& at = listen(seen);
  ASSERT_TRUE(on().run_once(0ms));
  dialled told;
  {
    const few_descriptors limit(0);
    auto attempt = connect(on(), std::span(&at.local(), 1), {}, told.note());
    turn_until([&] { return told.calls == 1; });
  }
  EXPECT_EQ(told.error().value(), EMFILE);
  EXPECT_EQ(told.error(), condition::resource_exhausted);
  static_cast<void>(dial(at.local()));
}

TEST_P(kernel_case, without_a_descriptor_for_signals_it_ends_and_says_why) {
  if (needs_descriptors_itself) GTEST_SKIP() << "the sanitizer needs descriptors itself";
  ASSERT_TRUE(on().run_once(0ms));
  {
    const few_descriptors limit(0);
    EXPECT_EQ(on().run_until_signal(), 1);
  }
  EXPECT_TRUE(log().contain("signals cannot be waited for: Too many open files"));
}

TEST_P(kernel_case, a_backend_that_fails_while_draining_is_told) {
  if (on().backend() != io::backend_kind::epoll)
    GTEST_SKIP() << "a ring cannot be taken away from who has it mapped";
  record& seen = handler();
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), receive_to_end()});
  turn_until([&] { return seen.received == "x"; });
  const int taken = on().descriptor();
  const int kept = ::dup(taken);
  const int other = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::dup2(other, taken), taken);
  EXPECT_FALSE(on().drain(5s));
  ASSERT_EQ(::dup2(kept, taken), taken);
  ::close(kept);
  ::close(other);
  EXPECT_TRUE(log().contain("the kernel took the backend away: Invalid argument"));
  finish(*peer);
}

TEST_P(kernel_case, what_cannot_be_opened_at_the_descriptor_limit_leaves_nothing_behind) {
  if (needs_descriptors_itself) GTEST_SKIP() << "the sanitizer needs descriptors itself";
  for (int left = 0; left < 3; ++left) {
    const auto before = open_descriptors();
    {
      std::optional<opened<reactor>> made;
      {
        const few_descriptors limit(left);
        made = reactor::open(options());
      }
      EXPECT_TRUE(*made || made->error().code == condition::resource_exhausted);
      EXPECT_TRUE(*made ? left > 0 : left < 3);
    }
    for (int i = 0; i < 200 && open_descriptors() != before; ++i) turn_for(5ms);
    EXPECT_EQ(open_descriptors(), before);
  }
  const few_descriptors limit(0);
  listener_options options;
  options.address = "127.0.0.1:0";
  auto made = listener::open(on(), options);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, condition::resource_exhausted);
}

TEST_P(kernel_case, without_io_uring_automatic_takes_epoll_and_says_why) {
  close_reactor();
  const pid_t child = ::fork();
  if (child == 0) {
    if (!deny_uring()) ::_exit(10);
    auto wanted = GetParam().options;
    wanted.backend = io::backend_kind::uring;
    const auto named = reactor::open(wanted);
    if (named || named.error().code != condition::permission_denied) ::_exit(11);
    wanted.backend = io::backend_kind::automatic;
    auto automatic = reactor::open(wanted);
    if (!automatic || automatic->backend() != io::backend_kind::epoll) ::_exit(12);
    ::_exit(automatic->reason().find("not permitted") == std::string::npos ? 13 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_P(kernel_case, a_program_executed_in_a_handler_inherits_nothing) {
  close_reactor();
  const int before = descriptors_of_an_executed_program();
  open_reactor(options());
  record& seen = handler();
  int meanwhile = -1;
  seen.when_received = [&](connection&, message&) {
    meanwhile = descriptors_of_an_executed_program();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(meanwhile, before);
}

TEST_P(kernel_case, a_child_process_does_not_hold_up_the_end_of_a_connection) {
  record& seen = handler();
  pid_t child = -1;
  seen.when_received = [&](connection& peer, message&) {
    std::array<char*, 3> arguments{const_cast<char*>("sleep"), const_cast<char*>("20"), nullptr};
    EXPECT_EQ(::posix_spawn(&child, "/bin/sleep", nullptr, nullptr, arguments.data(), environ), 0);
    peer.close();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), receive_to_end()});
  const auto began = clock::now();
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_LT(clock::now() - began, slack());
  ASSERT_GT(child, 0);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST_P(kernel_case, a_forked_child_that_ends_does_not_disturb_its_parent) {
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("a"), receive(1), wait(30ms), send("b"), receive(1)});
  turn_until([&] { return seen.messages == 1; });
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(finish(*peer).received, "ab");
}

TEST_P(kernel_case, a_storm_of_signals_interrupts_nothing) {
  struct sigaction counts{};
  struct sigaction before{};
  static volatile sig_atomic_t signals = 0;
  signals = 0;
  counts.sa_handler = [](int) { signals = signals + 1; };
  ASSERT_EQ(::sigaction(SIGALRM, &counts, &before), 0);
  const itimerval storm{.it_interval = {0, 500}, .it_value = {0, 500}};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &storm, nullptr), 0);
  sigset_t mine;
  ::sigemptyset(&mine);
  ::sigaddset(&mine, SIGALRM);
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  ::pthread_sigmask(SIG_BLOCK, &mine, nullptr);  // for the peer's thread
  const auto bytes = pattern(30'000);
  script talk;
  for (int i = 0; i < 20; ++i)
    talk.insert(talk.end(), {send(bytes), receive(bytes.size()), wait(3ms)});
  auto peer = host().dial(at.local(), talk);
  ::pthread_sigmask(SIG_UNBLOCK, &mine, nullptr);
  EXPECT_EQ(finish(*peer).received.size(), 20 * bytes.size());
  const itimerval calm{};
  ::setitimer(ITIMER_REAL, &calm, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
  EXPECT_GT(signals, 10);
}

TEST_P(kernel_case, a_process_that_is_killed_is_noticed) {
  record& seen = handler();
  auto& at = listen(seen);
  const auto to = at.local();
  const pid_t child = ::fork();
  if (child == 0) {
    const int socket = ::socket(to.family(), SOCK_STREAM, 0);
    if (::connect(socket, to.address(), to.size()) == 0) ::pause();
    ::_exit(1);
  }
  turn_until([&] { return seen.opens == 1; });
  EXPECT_EQ(seen.closes, 0);
  ::kill(child, SIGKILL);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.ends, 1);
  ::waitpid(child, nullptr, 0);
}

TEST_P(kernel_case, the_options_of_sockets_reach_the_kernel) {
  record& seen = handler();
  int accepted = -1;
  seen.when_open = [&](connection& peer) { accepted = peer.duplicate_descriptor().value_or(-1); };
  listener_options options;
  options.connection.keep_alive = true;
  options.connection.send_buffer_bytes = 20'000;
  auto& at = listen(seen, options);
  connect_options from;
  from.connection.no_delay = false;
  from.connection.receive_buffer_bytes = 30'000;
  connection owner = dial(at.local(), from);
  turn_until([&] { return seen.opens == 1; });
  const int dialled = owner.duplicate_descriptor().value_or(-1);
  ASSERT_GE(accepted, 0);
  ASSERT_GE(dialled, 0);
  EXPECT_EQ(option(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option(dialled, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(option(accepted, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(dialled, SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(option(accepted, SOL_SOCKET, SO_SNDBUF), 40'000) << "the kernel doubles it, socket(7)";
  EXPECT_EQ(option(dialled, SOL_SOCKET, SO_RCVBUF), 60'000);
  for (const int each : {accepted, dialled}) EXPECT_NE(::fcntl(each, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_TRUE(owner.set_option(SOL_SOCKET, SO_KEEPALIVE, 1));
  EXPECT_EQ(option(dialled, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_FALSE(owner.set_option(SOL_SOCKET, -1, 1));
  for (const int each : {accepted, dialled}) ::close(each);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, kernel_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
