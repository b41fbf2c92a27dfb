// What a handler throws ends its own connection, is counted and logged, and is noticed by nobody
// else.
#include "fixture.hpp"

namespace myra::conformance {
namespace {

class throwing_case : public conformance_test {
 protected:
  /// Has `where` throw; a neighbour's echo must not notice.
  void throw_in(std::function<void(connection&)> record::* where) {
    record& seen = handler();
    if (where == &record::when_writable)
      seen.when_open = [](connection& peer) {
        while (peer.send_copy(as_bytes(pattern(50'000))) == send_status::accepted) continue;
      };
    seen.*where = [](connection&) { throw std::runtime_error("thrown on purpose"); };
    if (where == &record::when_writable) seen.when_ended = [](connection&) {};
    expect_only_that_one_ends(seen);
  }

  void expect_only_that_one_ends(record& seen) {
    record& neighbour = handler();
    echo(neighbour);
    auto& neighbour_at = listen(neighbour);
    auto beside = host().dial(neighbour_at.local(),
                              {send("a"), receive(1), wait(60ms), send("b"), receive(1)});
    turn_until([&] { return neighbour.messages == 1; });
    auto& at = listen(seen);
    auto peer = host().dial(at.local(), {send("x"), wait(10ms), half_close(), receive_to_end()});
    const auto told = finish(*peer);
    EXPECT_TRUE(told.saw_end || told.saw_reset);
    turn_until([&] { return seen.closes == 1; });
    EXPECT_EQ(seen.why, transport_errc::handler_threw);
    EXPECT_EQ(on().counters().handler_exceptions, 1U);
    EXPECT_TRUE(log().contain("on purpose"));
    EXPECT_EQ(finish(*beside).received, "ab");
    auto next = host().dial(neighbour_at.local(), {send("c"), receive(1)});
    EXPECT_EQ(finish(*next).received, "c");
  }
};

TEST_P(throwing_case, out_of_on_open) { throw_in(&record::when_open); }
TEST_P(throwing_case, out_of_on_end) { throw_in(&record::when_ended); }
TEST_P(throwing_case, out_of_on_writable) { throw_in(&record::when_writable); }

TEST_P(throwing_case, out_of_on_receive) {
  record& seen = handler();
  seen.when_received = [](connection&, message&) { throw std::runtime_error("thrown on purpose"); };
  expect_only_that_one_ends(seen);
  EXPECT_EQ(seen.messages, 1);
  EXPECT_EQ(seen.ends, 0);
}

TEST_P(throwing_case, out_of_on_receive_with_the_buffer_detached) {
  record& seen = handler();
  seen.when_received = [](connection&, message& bytes) {
    const buffer mine = bytes.detach();
    throw std::runtime_error("thrown on purpose");
  };
  expect_only_that_one_ends(seen);
}

TEST_P(throwing_case, out_of_on_close) {
  record& seen = handler();
  seen.when_closed = [](connection&) { throw std::runtime_error("thrown on purpose"); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  turn_until([&] { return on().counters().handler_exceptions == 1; });
  EXPECT_EQ(seen.closes, 1);
  EXPECT_TRUE(log().contain("on purpose"));
}

TEST_P(throwing_case, what_is_no_std_exception) {
  record& seen = handler();
  seen.when_open = [](connection&) { throw 42; };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end()});
  finish(*peer);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.why, transport_errc::handler_threw);
  EXPECT_TRUE(log().contain("not a std::exception"));
}

task<void> throws_after_a_message(connection peer) {
  const auto bytes = co_await peer.receive();
  throw std::runtime_error(bytes ? "coroutine, on purpose" : "nothing came");
}

TEST_P(throwing_case, out_of_a_coroutine) {
  auto& at = open_listener();
  at.serve(throws_after_a_message);
  auto peer = host().dial(at.local(), {send("x"), receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_TRUE(told.saw_end || told.saw_reset);
  EXPECT_EQ(on().counters().handler_exceptions, 1U);
  EXPECT_TRUE(log().contain("coroutine, on purpose"));
  auto second = host().dial(at.local(), {send("y"), receive_to_end()});
  finish(*second);
  EXPECT_EQ(on().counters().handler_exceptions, 2U);
}

task<void> throws_at_once(connection peer) {
  if (peer) throw std::runtime_error("before the first wait");
  co_return;
}

TEST_P(throwing_case, out_of_a_coroutine_before_its_first_wait) {
  auto& at = open_listener();
  at.serve(throws_at_once);
  auto crowd = host().dial_many(at.local(), 5, {receive_to_end()});
  const auto told = finish(*crowd);
  EXPECT_EQ(told.ends + told.resets, 5U);
  EXPECT_EQ(on().counters().handler_exceptions, 5U);
  turn_until([&] { return at.connection_count() == 0; });
}

TEST_P(throwing_case, by_a_hundred_connections_at_once) {
  record& seen = handler();
  seen.when_received = [](connection&, message&) { throw std::runtime_error("all of us"); };
  auto& at = listen(seen);
  auto crowd = host().dial_many(at.local(), 100, {send("x"), receive_to_end()});
  const auto told = finish(*crowd);
  EXPECT_EQ(told.ends + told.resets, 100U);
  turn_until([&] { return seen.closes == 100; });
  EXPECT_EQ(on().counters().handler_exceptions, 100U);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, throwing_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
