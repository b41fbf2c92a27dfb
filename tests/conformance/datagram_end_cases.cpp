// How a datagram socket begins and ends: options, close, abort, drain, and an owner that is gone.
#include <unistd.h>

#include "datagram_fixture.hpp"

namespace myra::conformance {
namespace {

class datagram_life_case : public datagram_case {};

TEST_P(datagram_life_case, close_sends_what_is_queued) {
  mail& sender = letters();
  auto& from = open(sender);
  mail& seen = letters();
  auto& to = open(seen);
  for (int i = 0; i < 100; ++i) from.send_copy(as_bytes(std::to_string(i)), to.local());
  from.close();
  EXPECT_EQ(from.state(), datagram_state::draining);
  EXPECT_EQ(from.send_copy(as_bytes("late"), to.local()), send_status::closed);
  turn_until([&] { return sender.closes == 1 && seen.received.size() == 100; });
  EXPECT_EQ(from.state(), datagram_state::closed);
  EXPECT_EQ(from.queued_count(), 0U);
  EXPECT_FALSE(from.kernel_drop_count());
}

TEST_P(datagram_life_case, abort_drops_what_is_queued) {
  mail& sender = letters();
  auto& from = open(sender);
  mail& seen = letters();
  auto& to = open(seen);
  for (int i = 0; i < 100; ++i) from.send_copy(as_bytes(std::to_string(i)), to.local());
  from.abort();
  turn_until([&] { return sender.closes == 1; });
  turn_for(5ms);
  EXPECT_TRUE(seen.received.empty());
}

TEST_P(datagram_life_case, closed_by_its_handler_with_more_on_the_way) {
  mail& seen = letters();
  seen.when_received = [](datagram_socket& on, lent_datagram& came) {
    on.send_copy(came.bytes(), came.peer());
    on.close();
  };
  auto& to = open(seen);
  mail& sender = letters();
  auto& from = open(sender);
  for (int i = 0; i < 50; ++i) from.send_copy(as_bytes(std::to_string(i)), to.local());
  turn_until([&] { return seen.closes == 1 && sender.received.size() == 1; });
  EXPECT_EQ(seen.received.size(), 1U) << "nothing is received after close()";
}

TEST_P(datagram_life_case, destroyed_by_its_own_handler) {
  mail& seen = letters();
  auto& to = open(seen);
  seen.when_received = [&](datagram_socket&, lent_datagram&) { destroy(to); };
  auto& from = open();
  for (int i = 0; i < 10; ++i) from.send_copy(as_bytes("x"), to.local());
  turn_until([&] { return seen.received.size() == 1; });
  turn_for(10ms);
  EXPECT_EQ(seen.received.size(), 1U);
  EXPECT_EQ(seen.closes, 0) << "called after its owner destroyed it";
}

TEST_P(datagram_life_case, destroyed_when_it_is_closed) {
  mail& seen = letters();
  auto& to = open(seen);
  bool gone = false;
  seen.when_closed = [&](datagram_socket&) {
    destroy(to);
    gone = true;
  };
  to.close();
  turn_until([&] { return gone; });
  turn_for(5ms);
}

TEST_P(datagram_life_case, an_owner_that_is_gone_still_sends_what_it_queued) {
  mail& seen = letters();
  auto& to = open(seen);
  {
    datagram_options near_by;
    near_by.address = near().to_string();
    auto brief = datagram_socket::open(on(), near_by);
    ASSERT_TRUE(brief);
    for (int i = 0; i < 20; ++i) brief->send_copy(as_bytes(std::to_string(i)), to.local());
  }
  turn_until([&] { return seen.received.size() == 20; });
}

TEST_P(datagram_life_case, a_drain_delivers_answers_and_closes) {
  mail& server = letters();
  server.when_received = [](datagram_socket& on, lent_datagram& came) {
    on.send_copy(came.bytes(), came.peer());
  };
  auto& at = open(server);
  mail& client = letters();
  client.when_drained = [](datagram_socket&) {};  // goes on, until it has its answers
  client.when_received = [&](datagram_socket& on, lent_datagram&) {
    if (client.received.size() == 5) on.drain();
  };
  auto& from = open(client);
  for (int i = 0; i < 5; ++i) from.send_copy(as_bytes(std::to_string(i)), at.local());
  turn_until([&] { return server.received.size() == 5; });
  EXPECT_TRUE(on().drain(patient(5s)));
  EXPECT_EQ(server.closes, 1);
  EXPECT_EQ(client.closes, 1);
  EXPECT_EQ(client.received.size(), 5U);
  EXPECT_EQ(at.state(), datagram_state::closed);
}

TEST_P(datagram_life_case, a_drain_cuts_what_does_not_end) {
  mail& stubborn = letters();
  stubborn.when_drained = [](datagram_socket&) {};
  auto& at = open(stubborn);
  EXPECT_FALSE(on().drain(30ms));
  EXPECT_TRUE(log().contain("what was still open at the drain's deadline is cut (30 ms)"));
  turn_until([&] { return stubborn.closes == 1; });
  EXPECT_EQ(at.state(), datagram_state::closed);
}

task<> serve(datagram_socket socket, int& answered, std::error_code& why) {
  for (;;) {
    auto came = co_await socket.receive();
    if (!came) {
      why = came.error();
      co_return;
    }
    if (co_await socket.send(std::move(came->bytes), came->peer)) ++answered;
  }
}

TEST_P(datagram_life_case, a_drain_ends_a_coroutine) {
  datagram_options near_by;
  near_by.address = near().to_string();
  auto made = datagram_socket::open(on(), near_by);
  ASSERT_TRUE(made);
  const endpoint at = made->local();
  int answered = 0;
  std::error_code why;
  spawn(on(), serve(std::move(*made), answered, why));
  mail& client = letters();
  auto& from = open(client);
  for (int i = 0; i < 5; ++i) from.send_copy(as_bytes(std::to_string(i)), at);
  turn_until([&] { return client.received.size() == 5; });
  EXPECT_TRUE(on().drain(patient(5s)));
  EXPECT_EQ(answered, 5);
  EXPECT_EQ(why, transport_errc::closed);
}

TEST_P(datagram_life_case, closed_with_everything_in_flight) {
  std::vector<mail*> all;
  std::vector<datagram_socket*> sockets;
  for (int i = 0; i < 10; ++i) {
    all.push_back(&letters());
    all.back()->when_received = [](datagram_socket& on, lent_datagram& came) {
      on.send_copy(came.bytes(), came.peer());
    };
    sockets.push_back(&open(*all.back()));
  }
  for (datagram_socket* each : sockets)
    for (datagram_socket* other : sockets)
      for (int i = 0; i < 5; ++i) each->send_copy(as_bytes("to and fro"), other->local());
  turn_for(10ms);
  for (std::size_t i = 0; i < sockets.size(); ++i)
    (i % 2 == 0) ? sockets[i]->close() : sockets[i]->abort();
  turn_until([&] {
    return std::all_of(all.begin(), all.end(), [](const mail* each) { return each->closes == 1; });
  });
}

TEST_P(datagram_life_case, a_port_is_shared_only_when_asked) {
  mail& seen = letters();
  datagram_options sharing;
  sharing.reuse_port = true;
  auto& first = open(seen, sharing);
  datagram_options same;
  same.address = first.local().to_string();
  const auto refused = datagram_socket::open(on(), same);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, std::errc::address_in_use);
  EXPECT_NE(refused.error().what.find(same.address), std::string::npos);
  same.reuse_port = true;
  EXPECT_EQ(open(seen, same).local(), first.local());
}

TEST_P(datagram_life_case, a_socket_that_somebody_else_bound) {
  if (simulated()) GTEST_SKIP() << "descriptors of the process are not the simulated machine's";
  const endpoint where = near();
  const int socket = ::socket(where.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(socket, where.address(), where.size()), 0);
  datagram_options inherited;
  inherited.inherited_descriptor = socket;
  mail& seen = letters();
  auto& to = open(seen, inherited);
  EXPECT_NE(to.local().port(), 0);
  send_raw(to, "hello");
  turn_until([&] { return seen.received.size() == 1; });
}

TEST_P(datagram_life_case, a_socket_of_another_kind_is_refused) {
  if (simulated()) GTEST_SKIP() << "descriptors of the process are not the simulated machine's";
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  datagram_options inherited;
  inherited.inherited_descriptor = socket;
  const auto refused = datagram_socket::open(on(), inherited);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("no UDP socket"), std::string::npos);
  ::close(socket);
}

TEST_P(datagram_life_case, options_out_of_bounds_are_refused_by_name) {
  const auto complaint = [&](auto change) {
    datagram_options wrong;
    wrong.address = near().to_string();
    change(wrong);
    const auto refused = datagram_socket::open(on(), wrong);
    return refused ? std::string() : refused.error().what;
  };
  using options = datagram_options;
  const auto names = [](const std::string& text, const char* field) {
    return text.find(std::string("datagram.") + field) != std::string::npos;
  };
  EXPECT_TRUE(names(complaint([](options& o) { o.address.clear(); }), "address"));
  EXPECT_TRUE(names(complaint([](options& o) { o.address = "unix:@x"; }), "address"));
  EXPECT_TRUE(names(complaint([](options& o) { o.peer = "unix:@x"; }), "peer"));
  EXPECT_TRUE(names(complaint([](options& o) { o.send_buffer_bytes = -1; }), "send_buffer_bytes"));
  EXPECT_TRUE(
      names(complaint([](options& o) { o.receive_buffer_bytes = -1; }), "receive_buffer_bytes"));
  EXPECT_TRUE(names(complaint([](options& o) { o.send_queue_max = 0; }), "send_queue_max"));
  EXPECT_TRUE(names(complaint([](options& o) { o.send_queue_low = 256; }), "send_queue_low"));
  EXPECT_TRUE(names(complaint([](options& o) { o.receive_queue_max = 0; }), "receive_queue_max"));
  EXPECT_TRUE(names(complaint([](options& o) { o.linger_timeout = -1s; }), "linger_timeout"));
  EXPECT_NE(complaint([](options& o) { o.address = "nonsense"; }), "");
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, datagram_life_case, testing::ValuesIn(datagram_variants()),
                         name_of);

}  // namespace myra::conformance
