#include "myra/reactor/chain.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <filesystem>
#include <fstream>

#include "myra/reactor/async.hpp"
#include "myra/reactor/chain_async.hpp"
#include "myra/reactor/chain_fixture_test.hpp"

namespace myra::chain_cases {
namespace {

class chains_over_tcp : public chains {
 protected:
  void SetUp() override {
    chains::SetUp();
    if (IsSkipped()) return;
    listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(listening, address(), sizeof at), 0);
    socklen_t size = sizeof at;
    ASSERT_EQ(::getsockname(listening, address(), &size), 0);
    connecting = sockets().open(AF_INET, SOCK_STREAM, 0);
  }
  void TearDown() override {
    if (connecting >= 0) sockets().close(connecting);
    ::close(listening);
    chains::TearDown();
  }
  sockaddr* address() { return reinterpret_cast<sockaddr*>(&at); }

  int listening = -1;
  int connecting = -1;
  sockaddr_in at{};
};

TEST_P(chains_over_tcp, connects_sends_and_receives) {
  ASSERT_EQ(::listen(listening, 1), 0);
  operation_chain chain(on().internals());
  chain.connect(connecting, address(), sizeof at).send(connecting, as_bytes("hello"));
  chain.receive(connecting).shutdown(connecting).with_deadline(10s);
  begin(chain);
  turn_until([&, tried = 0]() mutable { return ++tried > 3; });
  const int accepted = ::accept(listening, nullptr, nullptr);
  ASSERT_GE(accepted, 0);
  std::string got(5, '\0');
  // Where nothing is linked it takes as many turns as it takes.
  turn_until([&] { return ::recv(accepted, got.data(), got.size(), MSG_DONTWAIT) == 5; });
  EXPECT_EQ(got, "hello");
  EXPECT_EQ(::send(accepted, "you", 3, 0), 3);
  EXPECT_EQ(finish(), (results{0, 5, 3, 0}));
  EXPECT_EQ(bytes, "you");
  EXPECT_EQ(::recv(accepted, got.data(), got.size(), 0), 0);
  using enum io::operation_kind;
  EXPECT_EQ(kinds, (std::vector{connect, send, receive, shutdown}));
  ::close(accepted);
}

TEST_P(chains_over_tcp, a_refused_connect_sends_nothing) {
  for (const auto kind : {deadline_kind::timer, deadline_kind::linked}) {
    reports = 0;
    told.clear();
    const int fresh = sockets().open(AF_INET, SOCK_STREAM, 0);
    operation_chain chain(on().internals());
    chain.connect(fresh, address(), sizeof at).send(fresh, as_bytes("hello"));
    chain.with_deadline(10s, kind);
    EXPECT_EQ(run(chain), (results{-ECONNREFUSED, -ECANCELED}));
    sockets().close(fresh);
  }
}

TEST_P(chains_over_tcp, a_refused_connect_closes_its_socket_whatever_happens) {
  operation_chain chain(on().internals());
  chain.connect(connecting, address(), sizeof at).whatever_happens().close(connecting);
  EXPECT_EQ(run(chain), (results{-ECONNREFUSED, 0}));
  EXPECT_EQ(::close(connecting), -1);
  connecting = -1;
}

TEST_P(chains, a_step_that_fails_ends_those_behind_it) {
  for (std::size_t broken = 0; broken < 6; ++broken) {
    reports = 0;
    told.clear();
    operation_chain chain(on().internals());
    sends(chain, 6, broken);
    results expected(6, -ECANCELED);
    std::fill_n(expected.begin(), broken, 1);
    expected[broken] = -EBADF;
    EXPECT_EQ(run(chain), expected);
    EXPECT_EQ(read_theirs(), letters.substr(0, broken));
  }
}

TEST_P(chains, a_hard_link_goes_on_and_only_that) {
  operation_chain chain(on().internals());
  chain.send(nobody, as_bytes("a")).whatever_happens().send(ours, as_bytes("b"));
  chain.send(nobody, as_bytes("c")).send(ours, as_bytes("d")).whatever_happens();
  chain.send(ours, as_bytes("e"));
  EXPECT_EQ(run(chain), (results{-EBADF, 1, -EBADF, -ECANCELED, -ECANCELED}));
  EXPECT_EQ(read_theirs(), "b");
}

TEST_P(chains, a_short_receive_and_the_end_of_the_stream_break_no_link) {
  ASSERT_EQ(::send(theirs, "x", 1, 0), 1);
  operation_chain first(on().internals());
  first.receive(ours).send(ours, as_bytes("after x"));
  EXPECT_EQ(run(first), (results{1, 7}));
  EXPECT_EQ(bytes, "x");
  EXPECT_EQ(read_theirs(), "after x");
  ::shutdown(theirs, SHUT_WR);
  reports = 0;
  told.clear();
  operation_chain second(on().internals());
  second.receive(ours).send(ours, as_bytes("after the end"));
  EXPECT_EQ(run(second), (results{0, 13}));
}

TEST_P(chains, cancelled_at_each_step) {
  for (std::size_t waiting = 0; waiting < 3; ++waiting)
    for (int turns = 0; turns < 3; ++turns) {
      reports = 0;
      told.clear();
      operation_chain chain(on().internals());
      for (std::size_t i = 0; i < 3; ++i)
        i == waiting ? chain.receive(ours) : chain.send(ours, as_bytes(letters).first(1));
      begin(chain);
      // Where steps are begun one by one, as many turns are needed to come to the one that waits.
      const int needed = turns == 0 ? 0 : turns + 2 * static_cast<int>(waiting);
      for (int i = 0; i < needed; ++i) ASSERT_TRUE(on().run_once(1ms));
      chain.cancel();
      chain.cancel();
      const results ended = finish();
      ASSERT_EQ(ended.size(), 3U);
      EXPECT_FALSE(chain.running());
      EXPECT_EQ(ended[2], -ECANCELED);
      if (turns != 0) {
        EXPECT_EQ(ended[waiting], -ECANCELED) << waiting << " after " << turns;
      }
      for (std::size_t i = 0; turns != 0 && i < waiting; ++i) EXPECT_EQ(ended[i], 1);
      EXPECT_EQ(std::ranges::count(ended, 1), static_cast<std::ptrdiff_t>(read_theirs().size()));
    }
}

struct waiting_receive : io::receive_operation {
  waiting_receive() : receive_operation(&waiting_receive::note) {}
  static void note(io::operation& completed, io::completion& what) noexcept {
    static_cast<waiting_receive&>(completed).result = what.result;
  }
  int result = 1;
};

TEST_P(chains, cancels_an_operation_and_then_closes) {
  for (const bool armed : {true, false}) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ASSERT_GE(sockets().adopt(ends[0]), 0);
    reports = 0;
    told.clear();
    waiting_receive receive;
    receive.descriptor = ends[0];
    if (armed) {
      backend().submit(receive);
      ASSERT_TRUE(on().run_once(1ms));
    }
    operation_chain chain(on().internals());
    chain.cancel(receive).whatever_happens().close(ends[0]);
    EXPECT_EQ(run(chain), (results{armed ? 0 : -ENOENT, 0}));
    turn_until([&] { return receive.idle(); });
    EXPECT_EQ(receive.result, armed ? -ECANCELED : 1);
    char byte;
    EXPECT_EQ(::recv(ends[1], &byte, 1, 0), 0) << "the peer sees the end";
    ::close(ends[1]);
  }
}

TEST_P(chains, as_long_as_the_queue_and_no_longer) {
  const std::size_t most = links() ? backend().chain_length_max() : 64;
  const std::string many(most, 'm');
  operation_chain longest(on().internals());
  for (std::size_t i = 0; i < most; ++i) longest.send(ours, as_bytes(many).subspan(i, 1));
  begin(longest);
  std::string came;
  turn_until([&] {
    came += read_theirs();
    return reports == 1;
  });
  EXPECT_EQ(told, results(most, 1));
  EXPECT_EQ(came + read_theirs(), many);
  if (!links()) return;
  for (const auto kind : {deadline_kind::timer, deadline_kind::linked}) {
    operation_chain longer(on().internals());
    const std::size_t count = kind == deadline_kind::timer ? most + 1 : most / 2 + 1;
    for (std::size_t i = 0; i < count; ++i) longer.send(ours, as_bytes(letters).first(1));
    auto refused = longer.with_deadline(1s, kind).start([](std::span<step_report>) noexcept {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, condition::invalid);
    EXPECT_NE(refused.error().what.find(std::to_string(most)), std::string::npos);
  }
}

TEST_P(chains, without_a_step_it_is_refused) {
  operation_chain empty(on().internals());
  auto refused = empty.start([](std::span<step_report>) noexcept {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, condition::invalid);
}

struct quiet_poll : io::poll_operation {
  quiet_poll() : poll_operation([](io::operation&, io::completion&) noexcept {}) {}
};

TEST_P(chains, is_not_split_by_a_queue_that_is_nearly_full) {
  const std::size_t room = links() ? std::min<std::size_t>(backend().chain_length_max(), 64) : 8;
  const std::size_t most = backend().chain_length_max();
  for (std::size_t taken = 0; taken <= room; ++taken) {
    ASSERT_TRUE(on().run_once(0ms));
    std::deque<quiet_poll> polls;
    const std::size_t others = links() ? most - room + taken : taken;
    for (std::size_t i = 0; i < others; ++i) {
      polls.emplace_back().descriptor = ours;
      polls.back().events = POLLIN;
      backend().submit(polls.back());
    }
    reports = 0;
    told.clear();
    operation_chain chain(on().internals());
    sends(chain, room, 0);  // if it were split, what comes after the split would run
    results expected(room, -ECANCELED);
    expected[0] = -EBADF;
    EXPECT_EQ(run(chain), expected) << "behind " << others << " others";
    EXPECT_EQ(read_theirs(), "");
    for (auto& each : polls) backend().cancel(each);
    turn_until([&] { return std::ranges::all_of(polls, &io::operation::idle); });
  }
}

std::ptrdiff_t polling_threads() {
  return std::ranges::count_if(std::filesystem::directory_iterator("/proc/self/task"),
                               [](const auto& each) {
                                 std::string name;
                                 std::ifstream(each.path() / "comm") >> name;
                                 return name.starts_with("iou-sqp-");
                               });
}

// The kernel takes eight entries at a time from each ring of a thread that serves several.
TEST_P(chains, is_not_split_where_rings_share_a_polling_thread) {
  if (!GetParam().polled) {
    EXPECT_EQ(on().ring_descriptor() >= 0, GetParam().backend == io::backend_kind::uring);
    return;
  }
  reactor_options options;
  options.backend = io::backend_kind::uring;
  options.ring.submission_polling = {.on = true, .idle = 5ms};
  options.ring.submission_polling.share_with = on().ring_descriptor();
  auto other = reactor::open(options);
  ASSERT_TRUE(other) << describe(other.error());
  // Those of rings that were closed before go a moment later.
  turn_until([] { return polling_threads() == 1; });
  operation_chain chain(on().internals());
  sends(chain, 40, 0);
  results expected(40, -ECANCELED);
  expected[0] = -EBADF;
  EXPECT_EQ(run(chain), expected);
  EXPECT_EQ(read_theirs(), "");
}

task<opened<std::vector<step_report>>> greet(reactor& at, int socket) {
  co_return co_await at.chain().send(socket, as_bytes("co")).send(socket, as_bytes("routine"));
}

TEST_P(chains, is_awaited) {
  auto steps = myra::run(on(), greet(on(), ours));
  ASSERT_TRUE(steps);
  ASSERT_EQ(steps->size(), 2U);
  EXPECT_EQ((*steps)[1].result, 7);
  EXPECT_EQ(read_theirs(), "coroutine");
}

task<void> wait_for_ever(reactor& at, int socket, std::vector<step_report>& told) {
  auto steps = co_await at.chain().receive(socket).send(socket, as_bytes("x"));
  if (steps) told = std::move(*steps);
}

TEST_P(chains, an_awaited_one_ends_with_its_scope) {
  std::vector<step_report> steps;
  cancellation scope;
  auto waiting = wait_for_ever(on(), ours, steps);
  waiting.start(&scope);
  ASSERT_TRUE(on().run_once(1ms));
  scope.request();
  turn_until([&] { return waiting.done(); });
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].result, -ECANCELED);
  EXPECT_EQ(steps[1].result, -ECANCELED);
  auto late = wait_for_ever(on(), ours, steps);
  steps.clear();
  late.start(&scope);
  EXPECT_TRUE(late.done()) << "a scope that was cancelled begins nothing";
  EXPECT_TRUE(steps.empty());
}

INSTANTIATE_TEST_SUITE_P(reactor, chains, testing::ValuesIn(engines), name_of);
INSTANTIATE_TEST_SUITE_P(reactor, chains_over_tcp, testing::ValuesIn(engines), name_of);

}  // namespace
}  // namespace myra::chain_cases
