// Cancelling single operations at every step of their life, below the transport, on a reactor's own
// backend.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <type_traits>

#include "fixture.hpp"

namespace myra::conformance {
namespace {

/// An operation that writes down how it ends.
template <class Operation>
struct noted : Operation {
  explicit noted(int socket) : Operation(&noted::note) { this->descriptor = socket; }
  std::vector<int> results;
  std::vector<io::descriptor> sockets;  ///< That an accept has brought.
  std::string bytes;
  std::function<void()> then;

  [[nodiscard]] int last() const { return results.empty() ? 1 : results.back(); }

 private:
  static void note(io::operation& completed, io::completion& what) noexcept {
    auto& self = static_cast<noted&>(completed);
    self.results.push_back(what.result);
    if constexpr (std::is_same_v<Operation, io::accept_operation>)
      if (what.result >= 0) self.sockets.push_back(self.accepted(what));
    if (what.bytes) self.bytes += as_text(what.bytes.bytes());
    if (self.then) self.then();
  }
};

class cancelling_case : public conformance_test {
 protected:
  [[nodiscard]] io::backend& backend() { return on().internals().backend(); }
  [[nodiscard]] io::network& sockets() { return backend().sockets(); }

  void turn() { ASSERT_TRUE(on().internals().turn(time_point{})); }
  void until_idle(const io::operation& ended) {
    turn_until([&] { return ended.idle(); });
  }
  /// Submits, turns `steps` times, cancels, and waits for the end.
  void cancel_after(int steps, io::operation& unwanted) {
    backend().submit(unwanted);
    for (int i = 0; i < steps; ++i) turn();
    backend().cancel(unwanted);
    until_idle(unwanted);
  }

  void SetUp() override {
    conformance_test::SetUp();
    if (IsSkipped()) return;
    theirs = host().pair(sockets(), ours);
  }
  void TearDown() override {
    if (ours >= 0) sockets().close(ours);
    theirs.reset();
    conformance_test::TearDown();
  }
  /// A listening socket on 127.0.0.1.
  int listening(endpoint& at) {
    const int made = sockets().open(AF_INET, SOCK_STREAM, 0);
    const auto where = near();
    EXPECT_EQ(sockets().bind(made, where.address(), where.size()), 0);
    EXPECT_EQ(sockets().listen(made, 16), 0);
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    EXPECT_EQ(sockets().local_address(made, reinterpret_cast<sockaddr*>(&storage), &size), 0);
    at = endpoint::from_kernel(reinterpret_cast<const sockaddr*>(&storage), size);
    return made;
  }

  int ours = -1;
  std::unique_ptr<hand> theirs;
};

TEST_P(cancelling_case, a_receive_that_waits) {
  for (const bool multishot : {false, true})
    for (int steps = 0; steps < 4; ++steps) {
      noted<io::receive_operation> receive(ours);
      receive.multishot = multishot;
      cancel_after(steps, receive);
      EXPECT_EQ(receive.results, std::vector{-ECANCELED});
    }
}

TEST_P(cancelling_case, a_cancelled_receive_loses_no_bytes) {
  std::string all;
  for (int steps = 0; steps < 4; ++steps) {
    noted<io::receive_operation> receive(ours);
    backend().submit(receive);
    for (int i = 0; i < steps; ++i) turn();
    ASSERT_TRUE(theirs->send("ab"));
    backend().cancel(receive);
    until_idle(receive);
    all += receive.bytes;
  }
  noted<io::receive_operation> rest(ours);
  backend().submit(rest);
  turn_until([&] { return (all + rest.bytes).size() == 8; });
  EXPECT_EQ(all + rest.bytes, "abababab");
  backend().cancel(rest);
  until_idle(rest);
}

TEST_P(cancelling_case, a_receive_by_its_own_handler) {
  noted<io::receive_operation> receive(ours);
  receive.then = [&] { backend().cancel(receive); };
  ASSERT_TRUE(theirs->send("x"));
  backend().submit(receive);
  until_idle(receive);
  EXPECT_EQ(receive.bytes, "x");
  // A multishot receive ends with the cancel; one that has ended already is not told of it.
  EXPECT_TRUE(receive.last() == -ECANCELED || receive.results.size() == 1);
}

TEST_P(cancelling_case, twice_and_after_the_end_nothing_happens) {
  noted<io::receive_operation> receive(ours);
  backend().submit(receive);
  turn();
  backend().cancel(receive);
  backend().cancel(receive);
  until_idle(receive);
  backend().cancel(receive);
  for (int i = 0; i < 3; ++i) turn();
  EXPECT_EQ(receive.results, std::vector{-ECANCELED});
}

TEST_P(cancelling_case, the_same_operation_again_after_a_cancel) {
  noted<io::receive_operation> receive(ours);
  receive.multishot = false;
  for (int i = 0; i < 20; ++i) cancel_after(i % 3, receive);
  ASSERT_TRUE(theirs->send("fresh"));
  backend().submit(receive);
  until_idle(receive);
  EXPECT_EQ(receive.bytes, "fresh");
  EXPECT_EQ(receive.results.size(), 21U) << "a cancel was told twice or to a later submission";
}

TEST_P(cancelling_case, a_send_that_waits_for_room) {
  const auto bytes = pattern(4'000'000);
  for (int steps = 0; steps < 4; ++steps) {
    noted<io::send_operation> send(ours);
    send.data = as_bytes(bytes).data();
    send.size = static_cast<std::uint32_t>(bytes.size());
    cancel_after(steps, send);
    ASSERT_EQ(send.results.size(), 1U);
    // What had gone before the cancel is told, so that the owner knows where it stands.
    EXPECT_TRUE(send.last() == -ECANCELED || (send.last() > 0 && send.last() < 4'000'000))
        << send.last();
    std::string got;
    EXPECT_FALSE(theirs->receive(got));
    EXPECT_EQ(got.size(), static_cast<std::size_t>(std::max(send.last(), 0)));
    EXPECT_TRUE(bytes.starts_with(got));
  }
}

TEST_P(cancelling_case, an_accept_that_waits) {
  endpoint at;
  const int socket = listening(at);
  for (const bool multishot : {false, true})
    for (int steps = 0; steps < 3; ++steps) {
      noted<io::accept_operation> accept(socket);
      accept.multishot = multishot && on().internals().options().features.multishot_accept;
      cancel_after(steps, accept);
      EXPECT_EQ(accept.results, std::vector{-ECANCELED});
    }
  sockets().close(socket);
}

TEST_P(cancelling_case, an_accept_with_connections_waiting_loses_none) {
  endpoint at;
  const int socket = listening(at);
  auto crowd = host().dial_many(at, 6, {});
  EXPECT_EQ(crowd->finish().connections, 6U);
  std::vector<io::descriptor> accepted;
  const auto keep = [&](const noted<io::accept_operation>& from) {
    accepted.insert(accepted.end(), from.sockets.begin(), from.sockets.end());
  };
  for (int steps = 0; steps < 3; ++steps) {
    noted<io::accept_operation> accept(socket);
    accept.multishot = false;
    cancel_after(steps, accept);
    keep(accept);
  }
  while (accepted.size() < 6) {
    noted<io::accept_operation> accept(socket);
    accept.multishot = false;
    backend().submit(accept);
    until_idle(accept);
    ASSERT_GE(accept.last(), 0);
    keep(accept);
  }
  for (const io::descriptor each : accepted) sockets().close(each);
  sockets().close(socket);
}

TEST_P(cancelling_case, a_connect_that_hangs) {
  const auto to = host().silent(near());
  for (int steps = 0; steps < 4; ++steps) {
    noted<io::connect_operation> connect(sockets().open(AF_INET, SOCK_STREAM, 0));
    connect.address = to.address();
    connect.address_size = to.size();
    cancel_after(steps, connect);
    EXPECT_EQ(connect.results, std::vector{-ECANCELED}) << "after " << steps << " turns";
    sockets().close(connect.descriptor);
  }
}

TEST_P(cancelling_case, a_connect_to_a_full_unix_backlog) {
  const auto to =
      host().silent(endpoint::parse("unix:@myra-full-" + std::to_string(::getpid())).value());
  for (int steps = 0; steps < 4; ++steps) {
    noted<io::connect_operation> connect(sockets().open(AF_UNIX, SOCK_STREAM, 0));
    connect.address = to.address();
    connect.address_size = to.size();
    backend().submit(connect);
    for (int i = 0; i < steps; ++i) turn();
    if (steps == 3) turn_for(20ms);
    backend().cancel(connect);
    until_idle(connect);
    EXPECT_EQ(connect.results, std::vector{-ECANCELED}) << "after " << steps << " turns";
    sockets().close(connect.descriptor);
  }
}

TEST_P(cancelling_case, a_poll_that_waits) {
  for (const bool multishot : {false, true})
    for (int steps = 0; steps < 3; ++steps) {
      noted<io::poll_operation> poll(ours);
      poll.events = POLLIN;
      poll.multishot = multishot;
      cancel_after(steps, poll);
      EXPECT_EQ(poll.results, std::vector{-ECANCELED});
    }
}

TEST_P(cancelling_case, a_shutdown_and_a_close_complete_once_whatever_is_said) {
  noted<io::shutdown_operation> shutdown(ours);
  cancel_after(0, shutdown);
  ASSERT_EQ(shutdown.results.size(), 1U);
  EXPECT_TRUE(shutdown.last() == 0 || shutdown.last() == -ECANCELED);
  noted<io::close_operation> close(ours);
  cancel_after(1, close);
  ASSERT_EQ(close.results.size(), 1U);
  EXPECT_EQ(close.last(), 0);
  ours = -1;
}

TEST_P(cancelling_case, one_operation_leaves_the_other_direction_alone) {
  noted<io::receive_operation> receive(ours);
  backend().submit(receive);
  turn();
  const auto bytes = pattern(2'000'000);
  noted<io::send_operation> send(ours);
  send.data = as_bytes(bytes).data();
  send.size = static_cast<std::uint32_t>(bytes.size());
  backend().submit(send);
  turn();
  backend().cancel(send);
  until_idle(send);
  EXPECT_FALSE(receive.idle());
  ASSERT_TRUE(theirs->send("still"));
  turn_until([&] { return receive.bytes == "still"; });
  backend().cancel(receive);
  until_idle(receive);
}

TEST_P(cancelling_case, many_in_one_turn) {
  std::deque<noted<io::poll_operation>> polls;
  for (int i = 0; i < 300; ++i) {
    auto& poll = polls.emplace_back(::eventfd(0, EFD_CLOEXEC));
    poll.events = POLLIN;
    backend().submit(poll);
  }
  turn();
  for (auto& poll : polls) backend().cancel(poll);
  for (auto& poll : polls) until_idle(poll);
  for (auto& poll : polls) {
    EXPECT_EQ(poll.results, std::vector{-ECANCELED});
    ::close(poll.descriptor.number());
  }
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, cancelling_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
