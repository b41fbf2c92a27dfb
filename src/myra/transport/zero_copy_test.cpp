// Zero-copy sends of connections: what is asked for, what comes of it, and what becomes of a
// connection of which the kernel still holds bytes.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "myra/io/locked_memory_test.hpp"
#include "myra/io/own_network_test.hpp"
#include "myra/transport/async.hpp"
#include "myra/transport/connector.hpp"
#include "myra/transport/loopback_test.hpp"

namespace myra {
namespace {

using namespace loopback;

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& each : text) {
    state = state * 1664525 + 1013904223;
    each = static_cast<char>(state >> 24);
  }
  return text;
}

struct listening : connection_handler {
  void on_receive(connection&, message&) override {}
  void on_end(connection& peer) override {
    ++ends;
    if (closes_at_end) peer.close();
  }
  void on_close(connection&, std::error_code reason) override {
    ++closes;
    why = reason;
  }
  bool closes_at_end = true;
  int ends = 0;
  int closes = 0;
  std::error_code why;
};

struct log_text {
  [[nodiscard]] log_sink sink() {
    log_sink made;
    made.context = this;
    made.write = [](void* to, log_level, std::string_view line) noexcept {
      static_cast<log_text*>(to)->text.append(line).append("\n");
    };
    return made;
  }
  std::string text;
};

task<> send_later(connection& peer, buffer bytes, bool& done) {
  done = (co_await peer.send(std::move(bytes), {.zero_copy = zero_copy_mode::always})).has_value();
}

class zero_copy : public testing::Test {
 protected:
  static constexpr std::uint32_t slot_size = 16 * 1024;

  void SetUp() override {
    if (!io::why_no_uring().empty()) GTEST_SKIP() << io::why_no_uring();
    wanted.backend = io::backend_kind::uring;
    wanted.pool.slot_size_bytes = slot_size;
    wanted.receive_buffer_count = 16;
    wanted.log = log.sink();
  }
  void TearDown() override {
    if (!on) return;
    peer = connection();
    EXPECT_TRUE(on->drain(patient(5s)));
    on->internals().pool().collect();
    EXPECT_EQ(on->internals().pool().application_count(), 0U);
    on.reset();
  }

  void open() {
    auto opened = reactor::open(wanted);
    ASSERT_TRUE(opened) << describe(opened.error());
    on.emplace(std::move(*opened));
  }
  /// False: this kernel sends nothing without a copy.
  [[nodiscard]] bool able() { return on->internals().backend().zero_copy_sends(); }
  void dial(const connect_options& options = {}, const char* address = "127.0.0.1:0") {
    raw_listener listener(address);
    bool over = false;
    const auto attempt = connect(*on, std::span(&listener.address(), 1), options,
                                 [&](result<connection> made) noexcept {
                                   over = true;
                                   if (made) peer = std::move(*made);
                                 });
    turn_until([&] { return over; });
    ASSERT_TRUE(peer);
    peer.set_handler(handler);
    raw = listener.accept();
  }
  template <class Done>
  void turn_until(Done done) {
    const auto end = clock::now() + patient(5s);
    while (!done() && clock::now() < end) ASSERT_TRUE(on->run_once(5ms));
    ASSERT_TRUE(done()) << "not done in time";
  }
  void turn_for(std::chrono::milliseconds time) {
    const auto end = clock::now() + time;
    while (clock::now() < end) ASSERT_TRUE(on->run_once(5ms));
  }
  [[nodiscard]] buffer filled(std::string_view text) {
    buffer made = peer.acquire();
    made.resize(static_cast<std::uint32_t>(text.size()));
    std::memcpy(made.writable().data(), text.data(), text.size());
    return made;
  }
  /// Queues the text in buffers and turns until it has gone to the kernel.
  void send(std::string_view text, zero_copy_mode wish = zero_copy_mode::automatic) {
    const std::size_t size = wanted.pool.slot_size_bytes;
    for (; !text.empty(); text.remove_prefix(std::min(text.size(), size)))
      ASSERT_EQ(peer.send(filled(text.substr(0, size)), {.zero_copy = wish}),
                send_status::accepted);
    turn_until([&] { return peer.queued_bytes() == 0; });
  }
  [[nodiscard]] std::string arrived(std::size_t size) const {
    std::string got;
    while (got.size() < size) {
      const std::string some = raw.receive();
      if (some.empty()) break;
      got += some;
    }
    return got;
  }
  [[nodiscard]] zero_copy_counters counted() const { return on->counters().zero_copy; }
  /// All that was asked for has an end.
  void turn_until_told() {
    turn_until([&] {
      const zero_copy_counters now = counted();
      return now.asked == now.granted + now.copied + now.refused + now.low_pool;
    });
  }

  reactor_options wanted;
  log_text log;
  listening handler;
  std::optional<reactor> on;
  connection peer;
  raw_socket raw;
};

TEST_F(zero_copy, automatic_gives_up_after_four_reports_of_a_copy) {
  open();
  if (!able()) GTEST_SKIP() << "no zero-copy sends here";
  dial();
  const std::string text = pattern(64 * 1024);
  for (int i = 0; i < 20; ++i) {
    send(text);
    EXPECT_TRUE(arrived(text.size()) == text);
    turn_until_told();
  }
  EXPECT_EQ(counted().asked, zero_copy_policy::copied_max);
  EXPECT_EQ(counted().copied, zero_copy_policy::copied_max);
  EXPECT_EQ(peer.counters().zero_copy_asked, zero_copy_policy::copied_max);
  EXPECT_EQ(peer.counters().zero_copy_granted, 0U);
}

TEST_F(zero_copy, small_sends_are_not_asked_for) {
  open();
  dial();
  for (int i = 0; i < 20; ++i) send(pattern(1000));
  EXPECT_EQ(arrived(20'000).size(), 20'000U);
  EXPECT_EQ(counted().asked, 0U);
}

TEST_F(zero_copy, always_is_always_and_never_is_never) {
  wanted.zero_copy.mode = zero_copy_mode::always;
  open();
  if (!able()) GTEST_SKIP() << "no zero-copy sends here";
  dial();
  std::string all;
  for (int i = 1; i <= 20; ++i) {
    const std::string text = pattern(static_cast<std::size_t>(i) * 997);
    send(text, i % 4 == 0 ? zero_copy_mode::never : zero_copy_mode::automatic);
    all += text;
    EXPECT_TRUE(arrived(text.size()) == text);
  }
  turn_until_told();
  EXPECT_EQ(counted().asked, 15U);
  EXPECT_EQ(counted().copied, 15U);
}

TEST_F(zero_copy, a_connection_may_have_another_mode_than_its_reactor) {
  wanted.zero_copy.mode = zero_copy_mode::never;
  open();
  if (!able()) GTEST_SKIP() << "no zero-copy sends here";
  connect_options options;
  options.connection.zero_copy = zero_copy_mode::always;
  dial(options);
  send("small");
  EXPECT_EQ(arrived(5), "small");
  turn_until_told();
  EXPECT_EQ(counted().asked, 1U);
}

TEST_F(zero_copy, what_is_queued_with_different_wishes_keeps_its_order) {
  open();
  dial();
  std::string all;
  constexpr zero_copy_mode wishes[] = {zero_copy_mode::always, zero_copy_mode::never,
                                       zero_copy_mode::automatic};
  for (std::size_t i = 0; i < 200; ++i) {
    const std::string text = std::to_string(i) + pattern(i * 10);
    ASSERT_EQ(peer.send(filled(text), {.zero_copy = wishes[i / 3 % 3]}), send_status::accepted);
    all += text;
    if (i % 5 != 0) continue;
    ASSERT_EQ(peer.send_copy(as_bytes("copy")), send_status::accepted);
    all += "copy";
  }
  turn_until([&] { return peer.queued_bytes() == 0; });
  EXPECT_TRUE(arrived(all.size()) == all);
  turn_until_told();
}

TEST_F(zero_copy, a_wish_outlives_back_pressure) {
  open();
  if (!able()) GTEST_SKIP() << "no zero-copy sends here";
  connect_options options;
  options.connection.send_high_water_bytes = 1000;
  options.connection.send_low_water_bytes = 0;
  dial(options);
  ASSERT_EQ(peer.send_copy(as_bytes(pattern(2000))), send_status::accepted);
  bool done = false;
  spawn(*on, send_later(peer, filled("later"), done));
  turn_until([&] { return done && peer.queued_bytes() == 0; });
  EXPECT_EQ(arrived(2005), pattern(2000) + "later");
  turn_until_told();
  EXPECT_EQ(counted().asked, 1U);
}

TEST_F(zero_copy, what_a_peer_does_not_read_is_held_up_to_the_mark) {
  open();
  if (!able()) GTEST_SKIP() << "no zero-copy sends here";
  connect_options options;
  options.connection.send_high_water_bytes = 4 * slot_size;
  options.connection.send_low_water_bytes = 0;
  dial(options);
  const buffer_pool& pool = on->internals().pool();
  const std::uint32_t before = pool.kernel_count();
  for (int i = 0; i < 2000; ++i) {  // more than any socket takes
    ASSERT_LE(pool.kernel_count() - before, 2 * 4 + 1U) << "held, and being sent";
    if (peer.send(filled(pattern(slot_size))) == send_status::accepted) continue;
    turn_for(5ms);
    if (peer.queued_bytes() >= 4 * slot_size) break;
  }
  EXPECT_GE(counted().asked, 1U);
  EXPECT_LT(counted().asked, zero_copy_policy::copied_max);
  peer.abort();
}

TEST_F(zero_copy, epoll_copies_and_says_so) {
  wanted.backend = io::backend_kind::epoll;
  wanted.zero_copy.mode = zero_copy_mode::always;
  open();
  dial();
  const std::string text = pattern(100'000);
  send(text);
  EXPECT_TRUE(arrived(text.size()) == text);
  EXPECT_GE(counted().asked, 1U);
  EXPECT_EQ(counted().refused, counted().asked);
}

TEST_F(zero_copy, switched_off_it_copies_and_says_so) {
  wanted.features.zero_copy_sends = false;
  open();
  dial();
  const std::string text = pattern(10'000);
  send(text, zero_copy_mode::always);
  EXPECT_TRUE(arrived(text.size()) == text);
  EXPECT_EQ(counted().asked, 1U);
  EXPECT_EQ(counted().refused, 1U);
}

TEST_F(zero_copy, a_unix_socket_refuses_once_and_nothing_is_lost) {
  open();
  if (!able()) GTEST_SKIP() << "no zero-copy sends here";
  dial({}, ("unix:@myra-zero-copy-" + std::to_string(::getpid())).c_str());
  for (int i = 0; i < 5; ++i) {
    const std::string text = pattern(64 * 1024);
    send(text);
    EXPECT_TRUE(arrived(text.size()) == text);
  }
  EXPECT_EQ(counted().asked, 1U);
  EXPECT_EQ(counted().refused, 1U);
}

TEST_F(zero_copy, without_locked_memory_it_copies_and_says_why) {
  const io::little_locked_memory limited(std::size_t{256} << 10);
  wanted.zero_copy.mode = zero_copy_mode::always;
  wanted.submission_entries = wanted.completion_entries = 64;
  // In one slot: the kernel charges for IORING_OP_SEND_ZC, and for vectors only newer ones do.
  wanted.pool.slot_size_bytes = 1 << 20;
  wanted.pool.slot_count_initial = wanted.pool.slot_count_max = 16;
  wanted.receive_buffer_count = 8;
  // What a user's rings before this one had locked comes back late.
  for (const auto end = clock::now() + patient(10s); !on && clock::now() < end;) {
    if (auto opened = reactor::open(wanted)) on.emplace(std::move(*opened));
  }
  ASSERT_TRUE(on) << "no ring within 256 KiB of locked memory";
  if (!able()) GTEST_SKIP() << "no zero-copy sends here";
  dial();
  const std::string text = pattern(std::size_t{512} << 10);
  send(text);
  EXPECT_TRUE(arrived(text.size()) == text);
  EXPECT_GE(counted().refused, 1U);
  EXPECT_NE(log.text.find("RLIMIT_MEMLOCK"), std::string::npos) << log.text;
}

TEST_F(zero_copy, from_registered_buffers) {
  wanted.zero_copy.mode = zero_copy_mode::always;
  wanted.zero_copy.registered_buffers = true;
  wanted.pool.slot_count_initial = 64;
  wanted.pool.slot_count_max = 256;
  open();
  if (!able()) GTEST_SKIP() << "no zero-copy sends here";
  dial();
  std::vector<buffer> others;  // so that the pool grows by another region
  while (on->internals().pool().region_count() < 2) others.push_back(peer.acquire());
  for (int i = 0; i < 10; ++i) {
    const std::string text = pattern(static_cast<std::size_t>(i) * 9000 + 1);
    send(text);
    EXPECT_TRUE(arrived(text.size()) == text);
  }
  turn_until_told();
  EXPECT_EQ(counted().refused, 0U);
}

TEST(zero_copy_options, more_free_slots_than_there_are_is_refused_by_name) {
  reactor_options options;
  options.pool.slot_count_initial = 10;
  options.pool.slot_count_max = 100;
  options.zero_copy.free_slots_min = 101;
  EXPECT_EQ(
      check(options),
      "reactor.zero_copy.free_slots_min: found 101, allowed at most pool.slot_count_max (100)");
  options.zero_copy.free_slots_min = 100;
  EXPECT_EQ(check(options), "");
}

/// Sends that nobody acknowledges.
class zero_copy_held : public zero_copy {
 protected:
  void SetUp() override {
    zero_copy::SetUp();
    if (IsSkipped()) return;
    if (const std::string why = network_.enter(); !why.empty()) GTEST_SKIP() << why;
    wanted.zero_copy.mode = zero_copy_mode::always;
  }
  void TearDown() override {
    if (on) set_interface(true);
    raw.close();
    zero_copy::TearDown();
    network_.leave();
  }
  static void set_interface(bool up) { ASSERT_TRUE(io::own_network::set_up(up)); }
  /// Connects and has the kernel hold so many bytes. False: it cannot here.
  [[nodiscard]] bool hold(std::size_t size, connect_options options = {}) {
    open();
    if (!able()) return false;
    dial(options);
    set_interface(false);
    text_ = pattern(size);
    send(text_);
    EXPECT_EQ(held_slots(), (size + slot_size - 1) / slot_size);
    return true;
  }
  [[nodiscard]] std::size_t held_slots() {
    return on->internals().pool().kernel_count() - on->internals().backend().ready_buffer_count();
  }
  [[nodiscard]] bool reset_seen() const {
    char byte = 0;
    pollfd told{raw.descriptor(), POLLIN, 0};
    return ::poll(&told, 1, 2000) == 1 && ::recv(raw.descriptor(), &byte, 1, 0) < 0 &&
           errno == ECONNRESET;
  }
  std::string text_;

 private:
  io::own_network network_;
};

TEST_F(zero_copy_held, the_buffers_stay_until_the_peer_has_the_bytes) {
  if (!hold(100'000)) GTEST_SKIP() << "no zero-copy sends here";
  turn_for(30ms);
  EXPECT_EQ(held_slots(), 7U);
  EXPECT_EQ(peer.queued_bytes(), 0U);
  EXPECT_EQ(peer.counters().bytes_sent, 100'000U);
  set_interface(true);
  // Read before the reactor turns: unread, they are more than the window of Linux 6.1.
  EXPECT_TRUE(arrived(text_.size()) == text_);
  turn_until([&] { return held_slots() == 0; });
}

TEST_F(zero_copy_held, a_closed_connection_is_there_until_the_peer_has_the_bytes) {
  connect_options options;
  options.connection.linger_timeout = 20ms;
  if (!hold(100'000, options)) GTEST_SKIP() << "no zero-copy sends here";
  peer.close();
  turn_for(100ms);
  EXPECT_EQ(handler.closes, 0);
  EXPECT_EQ(held_slots(), 7U);
  set_interface(true);
  EXPECT_TRUE(arrived(text_.size()) == text_);
  turn_until([&] { return handler.closes == 1; });
  EXPECT_EQ(raw.receive_all(), "") << "and then the end";
  EXPECT_EQ(held_slots(), 0U);
  EXPECT_EQ(handler.why, transport_errc::closed);
}

TEST_F(zero_copy_held, a_closed_connection_waits_no_longer_than_the_write_timeout) {
  connect_options options;
  options.connection.linger_timeout = 10ms;
  options.connection.write_timeout = 50ms;
  if (!hold(100'000, options)) GTEST_SKIP() << "no zero-copy sends here";
  peer.close();
  turn_until([&] { return handler.closes == 1; });
  EXPECT_EQ(held_slots(), 0U);
  EXPECT_EQ(handler.why, transport_errc::closed);
}

TEST_F(zero_copy_held, an_abort_gets_the_buffers_back_at_once) {
  if (!hold(100'000)) GTEST_SKIP() << "no zero-copy sends here";
  peer.abort();
  turn_until([&] { return handler.closes == 1; });
  EXPECT_EQ(held_slots(), 0U);
  EXPECT_EQ(counted().granted, counted().asked) << "they never left";
}

TEST_F(zero_copy_held, a_failure_gets_them_back_as_well) {
  connect_options options;
  options.connection.idle_timeout = 50ms;
  options.connection.write_timeout = 50ms;  // so long the peer has to acknowledge something
  if (!hold(100'000, options)) GTEST_SKIP() << "no zero-copy sends here";
  turn_until([&] { return handler.closes == 1; });
  EXPECT_EQ(held_slots(), 0U);
  EXPECT_EQ(handler.why, transport_errc::idle_timeout);
}

TEST_F(zero_copy_held, a_send_that_waits_for_room_is_taken_back_by_the_write_timeout) {
  connect_options options;
  options.connection.write_timeout = 50ms;
  options.connection.send_buffer_bytes = 16 * 1024;
  open();
  if (!able()) GTEST_SKIP() << "no zero-copy sends here";
  dial(options);
  set_interface(false);
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(peer.send(filled(pattern(slot_size))), send_status::accepted);
  turn_until([&] { return handler.closes == 1; });
  EXPECT_EQ(handler.why, transport_errc::write_timeout);
  EXPECT_EQ(held_slots(), 0U);
}

TEST_F(zero_copy_held, after_both_ends_the_last_bytes_still_arrive) {
  handler.closes_at_end = false;
  open();
  if (!able()) GTEST_SKIP() << "no zero-copy sends here";
  dial();
  raw.half_close();
  turn_until([&] { return handler.ends == 1; });
  set_interface(false);
  const std::string text = pattern(50'000);
  send(text);
  peer.half_close();
  turn_for(50ms);
  EXPECT_EQ(handler.closes, 0);
  set_interface(true);
  turn_until([&] { return handler.closes == 1; });
  EXPECT_TRUE(raw.receive_all() == text);
  EXPECT_EQ(handler.why, transport_errc::closed);
}

TEST_F(zero_copy_held, a_reactor_that_ends_gets_them_back) {
  if (!hold(100'000)) GTEST_SKIP() << "no zero-copy sends here";
  EXPECT_FALSE(on->drain(30ms));
  peer = connection();
  on.reset();
  EXPECT_EQ(handler.closes, 1);
}

TEST_F(zero_copy_held, when_few_slots_are_free_sends_are_copies) {
  wanted.pool.slot_count_initial = 64;
  wanted.pool.slot_count_max = 64;
  wanted.zero_copy.free_slots_min = 40;
  open();
  if (!able()) GTEST_SKIP() << "no zero-copy sends here";
  dial();
  set_interface(false);
  const std::string text = pattern(slot_size);
  for (int i = 0; i < 28; ++i) send(text);
  EXPECT_LE(held_slots(), 64U - 40U);
  EXPECT_GE(counted().low_pool, 28U - (64U - 40U));
  EXPECT_GE(on->internals().pool().obtainable_count(), 39U);
  set_interface(true);
  EXPECT_EQ(arrived(28 * text.size()).size(), 28 * text.size());
  turn_until([&] { return held_slots() == 0; });
}

}  // namespace
}  // namespace myra
