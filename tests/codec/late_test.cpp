// Fields that came after the first version of their message, in messages that end among them: no
// version writes those, and a peer may.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "guarded.hpp"
#include "late.hpp"

namespace codec_test {
namespace {

using bytes = std::vector<std::byte>;

/// So many slots, all of them empty, and so many bytes of scalars, each of them 0xff.
bytes message_of(std::size_t slots, std::size_t scalars) {
  bytes made{std::byte{0x12}, static_cast<std::byte>(slots), static_cast<std::byte>(scalars & 0xff),
             static_cast<std::byte>(scalars >> 8)};
  made.insert(made.end(), 2 * slots, std::byte{0});
  made.insert(made.end(), scalars, std::byte{0xff});
  return made;
}

/// How many of the fields that have a presence bit are there.
int count_of(const late::all_view& view) {
  int count = view.number().has_value() + view.has_small() + view.vector().has_value();
  count += view.code().has_value() + view.key().has_value() + view.together().has_value();
  count += view.apart().has_value() + view.text().has_value() + view.numbers().has_value();
  return count + (view.greeting() != "hello");
}

constexpr int count_max = 10;

TEST(late, a_field_whose_bit_is_there_without_its_place_is_absent) {
  guarded memory;
  bytes message = message_of(late::point::slot_count_base, late::point::scalar_size_base);
  message[2] = std::byte{5};
  message.push_back(std::byte{1});
  const auto view = late::point::verify(memory.at_the_edge(message));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->x(), -1);
  EXPECT_EQ(view->y(), std::nullopt);
}

TEST(late, every_shape_from_the_first_one_on_is_read_at_the_edge_of_a_page) {
  using shape = late::all;
  guarded memory;
  std::array<std::byte, 1024> target;
  for (std::size_t slots = shape::slot_count_base; slots <= shape::slot_count_known; ++slots) {
    int before = 0;
    for (std::size_t size = shape::scalar_size_base; size <= shape::scalar_size_known; ++size) {
      const auto view = shape::verify(memory.at_the_edge(message_of(slots, size)));
      ASSERT_TRUE(view) << slots << ' ' << size;
      const int count = count_of(*view);
      ASSERT_GE(count, before) << slots << ' ' << size;
      before = count;
      ASSERT_TRUE(myra::codec::canonical(*view, target)) << "this reads every byte of them";
    }
  }
}

TEST(late, the_first_shape_has_none_of_the_later_fields_and_this_one_all) {
  using shape = late::all;
  const bytes first = message_of(shape::slot_count_base, shape::scalar_size_base);
  const auto old = shape::verify(first);
  ASSERT_TRUE(old);
  EXPECT_EQ(count_of(*old), 0);
  EXPECT_EQ(old->small(), 5);
  EXPECT_EQ(old->price(), 100);
  const bytes last = message_of(shape::slot_count_known, shape::scalar_size_known);
  const auto view = shape::verify(last);
  ASSERT_TRUE(view);
  EXPECT_EQ(count_of(*view), count_max);
  EXPECT_EQ(view->small(), -1);
  EXPECT_EQ(view->price(), -1);
}

TEST(late, a_text_whose_bit_is_there_without_its_slot_is_absent) {
  const bytes message = message_of(late::all::slot_count_base, late::all::scalar_size_known);
  const auto view = late::all::verify(message);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->text(), std::nullopt);
  EXPECT_EQ(view->greeting(), "hello");
  EXPECT_FALSE(view->numbers());
}

TEST(late, fields_with_lower_tags_are_written_behind_those_that_were_there_before) {
  std::array<std::byte, 256> memory;
  std::array<std::byte, 256> scratch;
  auto builder = late::lower::build(memory);
  builder.id(1).size(2).name("name").note("note");
  builder.path(std::array{3, 4}, [](auto& to, int x) { to.x(x); });
  const auto message = builder.finish();
  ASSERT_TRUE(message);
  const auto view = myra::codec::verify_canonical<late::lower>(*message, scratch);
  ASSERT_TRUE(view) << describe(view.error());
  EXPECT_EQ(view->name(), "name");
  EXPECT_EQ(view->path()[1].x(), 4);
  EXPECT_EQ(view->note(), "note");
}

}  // namespace
}  // namespace codec_test
