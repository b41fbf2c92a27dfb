// Zero-copy sends: a result, and later the word that the kernel has let go of the bytes.
//
// Loopback copies what arrives and so lets go at once. Where a test wants to say when, it works in
// a network of its own and takes the interface down.
#include <array>
#include <deque>
#include <thread>

#include "myra/io/backend_fixture_test.hpp"
#include "myra/io/locked_memory_test.hpp"
#include "myra/io/own_network_test.hpp"
#include "myra/io/uring/uring_backend.hpp"

namespace myra::io {
namespace {

backend_maker with(std::string name, const uring_options& options) {
  return {std::move(name), [options](buffer_pool& pool) -> opened<std::unique_ptr<backend>> {
            auto made = uring_backend::open(options, pool);
            if (!made) return std::unexpected(std::move(made.error()));
            if (!(*made)->zero_copy_sends())
              return report(std::make_error_code(std::errc::not_supported),
                            "zero-copy sends: " + (*made)->copy_free().absence());
            return std::unique_ptr<backend>(std::move(*made));
          }};
}

std::vector<backend_maker> makers() {
  uring_options plain;
  plain.receive_buffer_count = 16;
  uring_options registered = plain;
  registered.registered_buffers = true;
  uring_options restricted = registered;
  restricted.ring.sockets_only = true;
  uring_options polled = registered;
  polled.ring.submission_polling = {.on = true, .idle = 20ms};
  uring_options prompt = plain;
  prompt.features.deferred_task_run = false;
  return {with("plain", plain), with("registered", registered), with("sockets_only", restricted),
          with("submission_polling", polled), with("without_deferred_task_run", prompt)};
}

/// More than two sockets with small buffers hold. Linux 6.1 charges each try of a send anew to what
/// an ordinary user may lock (8 MiB), and ends the send when that is used up.
constexpr std::size_t too_much = 256 * 1024;

struct recorded_zero_copy : recorded<zero_copy_send_operation> {
  recorded_zero_copy(int socket, const std::string& text)
      : recorded<zero_copy_send_operation>(socket) {
    data = data_of(text);
    size = static_cast<std::uint32_t>(text.size());
  }
  /// The result has been told, and the kernel holds the bytes.
  [[nodiscard]] bool held() const { return outcomes.size() == 1 && outcomes[0].more && !idle(); }
  [[nodiscard]] int result() const { return outcomes.empty() ? INT_MIN : outcomes[0].result; }
};

class zero_copy_test : public backend_test {
 protected:
  [[nodiscard]] zero_copy const& capability() const {
    return static_cast<uring_backend&>(*engine).copy_free();
  }
  static void expect_notified(const recorded_zero_copy& send) {
    ASSERT_EQ(send.outcomes.size(), 2U);
    EXPECT_TRUE(send.outcomes[0].more);
    EXPECT_FALSE(send.outcomes[0].notification);
    EXPECT_TRUE(send.outcomes[1].notification);
    EXPECT_FALSE(send.outcomes[1].more);
  }
  void finish(recorded_zero_copy& send) {
    ASSERT_TRUE(until([&] { return send.ended(); }));
  }
  [[nodiscard]] std::string read(peer& from, std::size_t size) {
    std::string got;
    EXPECT_TRUE(until([&] {
      got += from.read();
      return got.size() >= size;
    })) << got.size();
    return got;
  }
  /// Until the socket takes nothing for a while, as late acknowledgements make room.
  static void fill(int socket, const std::string& text) {
    constexpr duration pause = 20ms;
    const duration quiet_enough = patient(100ms);
    const time_point limit = clock::now() + patient(5s);
    for (duration quiet{}; quiet < quiet_enough; quiet += pause) {
      ASSERT_LT(clock::now(), limit) << "there is always room";
      while (::send(socket, text.data(), text.size(), MSG_DONTWAIT) > 0) quiet = {};
      std::this_thread::sleep_for(pause);
    }
  }
  buffer filled(const std::string& text) {
    buffer made = pool->acquire();
    made.resize(static_cast<std::uint32_t>(text.size()));
    std::memcpy(made.writable().data(), text.data(), text.size());
    return made;
  }
};

TEST_P(zero_copy_test, a_send_has_a_result_and_a_notification) {
  auto [socket, other] = tcp_pair();
  const std::string text = pattern(100'000);
  recorded_zero_copy send(socket, text);
  submit(send);
  EXPECT_TRUE(read(other, text.size()) == text);
  finish(send);
  expect_notified(send);
  EXPECT_EQ(send.result(), 100'000);
  EXPECT_TRUE(send.outcomes[1].copied) << "loopback copies";
}

TEST_P(zero_copy_test, a_vector_has_too) {
  auto [socket, other] = tcp_pair();
  const std::string text = pattern(60'000);
  std::array<iovec, 3> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i)
    parts[i] = {const_cast<char*>(text.data()) + i * 20'000, 20'000};
  msghdr vector{};
  vector.msg_iov = parts.data();
  vector.msg_iovlen = parts.size();
  recorded_zero_copy send(socket, text);
  send.vector = &vector;
  submit(send);
  EXPECT_TRUE(read(other, text.size()) == text);
  finish(send);
  expect_notified(send);
  EXPECT_EQ(send.result(), 60'000);
}

TEST_P(zero_copy_test, from_the_pool_one_buffer_and_several) {
  auto [socket, other] = tcp_pair();
  const std::string text = pattern(4000);
  buffer first = filled(text);
  buffer second = filled(text);
  recorded_zero_copy send(socket, text);
  send.data = first.bytes().data();
  send.region = 0;
  submit(send);
  finish(send);
  expect_notified(send);
  EXPECT_EQ(send.result(), 4000);
  std::array<iovec, 2> parts = {
      {{first.writable().data(), 4000}, {second.writable().data(), 4000}}};
  msghdr vector{};
  vector.msg_iov = parts.data();
  vector.msg_iovlen = parts.size();
  send.outcomes.clear();
  send.vector = &vector;
  send.size = 8000;
  submit(send);
  finish(send);
  expect_notified(send);
  EXPECT_EQ(send.result(), 8000);
  EXPECT_TRUE(read(other, 12'000) == text + text + text);
}

TEST_P(zero_copy_test, short_sends_are_continued) {
  auto [socket, other] = tcp_pair();
  set_send_buffer(socket, 4096);
  const std::string text = pattern(too_much);
  recorded_zero_copy send(socket, text);
  submit(send);
  EXPECT_TRUE(read(other, text.size()) == text);
  finish(send);
  expect_notified(send);
  EXPECT_EQ(send.result(), static_cast<int>(too_much));
}

TEST_P(zero_copy_test, the_next_send_need_not_wait_for_the_notification) {
  auto [socket, other] = tcp_pair();
  std::deque<recorded_zero_copy> sends;
  std::string all;
  const std::string text = pattern(10'000);
  std::string got;
  for (int i = 0; i < 50; ++i) {
    sends.emplace_back(socket, text);
    submit(sends.back());
    all += text;
    ASSERT_TRUE(until([&] {
      got += other.read();
      return !sends.back().outcomes.empty();
    }));
  }
  got += read(other, all.size() - got.size());
  EXPECT_TRUE(got == all);
  for (recorded_zero_copy& each : sends) {
    finish(each);
    expect_notified(each);
    EXPECT_EQ(each.result(), 10'000);
  }
}

TEST_P(zero_copy_test, after_a_reset_there_is_an_error_and_nothing_is_held) {
  auto [socket, other] = tcp_pair();
  other.reset();
  await_hang_up(socket);
  const std::string text = pattern(50'000);
  for (const int expected : {-ECONNRESET, -EPIPE}) {
    recorded_zero_copy send(socket, text);
    submit(send);
    finish(send);
    EXPECT_EQ(send.result(), expected);
    EXPECT_EQ(send.outcomes.size(), send.outcomes[0].more ? 2U : 1U);
  }
}

TEST_P(zero_copy_test, an_error_in_the_middle_gives_the_count_before_it) {
  auto [socket, other] = tcp_pair(4096);
  set_send_buffer(socket, 4096);
  const std::string text = pattern(too_much);
  recorded_zero_copy send(socket, text);
  submit(send);
  std::size_t got = 0;
  ASSERT_TRUE(until([&] {
    got += other.read(1000).size();
    return got > 10'000;  // some 2 kB for each delayed acknowledgement
  }));
  EXPECT_TRUE(send.outcomes.empty());
  other.reset();
  finish(send);
  expect_notified(send);
  EXPECT_GE(send.result(), static_cast<int>(got));
  EXPECT_LT(send.result(), static_cast<int>(text.size()));
}

TEST_P(zero_copy_test, cancelled_in_the_middle_it_gives_the_count_that_went) {
  auto [socket, other] = tcp_pair(4096);
  set_send_buffer(socket, 4096);
  const std::string text = pattern(too_much);
  recorded_zero_copy send(socket, text);
  submit(send);
  idle_turns();
  ASSERT_TRUE(send.outcomes.empty());
  engine->cancel(send);
  ASSERT_TRUE(until([&] { return !send.outcomes.empty(); }));
  const auto sent = static_cast<std::size_t>(send.result());
  ASSERT_GT(send.result(), 0);
  ASSERT_LT(sent, text.size());
  EXPECT_TRUE(read(other, sent) == text.substr(0, sent));
  finish(send);
  expect_notified(send);
  recorded_zero_copy rest(socket, text);
  rest.data += sent;
  rest.size = 5;
  submit(rest);
  EXPECT_EQ(read(other, 5), text.substr(sent, 5));
  finish(rest);
}

TEST_P(zero_copy_test, cancelled_before_anything_went) {
  auto [socket, other] = tcp_pair(4096);
  const std::string text = pattern(too_much);
  fill(socket, text);
  recorded_zero_copy send(socket, text);
  submit(send);
  idle_turns();
  ASSERT_TRUE(send.outcomes.empty());
  stop(send);
  EXPECT_EQ(send.result(), -ECANCELED);
}

TEST_P(zero_copy_test, a_unix_socket_refuses_and_stays_usable) {
  auto [socket, other] = unix_pair();
  const std::string text = "not without a copy";
  recorded_zero_copy refused(socket, text);
  submit(refused);
  finish(refused);
  EXPECT_EQ(refused.result(), -EOPNOTSUPP);
  recorded<send_operation> send(socket);
  send.data = data_of(text);
  send.size = static_cast<std::uint32_t>(text.size());
  EXPECT_EQ(run(send), static_cast<int>(text.size()));
  EXPECT_EQ(other.read(), text);
}

TEST_P(zero_copy_test, on_no_socket_it_is_an_error) {
  const std::string text = "nobody";
  recorded_zero_copy send(-1, text);
  submit(send);
  finish(send);
  EXPECT_EQ(send.result(), -EBADF);
}

TEST_P(zero_copy_test, what_comes_to_the_pool_later_is_used_as_well) {
  pool_options options;
  options.slot_size_bytes = slot_size;
  options.slot_count_initial = 64;
  options.slot_count_max = 256;
  auto growing = buffer_pool::open(options);
  ASSERT_TRUE(growing);
  auto made = GetParam().open(**growing);
  ASSERT_TRUE(made);
  engine.swap(*made);
  auto [socket, other] = tcp_pair();
  std::vector<buffer> taken;
  while ((*growing)->region_count() < 3) taken.push_back((*growing)->acquire());
  ASSERT_EQ((*growing)->region_count_max(), 4U);
  const std::string text = pattern(4000);
  slot& last = *std::move(taken.back()).into_slot();
  taken.pop_back();
  std::memcpy(last.memory, text.data(), text.size());
  recorded_zero_copy send(socket, text);
  send.data = last.memory;
  send.region = last.region;
  EXPECT_EQ(send.region, 2U);
  submit(send);
  EXPECT_TRUE(read(other, text.size()) == text);
  finish(send);
  EXPECT_EQ(send.result(), 4000);
  (*growing)->release(last);
  taken.clear();
  engine->sockets().close(socket);
  disown(socket);
  engine.swap(*made);
}

/// In a network of its own, whose only interface can be taken down.
class held_test : public zero_copy_test {
 protected:
  void SetUp() override {
    if (const std::string why = network_.enter(); !why.empty()) GTEST_SKIP() << why;
    zero_copy_test::SetUp();
  }
  void TearDown() override {
    if (engine) set_interface(true);
    zero_copy_test::TearDown();
    network_.leave();
  }
  static void set_interface(bool up) { ASSERT_TRUE(own_network::set_up(up)); }

  static void reset_on_close(int socket) {
    const linger now{1, 0};
    EXPECT_EQ(::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
  }
  void send_and_hold(recorded_zero_copy& send) {
    submit(send);
    ASSERT_TRUE(until([&] { return !send.outcomes.empty(); }));
    idle_turns();
    ASSERT_TRUE(send.held()) << "nobody has acknowledged it";
  }

 private:
  own_network network_;
};

TEST_P(held_test, not_acknowledged_it_stays_with_the_kernel_until_a_reset) {
  auto [socket, other] = tcp_pair();
  const std::string text = pattern(20'000);
  recorded_zero_copy send(socket, text);
  set_interface(false);
  send_and_hold(send);
  EXPECT_EQ(send.result(), 20'000);
  reset_on_close(socket);
  recorded<close_operation> close(socket);
  disown(socket);
  EXPECT_EQ(run(close), 0);
  finish(send);
  expect_notified(send);
  EXPECT_FALSE(send.outcomes[1].copied) << "it never left, so that nothing copied it";
}

TEST_P(held_test, notifications_come_in_any_order) {
  auto [first_socket, first_peer] = tcp_pair();
  auto [second_socket, second_peer] = tcp_pair();
  const std::string text = pattern(20'000);
  recorded_zero_copy first(first_socket, text);
  recorded_zero_copy second(second_socket, text);
  set_interface(false);
  send_and_hold(first);
  send_and_hold(second);
  reset_on_close(second_socket);
  close_now(second_socket);
  finish(second);
  EXPECT_TRUE(first.held());
  set_interface(true);
  EXPECT_TRUE(read(first_peer, text.size()) == text) << "sent again, from bytes that stayed";
  finish(first);
  expect_notified(first);
}

TEST_P(held_test, a_cancel_after_the_result_changes_nothing) {
  auto [socket, other] = tcp_pair();
  const std::string text = pattern(20'000);
  recorded_zero_copy send(socket, text);
  set_interface(false);
  send_and_hold(send);
  engine->cancel(send);
  idle_turns();
  EXPECT_TRUE(send.held());
  set_interface(true);
  EXPECT_TRUE(read(other, text.size()) == text);
  finish(send);
  expect_notified(send);
}

TEST_P(held_test, the_notification_comes_after_the_close) {
  auto [socket, other] = tcp_pair();
  const std::string text = pattern(20'000);
  recorded_zero_copy send(socket, text);
  set_interface(false);
  send_and_hold(send);
  close_now(socket);
  idle_turns();
  EXPECT_TRUE(send.held()) << "the kernel goes on for a socket that nobody has any more";
  set_interface(true);
  EXPECT_TRUE(read(other, text.size()) == text);
  finish(send);
  expect_notified(send);
  EXPECT_EQ(engine->counters().late_completions, 0U);
}

TEST(zero_copy, a_small_limit_of_locked_memory_leaves_the_pool_unregistered_and_says_so) {
  auto pool = buffer_pool::open({});
  ASSERT_TRUE(pool);
  const little_locked_memory limited(std::size_t{2} << 20);
  uring_options options;
  options.registered_buffers = true;
  options.submission_entries = options.completion_entries = 64;
  options.receive_buffer_count = 64;
  auto made = open_uring(options, **pool);
  if (!made) GTEST_SKIP() << describe(made.error());
  auto& backend = static_cast<uring_backend&>(*made->made);
  if (!backend.zero_copy_sends()) GTEST_SKIP() << backend.copy_free().absence();
  EXPECT_FALSE(backend.copy_free().memory_registered());
  EXPECT_NE(made->description.find("RLIMIT_MEMLOCK is 2097152 bytes"), std::string::npos)
      << made->description;
}

TEST(zero_copy, switched_off_it_is_not_there) {
  auto pool = buffer_pool::open({});
  ASSERT_TRUE(pool);
  uring_options options;
  options.features.zero_copy_sends = false;
  options.registered_buffers = true;
  auto made = uring_backend::open(options, **pool);
  if (!made) GTEST_SKIP() << describe(made.error());
  EXPECT_FALSE((*made)->zero_copy_sends());
  EXPECT_FALSE((*made)->copy_free().memory_registered());
  EXPECT_EQ((*made)->copy_free().absence(), "switched off by its option");
}

INSTANTIATE_TEST_SUITE_P(uring, zero_copy_test, testing::ValuesIn(makers()), name_of_maker);
INSTANTIATE_TEST_SUITE_P(uring, held_test, testing::ValuesIn(makers()), name_of_maker);

}  // namespace
}  // namespace myra::io
