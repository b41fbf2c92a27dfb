#include "myra/memory/buffer.hpp"

#include <gtest/gtest.h>

#include <concepts>
#include <cstring>
#include <type_traits>
#include <utility>

#include "myra/memory/message.hpp"

namespace myra {
namespace {

template <class T>
concept gives_bytes_of_a_temporary = requires(T&& temporary) { std::move(temporary).bytes(); };
template <class T>
concept gives_writable_of_a_temporary =
    requires(T&& temporary) { std::move(temporary).writable(); };

static_assert(!std::copyable<buffer>);
static_assert(std::is_nothrow_move_constructible_v<buffer>);
static_assert(std::is_nothrow_move_assignable_v<buffer>);
static_assert(!gives_bytes_of_a_temporary<buffer>);
static_assert(!gives_writable_of_a_temporary<buffer>);
static_assert(!gives_bytes_of_a_temporary<message>);
static_assert(!std::movable<message>);

class buffer_test : public testing::Test {
 protected:
  buffer filled(std::string_view text) {
    buffer made = pool->acquire();
    std::memcpy(made.writable().data(), text.data(), text.size());
    made.resize(static_cast<std::uint32_t>(text.size()));
    return made;
  }

  buffer_pool::owner pool =
      buffer_pool::open({.slot_size_bytes = 256, .slot_count_initial = 4, .slot_count_max = 4})
          .value();
};

TEST_F(buffer_test, an_empty_one_owns_nothing) {
  buffer none;
  EXPECT_FALSE(none);
  EXPECT_TRUE(none.empty());
  none.release();
  EXPECT_EQ(pool->free_count(), 4U);
}

TEST_F(buffer_test, an_acquired_one_is_a_whole_slot) {
  buffer whole = pool->acquire();
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole.size(), 256U);
  EXPECT_EQ(whole.capacity(), 256U);
  EXPECT_EQ(whole.bytes().size(), 256U);
  EXPECT_EQ(whole.bytes().data(), whole.writable().data());
  EXPECT_FALSE(whole.empty());
}

TEST_F(buffer_test, moving_hands_over_the_slot_and_the_window) {
  buffer first = filled("hello");
  first.remove_prefix(1);
  const std::byte* at = first.bytes().data();
  buffer second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): asking is allowed
  EXPECT_EQ(as_text(second.bytes()), "ello");
  EXPECT_EQ(second.bytes().data(), at);
  EXPECT_EQ(pool->application_count(), 1U);
  first = std::move(second);
  EXPECT_EQ(as_text(first.bytes()), "ello");
  EXPECT_FALSE(second);  // NOLINT(bugprone-use-after-move)
}

TEST_F(buffer_test, a_moved_from_one_is_empty) {
  buffer first = filled("hello");
  const buffer second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(first.size(), 0U);
}

TEST_F(buffer_test, assigning_releases_what_was_there) {
  buffer kept = filled("one");
  buffer other = filled("two");
  EXPECT_EQ(pool->application_count(), 2U);
  kept = std::move(other);
  EXPECT_EQ(pool->application_count(), 1U);
  EXPECT_EQ(as_text(kept.bytes()), "two");
  kept = buffer();
  EXPECT_EQ(pool->application_count(), 0U);
}

TEST_F(buffer_test, assigning_to_itself_changes_nothing) {
  buffer own = filled("self");
  buffer& same = own;
  own = std::move(same);
  EXPECT_EQ(as_text(own.bytes()), "self");
  EXPECT_EQ(pool->application_count(), 1U);
}

TEST_F(buffer_test, release_sends_home_at_once_and_only_once) {
  buffer owned = filled("x");
  owned.release();
  EXPECT_FALSE(owned);
  EXPECT_EQ(pool->free_count(), 4U);
  owned.release();
  EXPECT_EQ(pool->free_count(), 4U);
}

TEST_F(buffer_test, the_window_shrinks_from_both_ends_and_grows_to_the_slots_end) {
  buffer window = filled("header:payload");
  window.remove_prefix(7);
  EXPECT_EQ(as_text(window.bytes()), "payload");
  EXPECT_EQ(window.capacity(), 256U - 7U);
  window.resize(3);
  EXPECT_EQ(as_text(window.bytes()), "pay");
  window.resize(window.capacity());
  EXPECT_EQ(window.size(), 249U);
  window.remove_prefix(249);
  EXPECT_TRUE(window.empty());
  EXPECT_EQ(window.capacity(), 0U);
  EXPECT_TRUE(window);
}

TEST_F(buffer_test, a_slot_carries_the_window_to_a_queue_and_back) {
  buffer queued = filled("header:payload");
  queued.remove_prefix(7);
  slot* link = std::move(queued).into_slot();
  EXPECT_FALSE(queued);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(pool->application_count(), 1U);
  const buffer back = buffer::from_slot(*link);
  EXPECT_EQ(as_text(back.bytes()), "payload");
}

TEST_F(buffer_test, a_message_takes_its_buffer_back_unless_it_was_detached) {
  {
    buffer engines = filled("lent");
    message lent(engines);
    EXPECT_EQ(as_text(lent.bytes()), "lent");
    lent.writable()[0] = std::byte{'L'};
    EXPECT_EQ(as_text(lent.bytes()), "Lent");
    EXPECT_FALSE(lent.detached());
  }
  EXPECT_EQ(pool->application_count(), 0U);
  buffer claimed;
  {
    buffer engines = filled("claimed");
    message lent(engines);
    claimed = lent.detach();
    EXPECT_TRUE(lent.detached());
  }
  EXPECT_EQ(pool->application_count(), 1U);
  EXPECT_EQ(as_text(claimed.bytes()), "claimed");
}

}  // namespace
}  // namespace myra
