// The state machine of a connection as its watcher is told of it, and the end of a reactor that has
// much in flight.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "fixture.hpp"

namespace myra::conformance {
namespace {

using enum connection_state;

/// Writes down the steps of each connection.
struct steps_seen : connection_watcher {
  void on_transition(const connection_handle& which, connection_state from,
                     connection_state to) noexcept override {
    EXPECT_TRUE(may_follow(from, to));
    std::vector<connection_state>& steps = of[which.id()];
    EXPECT_EQ(from, steps.empty() ? closed : steps.back()) << "a step was not told";
    steps.push_back(to);
  }
  [[nodiscard]] std::vector<connection_state> only() const {
    EXPECT_EQ(of.size(), 1U);
    return of.empty() ? std::vector<connection_state>() : of.begin()->second;
  }
  std::map<std::uint64_t, std::vector<connection_state>> of;
};

class state_case : public conformance_test {
 protected:
  using steps = std::vector<connection_state>;

  /// Listens with the watcher, has `what` done by a peer, and tells the steps of the connection.
  steps watched(record& seen, script what, listener_options options = {}) {
    options.connection.watcher = &watcher_;
    auto& at = listen(seen, options);
    auto peer = host().dial(at.local(), std::move(what));
    turn_until([&] { return seen.closes == 1; });
    finish(*peer);
    return watcher_.only();
  }

  steps_seen watcher_;
};

TEST_P(state_case, the_peer_ends_first) {
  record& seen = handler();  // which closes at the end of the stream
  EXPECT_EQ(watched(seen, {send("x"), half_close(), receive_to_end()}),
            (steps{open, receiving_closed, draining, closing, closed}));
}

TEST_P(state_case, we_end_first) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { peer.half_close(); };
  EXPECT_EQ(watched(seen, {receive_to_end(), close()}),
            (steps{open, sending_closed, closing, closed}));
}

TEST_P(state_case, both_ends_by_half_closes) {
  record& seen = handler();
  seen.when_ended = [](connection& peer) {
    EXPECT_EQ(peer.state(), receiving_closed);
    peer.half_close();
  };
  EXPECT_EQ(watched(seen, {half_close(), receive_to_end()}),
            (steps{open, receiving_closed, closing, closed}));
}

TEST_P(state_case, close) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { peer.close(); };
  EXPECT_EQ(watched(seen, {receive_to_end(), conformance::close()}),
            (steps{open, draining, closing, closed}));
}

TEST_P(state_case, abort) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { peer.abort(); };
  EXPECT_EQ(watched(seen, {receive_to_end()}), (steps{open, closing, closed}));
}

TEST_P(state_case, an_error) {
  record& seen = handler();
  EXPECT_EQ(watched(seen, {wait(30ms), conformance::reset()}), (steps{open, closing, closed}));
  EXPECT_EQ(seen.why, condition::disconnected);
}

TEST_P(state_case, a_deadline) {
  record& seen = handler();
  listener_options options;
  options.connection.idle_timeout = 40ms;
  EXPECT_EQ(watched(seen, {receive_to_end()}, options), (steps{open, closing, closed}));
}

TEST_P(state_case, a_connection_that_was_asked_for_is_watched_as_well) {
  record& seen = handler();
  auto& at = listen(seen);
  connect_options options;
  options.connection.watcher = &watcher_;
  {
    connection made = dial(at.local(), options);
    EXPECT_EQ(watcher_.only(), (steps{open}));
    EXPECT_TRUE(watcher_.of.contains(made.handle().id()));
  }
  turn_until([&] { return watcher_.only().back() == closed; });
  EXPECT_EQ(watcher_.only(), (steps{open, draining, closing, closed}));
  turn_until([&] { return seen.closes == 1; });
}

TEST_P(state_case, every_connection_of_a_drain_is_told_to_its_end) {
  record& seen = handler();
  echo(seen);
  listener_options options;
  options.connection.watcher = &watcher_;
  auto& at = listen(seen, options);
  auto crowd = host().dial_many(at.local(), 20, {send("x"), receive(1), receive_to_end()});
  turn_until([&] { return seen.messages == 20; });
  EXPECT_TRUE(on().drain(10s));
  finish(*crowd);
  EXPECT_EQ(watcher_.of.size(), 20U);
  for (const auto& [id, told] : watcher_.of) EXPECT_EQ(told.back(), closed) << id;
}

TEST_P(state_case, a_reactor_that_is_destroyed_tells_of_every_end) {
  record& seen = handler();
  listener_options options;
  options.connection.watcher = &watcher_;
  auto& at = listen(seen, options);
  auto crowd = host().dial_many(at.local(), 10, {send("x"), receive_to_end()});
  turn_until([&] { return seen.messages == 10; });
  close_listeners();
  destroy_reactor();
  crowd->finish();
  EXPECT_EQ(watcher_.of.size(), 10U);
  for (const auto& [id, told] : watcher_.of) EXPECT_EQ(told.back(), closed) << id;
}

TEST_P(state_case, a_reactor_destroyed_with_a_thousand_operations_in_flight) {
  constexpr std::size_t connections = 500;
  record& seen = handler();
  const std::string bytes = pattern(120'000);  // more than the sockets take
  seen.when_received = [&](connection& peer, message&) {
    EXPECT_EQ(peer.send_copy(as_bytes(bytes)), send_status::accepted);
  };
  listener_options options;
  options.connection.watcher = &watcher_;
  options.connection.send_buffer_bytes = 4096;
  auto& at = listen(seen, options);
  auto crowd = host().dial_many(at.local(), connections,
                                {small_window(), send("x"), wait(4ms), receive_to_end()});
  turn_until([&] { return seen.messages == connections; }, patient(30s));
  turn_for(5ms);
  close_listeners();
  destroy_reactor();
  EXPECT_EQ(seen.closes, seen.opens);
  const auto crowd_told = crowd->finish();
  EXPECT_TRUE(crowd_told.in_time);
  EXPECT_EQ(crowd_told.ends + crowd_told.resets, connections) << "a peer was left waiting";
  EXPECT_EQ(watcher_.of.size(), connections);
  for (const auto& [id, told] : watcher_.of) EXPECT_EQ(told.back(), closed) << id;
}

/// A child of this process that runs `sleep` until it is killed; what of ours it has inherited.
class other_program {
 public:
  other_program() : id_(::fork()) {
    if (id_ != 0) return;
    ::execlp("sleep", "sleep", "60", nullptr);
    ::_exit(127);
  }
  other_program(const other_program&) = delete;
  other_program& operator=(const other_program&) = delete;
  ~other_program() {
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  /// Waits until it is the other program; tells the sockets and rings among its descriptors.
  [[nodiscard]] std::vector<std::string> leaked() const {
    const std::filesystem::path self = "/proc/" + std::to_string(id_);
    const time_point limit = after(clock::now(), 10s);
    while (!name(self).starts_with("sleep") && clock::now() < limit) std::this_thread::yield();
    EXPECT_TRUE(name(self).starts_with("sleep"));
    std::vector<std::string> found;
    for (const auto& each : std::filesystem::directory_iterator(self / "fd")) {
      std::error_code gone;  // what its loader had open for a moment
      const std::string target = std::filesystem::read_symlink(each.path(), gone).string();
      if (target.starts_with("socket:") || target.starts_with("anon_inode:"))
        found.push_back(each.path().filename().string() + " is " + target);
    }
    return found;
  }

 private:
  static std::string name(const std::filesystem::path& process) {
    std::string line;
    std::getline(std::ifstream(process / "comm"), line);
    return line;
  }
  pid_t id_;
};

TEST_P(state_case, a_program_started_from_a_handler_has_none_of_our_descriptors) {
  // What this process was given itself is no leak of ours.
  std::vector<std::string> before = other_program().leaked();
  record& seen = handler();
  std::optional<other_program> child;
  std::vector<std::string> leaked;
  seen.when_received = [&](connection& peer, message&) {
    child.emplace();
    leaked = child->leaked();
    peer.close();
  };
  auto& at = listen(seen);
  // The peer sees the end although the child is still there.
  auto peer = host().dial(at.local(), {send("x"), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(leaked, before);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, state_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
