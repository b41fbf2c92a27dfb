// Receives without a copy: what handlers see lies in the area that was registered, and an area that
// is too small for its connections costs time and nothing else.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "fixture.hpp"

namespace myra::conformance {
namespace {

class area_case : public conformance_test {
 protected:
  /// A reactor with an area of so many pages.
  void open_with(std::uint32_t page_count, bool huge_pages = false) {
    auto other = options();
    other.zero_copy_receive.area_bytes = page_count * 4096;
    other.zero_copy_receive.huge_pages = huge_pages;
    open_reactor(other);
  }
  [[nodiscard]] io::zero_copy_receive_counters counted() {
    return on().counters().backend.zero_copy_receive;
  }
  [[nodiscard]] bool lies_in_area(byte_view bytes) {
    const mutable_byte_view area = on().internals().backend().receive_area_pool()->region_bytes(0);
    return bytes.data() >= area.data() && bytes.data() + bytes.size() <= area.data() + area.size();
  }
  /// Turns as a foreign loop does. False: it slept over what there was to do.
  [[nodiscard]] bool foreign_until(const std::function<bool()>& done) {
    while (!done()) {
      pollfd asked{.fd = on().descriptor(), .events = POLLIN, .revents = 0};
      const auto most = std::chrono::milliseconds(patient(2s)).count();
      if (::poll(&asked, 1, static_cast<int>(most)) != 1 || !on().run_once(0ms)) return false;
    }
    return true;
  }
  void comes_without_the_area(const listener_options& how) {
    record& seen = handler();
    auto& at = listen(seen, how);
    const auto bytes = pattern(50'000);
    auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
    EXPECT_TRUE(finish(*peer).saw_end);
    EXPECT_TRUE(seen.received == bytes);
    EXPECT_EQ(counted().receives, 0U);
  }
};

TEST_P(area_case, what_a_handler_sees_lies_in_the_registered_area) {
  record& seen = handler();
  int outside = 0;
  seen.when_received = [&](connection&, message& bytes) {
    if (!lies_in_area(bytes.bytes())) ++outside;
  };
  auto& at = listen(seen);
  const auto bytes = pattern(1'000'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_TRUE(seen.received == bytes);
  EXPECT_EQ(outside, 0);
  const auto found = counted();
  EXPECT_EQ(found.received_bytes, bytes.size());
  EXPECT_EQ(static_cast<std::uint64_t>(seen.messages), found.receives);
  EXPECT_EQ(on().counters().bytes_copied, 0U) << "by us";
  // By the kernel, as there is no device. It does not count quite exactly.
  EXPECT_GE(found.kernel_copied_bytes, bytes.size() / 10 * 9);
  EXPECT_LE(found.kernel_copied_bytes, bytes.size());
  EXPECT_GT(found.kernel_copies, 0U);
}

TEST_P(area_case, sixty_four_pages_and_two_hundred_connections) {
  open_with(64);
  record& seen = handler();
  auto& at = listen(seen);
  const auto burst = pattern(30'000);
  auto crowd = host().dial_many(at.local(), 200, {send(burst), half_close(), receive_to_end()});
  const auto told = finish(*crowd);
  EXPECT_EQ(told.connections, 200U);
  EXPECT_EQ(told.ends, 200U);
  EXPECT_EQ(told.resets, 0U);
  EXPECT_EQ(seen.received.size(), 200 * burst.size());
  EXPECT_EQ(counted().pages, 64U);
  EXPECT_EQ(counted().received_bytes, seen.received.size());
  EXPECT_GT(counted().waits, 0U) << "it was not too small";
  EXPECT_GT(counted().flushes, 0U);
}

TEST_P(area_case, an_echo_of_two_hundred_connections_through_sixty_four_pages) {
  open_with(64);
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  const auto bytes = pattern(10'000);
  script talk;
  for (int i = 0; i < 3; ++i) talk.insert(talk.end(), {send(bytes), receive(bytes.size())});
  auto crowd = host().dial_many(at.local(), 200, talk);
  EXPECT_EQ(finish(*crowd).received.size(), 200 * 3 * bytes.size());
}

TEST_P(area_case, areas_of_several_sizes) {
  const auto bytes = pattern(500'000);
  for (const std::uint32_t page_count : {16U, 32U, 512U, 4096U})
    for (const bool huge_pages : {false, true}) {
      open_with(page_count, huge_pages);
      EXPECT_GE(counted().pages, page_count);
      record& seen = handler();
      auto& at = listen(seen);
      auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
      EXPECT_TRUE(finish(*peer).saw_end);
      EXPECT_TRUE(seen.received == bytes) << page_count << " pages";
    }
}

TEST_P(area_case, windows_released_by_another_thread_are_filled_again) {
  open_with(64);
  record& seen = handler();
  std::vector<buffer> held;
  seen.when_received = [&](connection&, message& bytes) { held.push_back(bytes.detach()); };
  auto& at = listen(seen);
  const auto bytes = pattern(2'000'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  while (seen.ends == 0) {
    ASSERT_TRUE(turn_until([&] { return seen.ends == 1 || held.size() >= 48; }));
    std::thread([gone = std::move(held)]() mutable { gone.clear(); }).join();
    held.clear();
  }
  EXPECT_TRUE(seen.received == bytes);
  finish(*peer);
}

TEST_P(area_case, a_foreign_loop_is_told_of_pages_that_come_home_while_it_waits) {
  open_with(16);
  record& seen = handler();
  std::vector<buffer> held;
  bool holds = true;
  seen.when_received = [&](connection&, message& bytes) {
    if (holds) held.push_back(bytes.detach());
  };
  auto& at = listen(seen);
  const auto bytes = pattern(500'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  ASSERT_TRUE(on().run_once(0ms));
  ASSERT_TRUE(foreign_until([&] { return counted().waits != 0; }));
  holds = false;
  std::thread([gone = std::move(held)]() mutable { gone.clear(); }).join();
  EXPECT_TRUE(foreign_until([&] { return seen.ends == 1; }));
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_TRUE(seen.received == bytes);
}

TEST_P(area_case, a_foreign_loop_closes_a_connection_that_waits_for_a_page) {
  open_with(16);
  record& seen = handler();
  std::vector<buffer> held;
  seen.when_received = [&](connection&, message& bytes) { held.push_back(bytes.detach()); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send(pattern(500'000)), receive_to_end()});
  ASSERT_TRUE(on().run_once(0ms));
  ASSERT_TRUE(foreign_until([&] { return counted().waits != 0; }));
  EXPECT_EQ(seen.last.post([](connection& to) noexcept { to.abort(); }), post_status::accepted);
  EXPECT_TRUE(foreign_until([&] { return seen.closes == 1; }));
  held.clear();
  finish(*peer);
}

TEST_P(area_case, small_pieces_take_a_page_each_and_none_is_lost) {
  open_with(16);
  record& seen = handler();
  std::vector<buffer> held;
  seen.when_received = [&](connection&, message& bytes) {
    held.push_back(bytes.detach());
    if (held.size() > 8) held.clear();
  };
  auto& at = listen(seen);
  const auto bytes = pattern(2'000);
  auto peer = host().dial(at.local(), {send_in_pieces(bytes, 10), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  held.clear();
  EXPECT_TRUE(seen.received == bytes);
}

TEST_P(area_case, a_completion_queue_that_is_full_loses_nothing) {
  auto small = options();
  small.submission_entries = 8;
  small.completion_entries = 16;
  open_reactor(small);
  record& seen = handler();
  auto& at = listen(seen);
  const auto bytes = pattern(300'000);
  auto crowd = host().dial_many(at.local(), 4, {send(bytes), half_close(), receive_to_end()});
  EXPECT_EQ(finish(*crowd).ends, 4U);
  EXPECT_EQ(seen.received.size(), 4 * bytes.size());
  EXPECT_GT(counted().queue_full, 0U) << "it was not full";
}

TEST_P(area_case, windows_can_be_sent_without_a_copy) {
  auto both = options();
  both.zero_copy.mode = zero_copy_mode::always;
  both.zero_copy.threshold_bytes = 0;
  both.zero_copy.registered_buffers = true;
  open_reactor(both);
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  const auto bytes = pattern(400'000);
  auto peer = host().dial(at.local(), {send(bytes), receive(bytes.size())});
  EXPECT_TRUE(finish(*peer).received == bytes);
}

// Receives into the area stand in no line for buffers of the pool: a one-shot receive, which would
// take such a buffer, cannot read what a card put into the area.
TEST_P(area_case, while_others_are_short_of_buffers_receives_go_on_into_the_area) {
  auto few = options();
  few.pool.slot_count_initial = few.pool.slot_count_max = 8;
  few.receive_buffer_count = 4;
  few.features.large_buffers = false;
  few.zero_copy_receive.area_bytes = 64 * 4096;
  open_reactor(few);
  record& sender = handler();
  std::vector<buffer> held;
  sender.when_open = [&](connection& peer) {
    while (buffer one = peer.acquire()) held.push_back(std::move(one));
    EXPECT_EQ(peer.send_copy(as_bytes("t")), send_status::back_pressured);
  };
  auto waiting = host().dial(listen(sender).local(), {receive_to_end()});
  turn_until([&] { return sender.opens == 1; });
  record& seen = handler();
  auto& at = listen(seen);
  const auto bytes = pattern(1'000'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_TRUE(seen.received == bytes);
  EXPECT_EQ(counted().received_bytes, bytes.size());
  held.clear();
  act(sender.last, [](connection& to) { to.close(); });
  EXPECT_TRUE(finish(*waiting).saw_end);
}

TEST_P(area_case, one_shot_receives_take_buffers_of_the_pool) {
  listener_options once;
  once.connection.receive = receive_mode::one_shot;
  comes_without_the_area(once);
}

TEST_P(area_case, a_socket_of_another_kind_takes_buffers_of_the_pool) {
  listener_options other;
  other.address = "unix:@myra-area-" + std::to_string(::getpid());
  comes_without_the_area(other);
}

TEST_P(area_case, it_goes_with_restrictions) {
  auto restricted = options();
  restricted.ring.sockets_only = true;
  open_reactor(restricted);
  EXPECT_NE(on().reason().find("zero-copy receive without a device"), std::string::npos)
      << on().reason();
  record& seen = handler();
  auto& at = listen(seen);
  const auto bytes = pattern(50'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_TRUE(seen.received == bytes);
  EXPECT_EQ(counted().received_bytes, bytes.size());
}

TEST(area, on_epoll_the_reason_says_that_there_is_none) {
  reactor_options options;
  options.backend = io::backend_kind::epoll;
  options.zero_copy_receive.mode = io::zero_copy_receive_mode::no_device;
  const auto made = reactor::open(options);
  ASSERT_TRUE(made) << describe(made.error());
  EXPECT_NE(made->reason().find("no zero-copy receive"), std::string::npos) << made->reason();
}

TEST(area, options_that_exclude_it_are_named) {
  const auto complaint = [](auto change) {
    reactor_options options;
    options.zero_copy_receive.mode = io::zero_copy_receive_mode::no_device;
    change(options);
    return check(options);
  };
  EXPECT_EQ(complaint([](reactor_options&) {}), "");
  EXPECT_NE(complaint([](reactor_options& to) {
              to.ring.submission_polling.on = true;
            }).find("reactor.ring.submission_polling.on = true"),
            std::string::npos);
  EXPECT_NE(complaint([](reactor_options& to) {
              to.ring.tasks = io::task_running::cooperative;
            }).find("another task running than deferred"),
            std::string::npos);
  EXPECT_NE(complaint([](reactor_options& to) {
              to.features.multishot_receive = false;
            }).find("reactor.features.multishot_receive = false"),
            std::string::npos);
  EXPECT_NE(complaint([](reactor_options& to) {
              to.zero_copy_receive.interface = "eth0";
            }).find("reactor.zero_copy_receive.interface"),
            std::string::npos);
}

std::vector<variant> variants_with_area() {
  std::vector<variant> all = variants();
  std::erase_if(all, [](const variant& each) { return !each.receives_into_area(); });
  return all;
}

}  // namespace

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(area_case);
INSTANTIATE_TEST_SUITE_P(conformance, area_case, testing::ValuesIn(variants_with_area()), name_of);

}  // namespace myra::conformance
