// How much lies ready in a ring of receive buffers.
#include "myra/io/uring/buffer_ring.hpp"

#include <gtest/gtest.h>

#include "myra/io/kernel_version_test.hpp"
#include "myra/memory/buffer_pool.hpp"

namespace myra::io {
namespace {

constexpr unsigned at_first = 8;
constexpr unsigned calm_turns = 1024;

class buffer_ring_test : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!why_no_uring().empty()) GTEST_SKIP() << why_no_uring();
    ASSERT_EQ(io_uring_queue_init(4, &uring_, 0), 0);
  }
  void TearDown() override {
    ring_.reset();
    if (!IsSkipped()) io_uring_queue_exit(&uring_);
  }

  void open(unsigned count, std::uint32_t slot_count) {
    auto pool = buffer_pool::open(
        {.slot_size_bytes = 64, .slot_count_initial = 0, .slot_count_max = slot_count});
    ASSERT_TRUE(pool);
    pool_ = std::move(*pool);
    auto made = buffer_ring::open(uring_, *pool_, {.count = count});
    ASSERT_TRUE(made) << describe(made.error());
    ring_ = std::move(*made);
    ring_->want();
  }

  /// What the kernel does with the next buffer, as its completion tells it.
  void use_one() {
    alignas(io_uring_cqe) std::byte memory[sizeof(io_uring_cqe)]{};
    auto& cqe = reinterpret_cast<io_uring_cqe&>(memory);
    cqe.res = 1;
    for (unsigned id = 0; id < pool_->slot_count(); ++id) {
      cqe.flags = IORING_CQE_F_BUFFER | id << IORING_CQE_BUFFER_SHIFT;
      if (ring_->take_parts(cqe, [](buffer&& part, bool, bool) { part.release(); })) return;
    }
    FAIL() << "there is no next buffer";
  }

  void turn(unsigned used) {
    for (unsigned i = 0; i < used; ++i) use_one();
    ring_->refill();
  }

  io_uring uring_{};
  buffer_pool::owner pool_;
  std::unique_ptr<buffer_ring> ring_;
};

TEST_F(buffer_ring_test, few_lie_ready_at_first) {
  open(64, 64);
  EXPECT_EQ(ring_->ready_count(), at_first);
  turn(1);
  EXPECT_EQ(ring_->ready_count(), at_first);
}

TEST_F(buffer_ring_test, a_ring_of_few_is_full_at_once) {
  open(4, 64);
  EXPECT_EQ(ring_->ready_count(), 4U);
  turn(4);
  EXPECT_EQ(ring_->ready_count(), 4U);
}

TEST_F(buffer_ring_test, turns_that_use_them_up_make_it_more_up_to_the_whole_ring) {
  open(32, 64);
  turn(at_first);
  EXPECT_EQ(ring_->ready_count(), 2 * at_first);
  turn(2 * at_first);
  turn(4 * at_first);
  EXPECT_EQ(ring_->ready_count(), 32U);
}

TEST_F(buffer_ring_test, many_turns_that_use_little_make_it_less) {
  open(64, 64);
  turn(at_first);
  turn(2 * at_first);
  ASSERT_EQ(ring_->ready_count(), 4 * at_first);
  for (unsigned i = 0; i < calm_turns - 1; ++i) turn(1);
  turn(4);  // an eighth: it begins anew
  for (unsigned i = 0; i < calm_turns - 1; ++i) turn(1);
  EXPECT_EQ(ring_->ready_count(), 4 * at_first);
  turn(1);
  for (unsigned i = 0; i < 2 * at_first; ++i) turn(1);
  EXPECT_EQ(ring_->ready_count(), 2 * at_first);
  for (unsigned i = 0; i < 3 * calm_turns; ++i) turn(1);
  EXPECT_EQ(ring_->ready_count(), at_first);
}

TEST_F(buffer_ring_test, an_exhausted_pool_is_no_reason_to_fail) {
  open(64, 12);
  turn(at_first);
  EXPECT_EQ(ring_->ready_count(), 12U);
  turn(12);
  EXPECT_EQ(ring_->ready_count(), 12U);
}

}  // namespace
}  // namespace myra::io
