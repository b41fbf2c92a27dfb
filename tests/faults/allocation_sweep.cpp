// allocation_sweep [--every N]: each allocation of an echo server under traffic fails, one a run.
//
// The server is a child process, its clients are raw sockets here. A run has to end by its
// deadline: with all clients served but one at the most, or with std::bad_alloc out of a call that
// may throw it; never with the end of the process, a descriptor too many or a wait without end.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "failing_new.hpp"
#include "myra/core/cache_line.hpp"
#include "myra/transport.hpp"

namespace {

using namespace myra;
using namespace std::chrono_literals;

constexpr int client_count = 3;
constexpr int message_count = 6;
constexpr std::size_t message_size = 3000;
constexpr int told_code = 3;  ///< bad_alloc came out of a call that may throw it.

enum class style { coroutine, handler, copying };

struct scenario {
  const char* name;
  io::backend_kind backend;
  style how;
};

constexpr scenario scenarios[] = {
    {"epoll coroutine", io::backend_kind::epoll, style::coroutine},
    {"epoll handler", io::backend_kind::epoll, style::handler},
    {"epoll copying", io::backend_kind::epoll, style::copying},
    {"uring coroutine", io::backend_kind::uring, style::coroutine},
    {"uring handler", io::backend_kind::uring, style::handler},
    {"uring copying", io::backend_kind::uring, style::copying},
};

/// What a child leaves behind.
struct account {
  std::uint64_t allocations = 0;
  std::size_t descriptors_left = 0;
};

task<> echo(connection peer) {
  while (auto bytes = co_await peer.receive())
    if (!co_await peer.send(std::move(*bytes))) break;
}

struct echo_handler final : connection_handler {
  explicit echo_handler(bool with_copies) : copies(with_copies) {}
  void on_receive(connection& peer, message& bytes) override {
    if (copies)
      static_cast<void>(peer.send_copy(bytes.bytes()));
    else
      static_cast<void>(peer.send(bytes.detach()));
  }
  bool copies;
};

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

void serve(listener& at, style how) {
  if (how == style::coroutine) return at.serve(echo);
  at.serve([how] { return std::make_unique<echo_handler>(how == style::copying); });
}

/// The server's whole life; its exit code.
int run_server(const scenario& of, std::uint64_t ordinal, int tell_port, account& told) {
  reactor_options options;
  options.backend = of.backend;
  options.self_test = false;
  options.pool.slot_size_bytes = 1024;
  options.pool.slot_count_initial = 4;
  options.receive_buffer_count = 4;
  auto on = reactor::open(options);
  if (!on) return 2;
  int code = 0;
  try {
    auto at = listener::open(*on, {.address = "127.0.0.1:0"});
    if (!at) return 2;
    const std::uint16_t port = at->local().port();
    faults::fail_allocation(ordinal);
    serve(*at, of.how);
    if (::write(tell_port, &port, sizeof port) != sizeof port) return 2;
    code = on->run_until_signal({.drain_deadline = 2s});
  } catch (const std::bad_alloc&) {
    code = told_code;
  }
  told.allocations = faults::stop_counting();
  return code;
}

[[noreturn]] void be_server(const scenario& of, std::uint64_t ordinal, int tell_port,
                            account& told) {
  const std::size_t before = open_descriptors();
  const int code = run_server(of, ordinal, tell_port, told);
  // A ring's sockets go a moment after it.
  for (int i = 0; i < 100 && open_descriptors() > before; ++i) std::this_thread::sleep_for(5ms);
  told.descriptors_left = open_descriptors() - before;
  std::_Exit(code);
}

int dial(std::uint16_t port) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  static_cast<void>(::connect(made, reinterpret_cast<const sockaddr*>(&to), sizeof to));
  return made;
}

/// Whether the message came back.
bool ask(int peer, std::string_view message) {
  if (::send(peer, message.data(), message.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(message.size()))
    return false;
  std::array<char, message_size> answer{};
  return ::recv(peer, answer.data(), answer.size(), MSG_WAITALL) ==
             static_cast<ssize_t>(message.size()) &&
         std::string_view(answer.data(), answer.size()) == message;
}

/// How many clients were served to the end.
int talk(std::uint16_t port) {
  std::array<int, client_count> peers{};
  std::array<bool, client_count> well{};
  for (int& each : peers) each = dial(port);
  well.fill(true);
  for (int round = 0; round < message_count; ++round)
    for (std::size_t i = 0; i < peers.size(); ++i)
      well[i] = well[i] && ask(peers[i], std::string(message_size, static_cast<char>('a' + round)));
  int served = 0;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    served += well[i] ? 1 : 0;
    ::close(peers[i]);
  }
  return served;
}

/// The status of waitpid(2), or -1 when the child did not end and was killed.
int wait_for(pid_t child) {
  int status = 0;
  const auto end = std::chrono::steady_clock::now() + 15s;
  while (std::chrono::steady_clock::now() < end) {
    if (::waitpid(child, &status, WNOHANG) == child) return status;
    std::this_thread::sleep_for(1ms);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return -1;
}

/// Empty: as it should be.
std::string run_one(const scenario& of, std::uint64_t ordinal, account& told) {
  told = {};
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    be_server(of, ordinal, ends[1], told);
  }
  ::close(ends[1]);
  std::uint16_t port = 0;
  const bool ready = ::read(ends[0], &port, sizeof port) == sizeof port;
  ::close(ends[0]);
  const int served = ready ? talk(port) : client_count;
  ::kill(child, SIGTERM);
  const int status = wait_for(child);
  if (status < 0) return "did not end";
  if (!WIFEXITED(status)) return "ended by signal " + std::to_string(WTERMSIG(status));
  if (told.descriptors_left != 0)
    return std::to_string(told.descriptors_left) + " descriptors left";
  if (WEXITSTATUS(status) == told_code) return {};
  if (WEXITSTATUS(status) != 0) return "exit code " + std::to_string(WEXITSTATUS(status));
  return served >= client_count - 1 ? ""
                                    : std::to_string(client_count - served) + " clients harmed";
}

/// Whether what is aligned to more than usual fails as well, as much of a connection's is.
bool aligned_ones_fail() {
  bool failed = false;
  faults::fail_allocation(1);
  try {
    const auto made = make_line_array<char>(1);
  } catch (const std::bad_alloc&) {
    failed = true;
  }
  return faults::stop_counting() == 1 && failed;
}

/// How many runs were wrong.
int sweep(const scenario& of, std::uint64_t every, account& told) {
  const std::string clean = run_one(of, 0, told);
  const std::uint64_t allocations = told.allocations;
  if (clean == "exit code 2" && of.backend == io::backend_kind::uring) {
    std::printf("%-16s left out: there is no io_uring here\n", of.name);
    return 0;
  }
  int wrong = clean.empty() && allocations != 0 ? 0 : 1;
  if (wrong != 0) std::printf("FAILED: %s with nothing failing: %s\n", of.name, clean.c_str());
  std::uint64_t runs = 0;
  for (std::uint64_t ordinal = 1; ordinal <= allocations; ordinal += every, ++runs) {
    const std::string what = run_one(of, ordinal, told);
    if (what.empty()) continue;
    ++wrong;
    std::printf("FAILED: %s, allocation %lu: %s\n", of.name, ordinal, what.c_str());
  }
  std::printf("%-16s %4lu allocations %4lu runs %3d wrong\n", of.name, allocations, runs, wrong);
  return wrong;
}

}  // namespace

int main(int count, char** words) {
  std::uint64_t every = 1;
  if (count == 3 && std::string_view(words[1]) == "--every")
    static_cast<void>(std::from_chars(words[2], words[2] + std::strlen(words[2]), every));
  else if (count != 1)
    return std::fputs("usage: allocation_sweep [--every N]\n", stderr), 2;
  if (const char* with = std::getenv("MYRA_INSTRUMENTED");
      with != nullptr && std::string_view(with) == "ThreadSanitizer") {
    std::puts("SKIP: not with ThreadSanitizer: its operator new is not replaced");
    return 77;
  }
  // Blocked here, so that one which comes before the server asks for it waits.
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  void* memory =
      ::mmap(nullptr, sizeof(account), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return std::perror("allocation_sweep: shared memory"), 2;
  auto& told = *new (memory) account;
  int wrong = aligned_ones_fail() ? 0 : 1;
  if (wrong != 0) std::puts("FAILED: aligned allocations do not fail");
  for (const scenario& each : scenarios)
    wrong += sweep(each, std::max<std::uint64_t>(every, 1), told);
  std::printf("%d wrong\n", wrong);
  return wrong == 0 ? 0 : 1;
}
