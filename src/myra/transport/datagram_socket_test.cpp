#include "myra/transport/datagram_socket.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "myra/core/allocation_count_test.hpp"
#include "myra/transport/segments.hpp"

namespace myra {
namespace {

using namespace std::chrono_literals;

struct answering : datagram_handler {
  void on_datagram(datagram_socket& on, lent_datagram& came) override {
    ++count;
    const endpoint peer = came.peer();
    if (copies)
      on.send_copy(came.bytes(), peer);
    else
      on.send(came.detach(), peer);
  }
  bool copies = false;
  std::uint64_t count = 0;
};

struct counting : datagram_handler {
  void on_datagram(datagram_socket&, lent_datagram&) override { ++count; }
  std::uint64_t count = 0;
};

class datagram_socket_test : public testing::TestWithParam<io::backend_kind> {
 protected:
  void SetUp() override {
    auto made = reactor::open({.backend = GetParam()});
    if (!made) GTEST_SKIP() << describe(made.error());
    reactor_.emplace(std::move(*made));
  }
  datagram_socket open(datagram_handler& by) {
    auto made = datagram_socket::open(*reactor_, {.address = "127.0.0.1:0"});
    EXPECT_TRUE(made);
    made->serve(by);
    return std::move(*made);
  }
  /// Sends bursts of questions until so many answers have come.
  void talk(datagram_socket& from, const endpoint& to, const counting& answers,
            std::uint64_t rounds) {
    constexpr std::uint64_t burst = 50;
    const std::array<std::byte, 64> question{};
    for (std::uint64_t i = 0; i < rounds; ++i) {
      const std::uint64_t wanted = answers.count + burst;
      for (std::uint64_t j = 0; j < burst; ++j)
        ASSERT_EQ(from.send_copy(question, to), send_status::accepted);
      while (answers.count < wanted) ASSERT_TRUE(reactor_->run_once(1ms));
    }
  }

  std::optional<reactor> reactor_;
};

TEST_P(datagram_socket_test, nothing_is_allocated_for_a_datagram_and_entries_are_shared) {
  for (const bool copies : {false, true}) {
    answering server;
    server.copies = copies;
    counting client;
    auto at = open(server);
    auto from = open(client);
    talk(from, at.local(), client, 5);
    const auto allocations = test::allocation_count();
    const auto before = reactor_->counters();
    talk(from, at.local(), client, 40);
    EXPECT_EQ(test::allocation_count(), allocations);
    const auto after = reactor_->counters();
    // Two datagrams come and two go for each of the 2,000 questions. (The self-test switches
    // multishot off on some kernels.)
    if (reactor_->internals().options().features.multishot_receive) {
      EXPECT_LT(after.kernel_entries - before.kernel_entries, 2'000U);
    }
    EXPECT_EQ(after.bytes_copied - before.bytes_copied, 2'000U * 64 * (copies ? 2 : 1));
    at.close();
    from.close();
    EXPECT_TRUE(reactor_->drain(5s));
  }
}

TEST(segments, takes_a_row_apart) {
  const std::string row = "aaabbbcc";
  std::string joined;
  for (const byte_view each : segments(as_bytes(row), 3))
    joined += std::string(as_text(each)) + "|";
  EXPECT_EQ(joined, "aaa|bbb|cc|");
  EXPECT_EQ(segments(as_bytes(row), 8).count(), 1U);
  EXPECT_EQ(segments(as_bytes(row), 4).count(), 2U);
  EXPECT_EQ(segments(as_bytes(row), 100).count(), 1U);
}

TEST(segments, without_a_size_it_is_one_datagram_which_may_be_empty) {
  EXPECT_EQ(segments(as_bytes("abc"), 0).count(), 1U);
  EXPECT_EQ((*segments(as_bytes("abc"), 0).begin()).size(), 3U);
  EXPECT_EQ(segments({}, 0).count(), 1U);
  EXPECT_EQ(segments({}, 7).count(), 1U);
  EXPECT_TRUE((*segments({}, 7).begin()).empty());
}

INSTANTIATE_TEST_SUITE_P(both, datagram_socket_test,
                         testing::Values(io::backend_kind::uring, io::backend_kind::epoll),
                         [](const auto& tested) { return std::string(io::name_of(tested.param)); });

}  // namespace
}  // namespace myra
