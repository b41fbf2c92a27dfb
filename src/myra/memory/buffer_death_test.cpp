// What debug builds catch: each misuse of a buffer, a slot, a pool or an operation ends the process
// with words.
#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>
#include <utility>

#include "myra/memory/buffer.hpp"
#include "myra/memory/message.hpp"

namespace myra {
namespace {

class buffer_death : public testing::Test {
 protected:
  void SetUp() override {
#ifdef NDEBUG
    GTEST_SKIP() << "assertions are off in this build";
#endif
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }

  buffer_pool::owner pool =
      buffer_pool::open({.slot_size_bytes = 256, .slot_count_initial = 4, .slot_count_max = 4})
          .value();
};

TEST_F(buffer_death, a_slot_released_twice) {
  slot* released = pool->acquire().into_slot();
  pool->release(*released);
  EXPECT_DEATH(pool->release(*released), "slot 0: released twice");
}

TEST_F(buffer_death, a_slot_released_while_in_flight) {
  slot* sent = pool->acquire().into_slot();
  pool->hand_to_kernel(*sent);
  EXPECT_DEATH(pool->release(*sent), "slot 0: released while in flight");
  pool->take_from_kernel(*sent);
  pool->release(*sent);
}

TEST_F(buffer_death, a_slot_lent_to_a_ring_and_released) {
  slot* lent = pool->lend_to_kernel();
  EXPECT_DEATH(pool->release(*lent), "released while in flight");
  pool->reclaim(*lent);
}

TEST_F(buffer_death, a_slot_given_twice_to_the_kernel) {
  slot* sent = pool->acquire().into_slot();
  pool->hand_to_kernel(*sent);
  EXPECT_DEATH(pool->hand_to_kernel(*sent), "handed to the kernel by one who did not own it");
  pool->take_from_kernel(*sent);
  pool->release(*sent);
}

TEST_F(buffer_death, a_slot_that_the_kernel_gives_back_twice) {
  slot* lent = pool->lend_to_kernel();
  pool->reclaim(*lent);
  EXPECT_DEATH(pool->reclaim(*lent), "which did not have it");
  EXPECT_DEATH((void)pool->from_kernel(lent->index, 1), "which did not have it");
  EXPECT_DEATH(pool->take_from_kernel(*lent), "which did not have it");
}

TEST_F(buffer_death, the_bytes_of_a_buffer_that_was_handed_over) {
  buffer first = pool->acquire();
  const buffer second = std::move(first);
  // NOLINTBEGIN(bugprone-use-after-move): that is what is tested
  EXPECT_DEATH((void)first.bytes(), "used after it was handed over");
  EXPECT_DEATH((void)first.writable(), "used after it was handed over");
  EXPECT_DEATH((void)first.capacity(), "used after it was handed over");
  EXPECT_DEATH((void)std::move(first).into_slot(), "used after it was handed over");
  // NOLINTEND(bugprone-use-after-move)
}

TEST_F(buffer_death, the_bytes_of_a_released_buffer) {
  buffer released = pool->acquire();
  released.release();
  EXPECT_DEATH((void)released.bytes(), "used after it was handed over");
}

TEST_F(buffer_death, a_window_beyond_the_slot) {
  buffer window = pool->acquire();
  EXPECT_DEATH(window.resize(257), "size <= capacity");
  EXPECT_DEATH(window.remove_prefix(257), "count <= size_");
}

TEST_F(buffer_death, a_message_detached_twice) {
  buffer engines = pool->acquire();
  message lent(engines);
  const buffer claimed = lent.detach();
  EXPECT_DEATH((void)lent.detach(), "message detached twice");
}

TEST_F(buffer_death, a_pool_that_ends_with_a_buffer_out) {
  EXPECT_DEATH(
      {
        const buffer out = pool->acquire();
        pool.reset();
      },
      "1 buffers held by the application and 0 by the kernel");
  EXPECT_DEATH(
      {
        (void)pool->lend_to_kernel();
        pool.reset();
      },
      "0 buffers held by the application and 1 by the kernel");
}

TEST_F(buffer_death, a_stale_view_of_a_released_buffer_shows_no_old_bytes) {
#if defined(__SANITIZE_ADDRESS__)
  constexpr bool address_sanitizer = true;
#elif defined(__has_feature)
  constexpr bool address_sanitizer = __has_feature(address_sanitizer);
#else
  constexpr bool address_sanitizer = false;
#endif
  buffer released = pool->acquire();
  released.writable()[0] = std::byte{'x'};
  const volatile std::byte* stale = released.bytes().data();
  released.release();
  if constexpr (address_sanitizer) {
    EXPECT_DEATH((void)*stale, "use-after-poison");
  } else {
    const std::byte seen = *stale;
    EXPECT_EQ(seen, std::byte{0xDB});
  }
}

}  // namespace
}  // namespace myra
