#include "store.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace kv {
namespace {

using namespace std::chrono_literals;

class store_test : public testing::Test {
 protected:
  store data;
  myra::time_point now = myra::time_point(1h);

  store_test() { data.set_now(now); }
  void pass(myra::duration time) { data.set_now(now += time); }

  [[nodiscard]] std::string text_of(std::string_view key) {
    const store::entry* found = data.find(key);
    return found == nullptr ? "(none)" : found->value;
  }
};

TEST_F(store_test, FindsWhatWasSet) {
  data.set("key", "value", myra::never);
  EXPECT_EQ(text_of("key"), "value");
  EXPECT_EQ(text_of("kez"), "(none)");
  EXPECT_EQ(data.size(), 1U);
}

TEST_F(store_test, KeysAreBytes) {
  using namespace std::string_view_literals;
  data.set("a\0b"sv, "1", myra::never);
  data.set("a\0c"sv, "2", myra::never);
  data.set("", "3", myra::never);
  EXPECT_EQ(text_of("a\0b"sv), "1");
  EXPECT_EQ(text_of("a\0c"sv), "2");
  EXPECT_EQ(text_of(""), "3");
}

TEST_F(store_test, KeysThatDifferByLengthOrZeroesDiffer) {
  for (std::size_t size = 0; size < 40; ++size) {
    data.set(std::string(size, '\0'), std::to_string(size), myra::never);
  }
  EXPECT_EQ(data.size(), 40U);
  for (std::size_t size = 0; size < 40; ++size) {
    EXPECT_EQ(text_of(std::string(size, '\0')), std::to_string(size));
  }
}

TEST_F(store_test, WritesInPlaceWhenTheMemorySuffices) {
  data.set("key", std::string(1000, 'a'), myra::never);
  const char* before = data.find("key")->value.data();
  data.set("key", std::string(900, 'b'), myra::never);
  EXPECT_EQ(data.find("key")->value.data(), before);
  EXPECT_EQ(text_of("key"), std::string(900, 'b'));
}

TEST_F(store_test, GivesMemoryBackWhenAValueShrinks) {
  data.set("key", std::string(1 << 20, 'a'), myra::never);
  data.set("key", "small", myra::never);
  EXPECT_LT(data.find("key")->value.capacity(), 1024U);
}

TEST_F(store_test, AKeyThatHasEndedCanBeSetAgain) {
  data.set("key", "old", now + 10ms);
  pass(10ms);
  data.set("key", "new", now + 10ms);
  EXPECT_EQ(data.sweep(10), 0U);
  EXPECT_EQ(text_of("key"), "new");
  EXPECT_EQ(data.ending_count(), 1U);
}

TEST_F(store_test, AKeyIsGoneAtItsEnd) {
  data.set("key", "value", now + 10ms);
  pass(9ms);
  EXPECT_EQ(text_of("key"), "value");
  pass(1ms);
  EXPECT_EQ(text_of("key"), "(none)");
  EXPECT_FALSE(data.set_end("key", now + 1s));
  EXPECT_EQ(data.sweep(10), 1U);
  EXPECT_EQ(data.size(), 0U);
  EXPECT_EQ(data.expired_count(), 1U);
}

TEST_F(store_test, SetTakesTheEndAway) {
  data.set("key", "value", now + 10ms);
  data.set("key", "value", myra::never);
  EXPECT_EQ(data.ending_count(), 0U);
  EXPECT_EQ(data.find("key")->end, myra::never);
}

TEST_F(store_test, SetEndMovesIt) {
  EXPECT_FALSE(data.set_end("key", now + 1s));
  data.set("key", "value", now + 10ms);
  EXPECT_TRUE(data.set_end("key", now + 1s));
  pass(500ms);
  EXPECT_EQ(text_of("key"), "value");
  EXPECT_EQ(data.ending_count(), 1U);
}

TEST_F(store_test, EraseSaysWhetherThereWasOne) {
  data.set("key", "value", myra::never);
  EXPECT_TRUE(data.erase("key"));
  EXPECT_FALSE(data.erase("key"));
  data.set("key", "value", now + 1ms);
  pass(1s);
  EXPECT_FALSE(data.erase("key"));
}

TEST_F(store_test, SweepRemovesTheEarliestWithinItsBound) {
  for (int at = 0; at < 100; ++at) {
    data.set("key" + std::to_string(at), "value", now + std::chrono::milliseconds(100 - at));
  }
  EXPECT_EQ(data.sweep(10), 0U);
  pass(50ms);  // key50 to key99 have ended, key99 first
  EXPECT_EQ(data.sweep(10), 10U);
  EXPECT_EQ(data.size(), 90U);
  EXPECT_EQ(data.sweep(100), 40U);
  EXPECT_EQ(data.sweep(100), 0U);
  EXPECT_EQ(text_of("key49"), "value");
  EXPECT_EQ(data.ending_count(), 50U);
}

TEST_F(store_test, NothingIsLeftOfKeysThatChangedAndEnded) {
  for (int at = 0; at < 100; ++at) {
    const std::string key = "a rather long key " + std::to_string(at);
    data.set(key, std::string(static_cast<std::size_t>(at) * 10, 'x'), now + 1ms);
    data.set(key, "short", at % 2 == 0 ? myra::never : now + 1ms);
  }
  EXPECT_EQ(data.ending_count(), 50U);
  pass(1s);
  EXPECT_EQ(data.sweep(1000), 50U);
  EXPECT_EQ(data.size(), 50U);
  for (int at = 0; at < 100; at += 2) {
    EXPECT_TRUE(data.erase("a rather long key " + std::to_string(at)));
  }
  EXPECT_EQ(data.size(), 0U);
  EXPECT_EQ(data.ending_count(), 0U);
}

TEST_F(store_test, ClearForgetsKeysAndEnds) {
  data.set("key", "value", now + 1ms);
  data.clear();
  pass(1s);
  EXPECT_EQ(data.size(), 0U);
  EXPECT_EQ(data.ending_count(), 0U);
  EXPECT_EQ(data.sweep(10), 0U);
}

}  // namespace
}  // namespace kv
