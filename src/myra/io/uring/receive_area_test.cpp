// Zero-copy receive: every reason why it cannot be had, and, where the kernel has the mode without
// a device, what receives bring and how they end.
#include "myra/io/uring/receive_area.hpp"

#include <linux/capability.h>
#include <sys/syscall.h>

#include <array>
#include <thread>

#include "myra/io/backend_fixture_test.hpp"
#include "myra/io/uring/uring_backend.hpp"
#include "myra/io/zero_copy_receive.hpp"

namespace myra::io {
namespace {

constexpr std::uint32_t area_bytes = 256 * 1024;

uring_options options_for(zero_copy_receive_mode mode, std::string interface = {}) {
  uring_options made;
  made.receive_buffer_count = 16;
  made.zero_copy_receive = {
      .mode = mode, .interface = std::move(interface), .area_bytes = area_bytes};
  return made;
}

/// Why a backend opened with these has no area; empty: it has one.
std::string absence(const uring_options& options) {
  const auto pool = buffer_pool::open({.slot_count_initial = 16, .slot_count_max = 64}).value();
  auto opened = uring_backend::open(options, *pool);
  if (!opened) return "no ring: " + describe(opened.error());
  EXPECT_NE((*opened)->area() == nullptr, (*opened)->area_absence().empty());
  return (*opened)->area_absence();
}

bool has_capability(unsigned number) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> now{};
  ::syscall(SYS_capget, &header, now.data());
  return (now[0].effective & (1U << number)) != 0;
}

/// Of this thread alone.
void drop_capability(unsigned number) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> now{};
  ::syscall(SYS_capget, &header, now.data());
  now[0].effective &= ~(1U << number);
  ::syscall(SYS_capset, &header, now.data());
}

/// Why this kernel has no zero-copy receive of any kind; empty: it has, for who may.
std::string why_unknown() {
  uring_options plain;
  auto made = ring::open(plain);
  if (!made) return "no ring: " + describe(made.error());
  io_uring_probe* probe = io_uring_get_probe_ring(&(*made)->raw());
  const bool known = probe != nullptr && io_uring_opcode_supported(probe, IORING_OP_RECV_ZC) != 0;
  io_uring_free_probe(probe);
  return known ? "" : "this kernel does not know the operation";
}

void expect_reason(const uring_options& options, std::string_view reason) {
  const std::string found = absence(options);
  EXPECT_NE(found.find(reason), std::string::npos) << found;
}

TEST(receive_area, an_interface_that_is_not_there_is_named) {
  if (!why_unknown().empty()) GTEST_SKIP() << why_unknown();
  expect_reason(options_for(zero_copy_receive_mode::queue, "no-such-card"),
                "there is no network interface no-such-card");
}

TEST(receive_area, a_driver_that_cannot_is_named) {
  if (!why_unknown().empty()) GTEST_SKIP() << why_unknown();
  if (!has_capability(CAP_NET_ADMIN)) GTEST_SKIP() << "needs CAP_NET_ADMIN";
  expect_reason(options_for(zero_copy_receive_mode::queue, "lo"),
                "the driver of lo cannot let a receive queue fill memory of ours");
}

TEST(receive_area, a_missing_capability_is_named) {
  if (!why_unknown().empty()) GTEST_SKIP() << why_unknown();
  std::thread([] {
    drop_capability(CAP_NET_ADMIN);
    expect_reason(options_for(zero_copy_receive_mode::queue, "lo"), "needs CAP_NET_ADMIN");
    expect_reason(options_for(zero_copy_receive_mode::no_device), "needs CAP_NET_ADMIN");
  }).join();
}

TEST(receive_area, a_kernel_that_does_not_know_it_is_named) {
  if (why_unknown().empty()) GTEST_SKIP() << "this kernel knows the operation";
  if (why_unknown().starts_with("no ring")) GTEST_SKIP() << why_unknown();
  expect_reason(options_for(zero_copy_receive_mode::no_device), "needs Linux 6.15");
  expect_reason(options_for(zero_copy_receive_mode::queue, "lo"), "needs Linux 6.15");
}

TEST(receive_area, without_one_the_backend_works_as_if_it_had_not_been_asked_for) {
  const auto pool = buffer_pool::open({.slot_count_initial = 16, .slot_count_max = 64}).value();
  auto opened =
      uring_backend::open(options_for(zero_copy_receive_mode::queue, "no-such-card"), *pool);
  if (!opened) GTEST_SKIP() << describe(opened.error());
  EXPECT_EQ((*opened)->area(), nullptr);
  EXPECT_EQ((*opened)->receive_area_pool(), nullptr);
  EXPECT_EQ((*opened)->probed_ring().raw().flags & (IORING_SETUP_CQE32 | IORING_SETUP_CQE_MIXED),
            0U);
}

TEST(zero_copy_receive_options, what_is_out_of_bounds_is_named) {
  const auto complaint = [](const zero_copy_receive_options& wrong) { return check(wrong); };
  using mode = zero_copy_receive_mode;
  EXPECT_EQ(complaint({}), "");
  EXPECT_EQ(complaint({.mode = mode::no_device}), "");
  EXPECT_EQ(complaint({.mode = mode::queue, .interface = "eth0", .queue = 3}), "");
  EXPECT_NE(complaint({.mode = mode::queue}).find("interface: found \"\""), std::string::npos);
  EXPECT_NE(complaint({.mode = mode::no_device, .interface = "eth0"}).find("found \"eth0\""),
            std::string::npos);
  EXPECT_NE(complaint({.mode = mode::no_device, .queue = 1}).find("queue: found 1"),
            std::string::npos);
  for (const std::uint32_t size : {0U, 65535U, 65537U, 0x8001'0000U})
    EXPECT_NE(complaint({.area_bytes = size}).find("area_bytes: found " + std::to_string(size)),
              std::string::npos);
}

backend_maker without_device() {
  return {"no_device", [](buffer_pool& pool) -> opened<std::unique_ptr<backend>> {
            auto made = uring_backend::open(options_for(zero_copy_receive_mode::no_device), pool);
            if (!made) return std::unexpected(std::move(made.error()));
            if ((*made)->area() == nullptr)
              return report(std::make_error_code(std::errc::not_supported),
                            "zero-copy receive: " + (*made)->area_absence());
            return std::unique_ptr<backend>(std::move(*made));
          }};
}

class area_test : public backend_test {
 protected:
  static constexpr std::uint32_t page_count = area_bytes / 4096;
  static constexpr std::size_t sent_bytes = (page_count + 1) * 4096;  ///< By `starve`.

  void TearDown() override {
    if (engine) {
      engine->receive_area_pool()->collect();
      EXPECT_EQ(engine->receive_area_pool()->application_count(), 0U);
      EXPECT_EQ(engine->counters().late_completions, 0U);
    }
    backend_test::TearDown();
  }
  [[nodiscard]] zero_copy_receive_counters counted() const {
    return engine->counters().zero_copy_receive;
  }
  /// Keeps windows until no page is left, and the receive waits for one.
  void starve(recorded<receive_operation>& receive, const peer& from) {
    receive.keep_buffers = true;
    submit(receive);
    const std::string piece(4096, 'x');
    for (std::uint32_t i = 0; i <= page_count; ++i) {
      from.send(piece);
      const std::size_t wanted = std::min(i + 1, page_count);
      ASSERT_TRUE(until([&] { return receive.kept.size() >= wanted || rearmed(receive); }));
    }
    ASSERT_TRUE(until([&] { return rearmed(receive) || counted().waits != 0; }));
  }
  /// Has it armed again when it has had its share.
  bool rearmed(recorded<receive_operation>& receive) {
    if (receive.idle()) submit(receive);
    return false;
  }
};

TEST_P(area_test, windows_lie_in_the_area_and_the_end_is_told) {
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive{descriptor(socket)};
  receive.keep_buffers = true;
  const std::string text = pattern(40'000);
  submit(receive);
  other.send(text);
  ASSERT_TRUE(until([&] { return receive.bytes.size() == text.size(); }));
  EXPECT_TRUE(receive.bytes == text);
  const mutable_byte_view area = engine->receive_area_pool()->region_bytes(0);
  for (const buffer& each : receive.kept) {
    EXPECT_GE(each.bytes().data(), area.data());
    EXPECT_LE(each.bytes().data() + each.size(), area.data() + area.size());
  }
  EXPECT_EQ(counted().windows, receive.kept.size());
  EXPECT_EQ(counted().received_bytes, text.size());
  EXPECT_GE(counted().kernel_copied_bytes, text.size() / 10 * 9);
  EXPECT_LE(counted().kernel_copied_bytes, text.size());
  receive.kept.clear();
  other.close();
  ASSERT_TRUE(until([&] { return receive.ended(); }));
  EXPECT_EQ(receive.last(), 0);
}

TEST_P(area_test, a_receive_ends_when_it_has_had_its_share) {
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive{descriptor(socket)};
  receive.turn_bytes_max = 10'000;
  other.send(pattern(30'000));
  await_bytes(socket, 30'000);
  submit(receive);
  ASSERT_TRUE(until([&] { return receive.ended(); }));
  EXPECT_EQ(receive.bytes.size(), 10'000U);
  EXPECT_EQ(receive.last(), -EINTR);
  EXPECT_TRUE(receive.outcomes.back().more_to_read);
  receive.turn_bytes_max = 0;
  submit(receive);
  ASSERT_TRUE(until([&] { return receive.bytes.size() == 30'000; }));
  EXPECT_TRUE(receive.bytes == pattern(30'000));
  stop(receive);
  EXPECT_EQ(receive.last(), -ECANCELED);
}

TEST_P(area_test, a_reset_is_told) {
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive{descriptor(socket)};
  submit(receive);
  turn(1ms);
  other.reset();
  ASSERT_TRUE(until([&] { return receive.ended(); }));
  EXPECT_EQ(receive.last(), -ECONNRESET);
}

TEST_P(area_test, without_a_free_page_it_waits_until_one_comes_home) {
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive{descriptor(socket)};
  starve(receive, other);
  EXPECT_EQ(receive.kept.size(), page_count);
  EXPECT_LT(receive.bytes.size(), sent_bytes);
  EXPECT_EQ(counted().waits, 1U);
  EXPECT_GT(engine->counters().no_buffer, 0U);
  const auto waited_for = counted();
  idle_turns();
  EXPECT_EQ(counted().waits, waited_for.waits) << "it does not try in vain";
  // From another thread, which wakes the wait.
  std::thread elsewhere([gone = std::move(receive.kept)]() mutable { gone.clear(); });
  receive.kept.clear();
  ASSERT_TRUE(until([&] { return rearmed(receive) || receive.bytes.size() == sent_bytes; }));
  elsewhere.join();
  EXPECT_GT(counted().flushes, waited_for.flushes);
  receive.kept.clear();
  stop(receive);
}

TEST_P(area_test, one_that_runs_out_of_pages_in_the_middle_goes_on) {
  auto [socket, other] = tcp_pair();
  const peer& to = other;
  recorded<receive_operation> receive{descriptor(socket)};
  receive.keep_buffers = true;
  submit(receive);
  std::size_t sent = 0;
  const auto send = [&](std::size_t size) {
    to.send(std::string(size, 'x'));
    sent += size;
  };
  while (receive.kept.size() + 2 < page_count) {
    send(1000);
    ASSERT_TRUE(until([&] { return rearmed(receive) || receive.bytes.size() == sent; }));
  }
  send(20'000);  // which takes more pages than are left, and nothing follows it
  ASSERT_TRUE(until([&] { return rearmed(receive) || receive.kept.size() == page_count; }));
  receive.kept.clear();
  receive.keep_buffers = false;
  ASSERT_TRUE(until([&] { return rearmed(receive) || receive.bytes.size() == sent; }));
  stop(receive);
}

TEST_P(area_test, one_that_waits_for_a_page_can_be_cancelled) {
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive{descriptor(socket)};
  starve(receive, other);
  stop(receive);
  EXPECT_EQ(receive.last(), -ECANCELED);
  receive.kept.clear();
}

/// Another ring that shares the area, and takes pages of it of which our backend knows nothing.
class thief {
 public:
  explicit thief(io_uring& owner) {
    zcrx_ctrl wanted{};
    wanted.op = ZCRX_CTRL_EXPORT;
    exported_ = io_uring_register_zcrx_ctrl(&owner, &wanted) < 0
                    ? -1
                    : static_cast<int>(wanted.zc_export.zcrx_fd);
    EXPECT_GE(exported_, 0);
    io_uring_params how{};
    how.flags = IORING_SETUP_CQE32 | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                IORING_SETUP_CQSIZE;
    how.cq_entries = 256;
    EXPECT_EQ(io_uring_queue_init_params(8, &ring_, &how), 0);
    io_uring_zcrx_ifq_reg shared{};
    shared.if_idx = static_cast<std::uint32_t>(exported_);
    shared.flags = ZCRX_REG_IMPORT;
    EXPECT_EQ(io_uring_register_ifq(&ring_, &shared), 0);
    id_ = shared.zcrx_id;
  }
  ~thief() {
    io_uring_queue_exit(&ring_);
    ::close(exported_);
  }
  thief(const thief&) = delete;
  thief& operator=(const thief&) = delete;

  /// Until so many pages are taken: those that lie at these offsets.
  std::vector<std::size_t> take(int socket, const peer& from, std::uint32_t page_count) {
    std::vector<std::size_t> taken;
    const std::string piece(4096, 'x');
    for (const time_point limit = clock::now() + patient(5s);
         taken.size() < page_count && clock::now() < limit;) {
      if (!armed_) arm(socket);
      from.send(piece);
      io_uring_submit_and_get_events(&ring_);
      for (io_uring_cqe* cqe = nullptr; io_uring_peek_cqe(&ring_, &cqe) == 0;) {
        armed_ = (cqe->flags & IORING_CQE_F_MORE) != 0;
        if (cqe->res > 0)
          taken.push_back(reinterpret_cast<io_uring_zcrx_cqe*>(cqe + 1)->off &
                          ~IORING_ZCRX_AREA_MASK);
        io_uring_cqe_seen(&ring_, cqe);
      }
    }
    return taken;
  }

 private:
  void arm(int socket) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    io_uring_prep_rw(IORING_OP_RECV_ZC, entry, socket, nullptr, 0, 0);
    entry->ioprio = IORING_RECV_MULTISHOT;
    entry->zcrx_ifq_idx = id_;
    armed_ = true;
  }

  io_uring ring_{};
  int exported_ = -1;
  std::uint32_t id_ = 0;
  bool armed_ = false;
};

TEST_P(area_test, while_others_have_all_pages_it_tries_now_and_then_and_sleeps_in_between) {
  buffer_pool& area = *engine->receive_area_pool();
  thief other_ring(static_cast<uring_backend&>(*engine).probed_ring().raw());
  auto [theirs, sender] = tcp_pair();
  const std::vector<std::size_t> stolen = other_ring.take(theirs, sender, page_count);
  ASSERT_EQ(stolen.size(), page_count);
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive{descriptor(socket)};
  submit(receive);
  other.send("x");
  ASSERT_TRUE(until([&] { return counted().waits >= 3; })) << "it does not try again";
  const auto before = engine->counters();
  constexpr unsigned turns = 100;
  for (unsigned i = 0; i < turns; ++i) turn(1ms);
  EXPECT_GE(engine->counters().sleeps - before.sleeps, turns / 2) << "it does not sleep";
  EXPECT_TRUE(receive.outcomes.empty());
  for (const std::size_t offset : stolen) area.from_area(offset, 4096).release();
  ASSERT_TRUE(until([&] { return receive.bytes == "x"; }));
  stop(receive);
}

TEST_P(area_test, a_socket_that_is_not_one_of_tcp_is_received_from_into_the_pool) {
  auto [socket, other] = unix_pair();
  recorded<receive_operation> receive{descriptor(socket)};
  submit(receive);
  other.send("hello");
  ASSERT_TRUE(until([&] { return receive.bytes == "hello"; }));
  EXPECT_EQ(counted().receives, 0U);
  stop(receive);
  EXPECT_EQ(receive.last(), -ECANCELED);
}

TEST_P(area_test, a_one_shot_receive_takes_a_buffer_of_the_pool) {
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive{descriptor(socket)};
  receive.multishot = false;
  other.send("hello");
  EXPECT_EQ(run(receive), 5);
  EXPECT_EQ(counted().receives, 0U);
}

INSTANTIATE_TEST_SUITE_P(uring, area_test, testing::Values(without_device()), name_of_maker);

}  // namespace
}  // namespace myra::io
