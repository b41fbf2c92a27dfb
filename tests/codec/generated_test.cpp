// What generated code promises, on a message with every construct of the schema language.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include "codec/guarded.hpp"
#include "codec/sample.hpp"
#include "myra/core/allocation_count_test.hpp"
#include "names.hpp"

namespace codec_test {
namespace {

using bytes = std::vector<std::byte>;

bytes encoded(const sample& from) {
  std::array<std::byte, 4096> memory;
  const auto message = write(shapes::all::build(memory), from);
  EXPECT_TRUE(message);
  return {message->begin(), message->end()};
}

bytes encoded_large(const sample& from) {
  std::array<std::byte, 4096> memory;
  const auto message = write(shapes::all::build_large(memory), from);
  EXPECT_TRUE(message);
  return {message->begin(), message->end()};
}

TEST(generated, random_messages_come_back_equal) {
  sampler random(1);
  for (int i = 0; i < 1'000'000; ++i) {
    const sample sent = random.next();
    const bytes message = encoded(sent);
    const auto view = shapes::all::verify(message);
    ASSERT_TRUE(view) << i << describe(view.error());
    ASSERT_TRUE(read(*view) == sent) << i;
  }
}

TEST(generated, wide_messages_come_back_equal) {
  sampler random(2);
  for (int i = 0; i < 10'000; ++i) {
    const sample sent = random.next();
    const bytes message = encoded_large(sent);
    const auto view = shapes::all::verify(message);
    ASSERT_TRUE(view) << describe(view.error());
    ASSERT_TRUE(read(*view) == sent);
  }
}

TEST(generated, the_short_way_and_the_full_one_agree) {
  sampler random(3);
  std::mt19937_64 engine(3);
  for (int i = 0; i < 20'000; ++i) {
    bytes message = encoded(random.next());
    for (int change = 0; change < 3; ++change) {
      message[engine() % message.size()] = static_cast<std::byte>(engine());
      const bool quick = myra::codec::verify_quickly<shapes::all>(message, {});
      myra::codec::block root;
      const auto full = myra::codec::verify_fully<shapes::all>(message, {}, root);
      ASSERT_TRUE(!quick || full.code == myra::codec_error::none) << describe(full);
      if (!quick) continue;
      // As bytes, since what is no number equals nothing.
      const auto view = shapes::all::verify(message);
      ASSERT_EQ(encoded_large(read(*view)), encoded_large(read(shapes::all::view(root))));
    }
  }
}

TEST(generated, the_short_way_and_the_full_one_agree_on_depth) {
  sampler random(10);
  for (int i = 0; i < 1000; ++i) {
    const bytes message = encoded(random.next());
    for (const std::uint32_t depth : {1u, 2u, 3u, 4u}) {
      const myra::codec::limits bounds{.depth_max = depth};
      const bool quick = myra::codec::verify_quickly<shapes::all>(message, bounds);
      myra::codec::block root;
      const auto full = myra::codec::verify_fully<shapes::all>(message, bounds, root);
      ASSERT_TRUE(!quick || full.code == myra::codec_error::none) << depth << ' ' << describe(full);
    }
  }
}

TEST(generated, each_prefix_is_refused_at_the_edge_of_a_page) {
  guarded memory;
  sampler random(4);
  for (int i = 0; i < 200; ++i) {
    const bytes message = encoded(random.next());
    for (std::size_t size = 0; size < message.size(); ++size)
      ASSERT_FALSE(shapes::all::verify(memory.at_the_edge({message.data(), size}))) << size;
    ASSERT_TRUE(shapes::all::verify(memory.at_the_edge(message)));
  }
}

TEST(generated, each_changed_byte_is_refused_or_read_safely) {
  guarded memory;
  sampler random(5);
  std::size_t refused = 0;
  std::size_t accepted = 0;
  for (int i = 0; i < 20; ++i) {
    const bytes message = i % 2 == 0 ? encoded(random.next()) : encoded_large(random.next());
    for (std::size_t at = 0; at < message.size(); ++at) {
      for (const int flip : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
        bytes changed = message;
        changed[at] ^= static_cast<std::byte>(flip);
        const auto view = shapes::all::verify(memory.at_the_edge(changed));
        if (view) (void)read(*view);
        ++(view ? accepted : refused);
      }
    }
  }
  EXPECT_GT(refused, 1000u);
  EXPECT_GT(accepted, 1000u);
}

TEST(generated, a_message_without_anything_has_the_defaults) {
  std::array<std::byte, 512> memory;
  auto builder = shapes::all::build(memory);
  const auto message = builder.finish();
  ASSERT_TRUE(message);
  const auto view = shapes::all::verify(*message);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->price(), 100);
  EXPECT_EQ(view->way(), shapes::side::sell);
  EXPECT_EQ(view->greeting(), "hello");
  EXPECT_EQ(view->maybe(), std::nullopt);
  EXPECT_EQ(view->origin().label(), "");
  EXPECT_FALSE(view->target());
  EXPECT_TRUE(view->path().empty());
  EXPECT_EQ(view->choice_which(), shapes::all_view::choice_kind::none);
  EXPECT_EQ(message->size(), shapes::all::size_bytes({}));
}

TEST(generated, optional_bools_have_three_states_wherever_their_bits_lie) {
  constexpr std::optional<bool> states[] = {std::nullopt, false, true};
  for (const auto apart : states) {
    for (const auto together : states) {
      std::array<std::byte, 64> memory;
      auto builder = shapes::bits::build(memory);
      builder.b1(true).b7(true).apart(true).together(true).number(5);
      builder.apart(apart).together(together).number(apart ? std::optional<std::int8_t>(7)
                                                           : std::nullopt);
      const auto message = builder.finish();
      ASSERT_TRUE(message);
      const auto view = shapes::bits::verify(*message);
      ASSERT_TRUE(view);
      EXPECT_TRUE(view->b1() && !view->b2() && !view->b6() && view->b7());
      EXPECT_EQ(view->apart(), apart);
      EXPECT_EQ(view->together(), together);
      EXPECT_EQ(view->number().has_value(), apart.has_value());
    }
  }
}

TEST(generated, size_is_known_beforehand) {
  sample from;
  from.text = "twelve bytes";
  from.tags = {"a", "bcd"};
  from.numbers = {1, 2, 3};
  from.origin.label = "here";
  from.counts = {{"k", 1}};
  const std::size_t needed = shapes::all::size_bytes({
      .text = 12,
      .origin = shapes::point::nested_size_bytes({.label = 4}),
      .numbers = 3,
      .tags = {2, 4},
      .counts = {1, 1},
  });
  const bytes message = encoded(from);
  EXPECT_EQ(message.size(), needed);
  bytes exact(needed);
  EXPECT_TRUE(write(shapes::all::build(exact), from));
  bytes short_of_one(needed - 1);
  const auto refused = write(shapes::all::build(short_of_one), from);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), myra::codec_error::no_room);
}

TEST(generated, memory_of_any_size_is_enough_or_refused) {
  sampler random(6);
  const sample from = random.next();
  const bytes whole = encoded(from);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    bytes memory(size);
    ASSERT_FALSE(write(shapes::all::build(memory), from)) << size;
  }
}

TEST(generated, maps_find_and_refuse_keys_that_do_not_ascend) {
  sample from;
  from.counts = {{"a", 1}, {"ab", 2}, {"b", 3}, {"z", 4}};
  const bytes message = encoded(from);
  const auto view = shapes::all::verify(message, {.refuse_unordered_keys = true});
  ASSERT_TRUE(view);
  for (const auto& [key, value] : from.counts) EXPECT_EQ(view->counts().find(key), value);
  EXPECT_EQ(view->counts().find("aa"), std::nullopt);

  const std::vector<std::pair<std::string, int>> unsorted{{"b", 1}, {"a", 2}};
  std::array<std::byte, 512> memory;
  auto builder = shapes::all::build(memory);
  builder.counts(unsorted);
  const auto refused = builder.finish();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), myra::codec_error::unsorted_keys);
}

/// The map of so many keys, each of that many letters, made by a range that keeps none of them.
bytes written_as_they_are_made(int count, std::size_t size) {
  const auto key_of = [size](int each) {
    return std::string(size - 1, 'k') + static_cast<char>('a' + each);
  };
  std::array<std::byte, 1024> memory;
  auto builder = shapes::all::build(memory);
  builder.counts(std::views::iota(0, count) |
                 std::views::transform([&](int each) { return std::pair(key_of(each), each); }));
  const auto message = builder.finish();
  EXPECT_TRUE(message) << describe(message.error());
  return message ? bytes(message->begin(), message->end()) : bytes();
}

TEST(generated, maps_are_written_from_ranges_that_make_their_entries) {
  for (const std::size_t size : {1u, 40u}) {
    const bytes message = written_as_they_are_made(3, size);
    const auto view = shapes::all::verify(message, {.refuse_unordered_keys = true});
    ASSERT_TRUE(view);
    ASSERT_EQ(view->counts().size(), 3u);
    EXPECT_EQ(view->counts().find(std::string(size - 1, 'k') + 'b'), 1);
  }
}

/// A chain of nodes, written by hand: each holds a list of one.
bytes chain(int depth) {
  const auto list_around = [](const bytes& element_heap) {
    // count 1, shape 1 slot and 2 bytes, the end of the element, its value, its heap.
    bytes made{std::byte{1}, std::byte{0}, std::byte{1}, std::byte{2}, std::byte{0}};
    made.push_back(static_cast<std::byte>(element_heap.size() & 0xff));
    made.push_back(static_cast<std::byte>(element_heap.size() >> 8));
    made.insert(made.end(), {std::byte{7}, std::byte{0}});
    made.insert(made.end(), element_heap.begin(), element_heap.end());
    return made;
  };
  bytes inside;
  for (int i = 0; i < depth; ++i) inside = list_around(inside);
  bytes message{std::byte{0x12}, std::byte{1}, std::byte{2}, std::byte{0}};
  message.push_back(static_cast<std::byte>(inside.size() & 0xff));
  message.push_back(static_cast<std::byte>(inside.size() >> 8));
  message.insert(message.end(), {std::byte{7}, std::byte{0}});
  message.insert(message.end(), inside.begin(), inside.end());
  return message;
}

TEST(generated, depth_is_limited) {
  EXPECT_TRUE(shapes::node::verify(chain(31)));
  const auto deep = shapes::node::verify(chain(32));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, myra::codec_error::too_deep);
  EXPECT_TRUE(shapes::node::verify(chain(100), {.depth_max = 101}));
  EXPECT_FALSE(shapes::node::verify(chain(5000)));
}

TEST(generated, elements_and_size_are_limited) {
  sample from;
  from.numbers = {1, 2, 3};
  from.tags = {"a", "b"};
  const bytes message = encoded(from);
  EXPECT_TRUE(shapes::all::verify(message, {.element_count_max = 5}));
  const auto many = shapes::all::verify(message, {.element_count_max = 4});
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, myra::codec_error::too_many_elements);
  const auto large = shapes::all::verify(
      message, {.size_max_bytes = static_cast<std::uint32_t>(message.size() - 1)});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, myra::codec_error::too_large);
}

TEST(generated, equal_values_give_equal_bytes) {
  sampler random(7);
  for (int i = 0; i < 1000; ++i) {
    const sample from = random.next();
    const bytes first = encoded(from);
    const auto view = shapes::all::verify(first);
    ASSERT_TRUE(view);
    ASSERT_EQ(encoded(read(*view)), first);
  }
}

TEST(generated, what_a_builder_writes_is_canonical) {
  sampler random(8);
  std::array<std::byte, 4096> memory;
  for (int i = 0; i < 1000; ++i) {
    const sample from = random.next();
    const bytes narrow = encoded(from);
    const auto view = myra::codec::verify_canonical<shapes::all>(narrow, memory);
    ASSERT_TRUE(view) << describe(view.error());
    const bytes wide = encoded_large(from);
    const auto refused = myra::codec::verify_canonical<shapes::all>(wide, memory);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), (myra::codec_failure{myra::codec_error::not_canonical, 0}));
    const auto wide_view = shapes::all::verify(wide);
    ASSERT_TRUE(wide_view);
    const auto made = myra::codec::canonical(*wide_view, memory);
    ASSERT_TRUE(made);
    ASSERT_EQ(bytes(made->begin(), made->end()), narrow);
  }
}

TEST(generated, names_that_generated_code_uses_are_fields_as_well) {
  std::array<std::byte, 512> memory;
  std::array<std::byte, 512> scratch;
  auto builder = shapes::words::build(memory);
  builder.to("a").value(std::uint8_t{2}).inside([](auto& inside) { inside.to("b"); });
  builder.list(std::array{1, 2}, [](auto& to, int one) { to.to(one == 1 ? "c" : "d"); });
  builder.which_to([](auto& to) { to.value(std::uint8_t{3}); });
  const auto message = builder.finish();
  ASSERT_TRUE(message);
  const auto view = myra::codec::verify_canonical<shapes::words>(*message, scratch);
  ASSERT_TRUE(view) << describe(view.error());
  const auto inside = view->inside();
  ASSERT_TRUE(inside);
  EXPECT_EQ(inside->to(), "b");
  EXPECT_EQ(view->list()[1].to(), "d");
  const auto chosen = view->which_to();
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->value().value_or(0), 3);
}

TEST(generated, names_that_parameters_like_to_have_are_fields_as_well) {
  std::array<std::byte, 256> memory;
  std::array<std::byte, 256> scratch;
  auto builder = shapes::Builder::build(memory);
  builder.W(1).Role("a").Check([](auto& inside) { inside.Role("b"); });
  builder.Fill(std::array{2, 3}, [](auto& to, int one) { to.W(static_cast<std::uint8_t>(one)); });
  builder.Range({"c", "d"}).Buffer(std::map<std::string, std::uint8_t>{{"e", 4}}).T(5);
  const auto message = builder.finish();
  ASSERT_TRUE(message);
  const auto view = myra::codec::verify_canonical<shapes::Builder>(*message, scratch);
  ASSERT_TRUE(view) << describe(view.error());
  EXPECT_EQ(view->Fill()[1].W(), 3);
  EXPECT_EQ(view->Buffer().find("e"), 4);
}

template <class Message>
void expect_a_label_to_come_back() {
  std::array<std::byte, 32> memory;
  auto builder = Message::build(memory);
  builder.label("here");
  const auto message = builder.finish();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->size(), Message::size_bytes({.label = 4}));
  const auto view = Message::verify(*message);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->label(), "here");
}

TEST(generated, names_of_the_parameters_of_generated_functions_are_types_as_well) {
  expect_a_label_to_come_back<names::region>();
  expect_a_label_to_come_back<names::found>();
  expect_a_label_to_come_back<names::bounds>();
  expect_a_label_to_come_back<names::target>();
  expect_a_label_to_come_back<names::chosen>();
  expect_a_label_to_come_back<names::of>();
  expect_a_label_to_come_back<names::in>();
  EXPECT_EQ(name_of(names::value::low), "low");
}

TEST(generated, what_has_deprecated_fields_is_copied_without_a_warning) {
  std::array<std::byte, 64> memory;
  std::array<std::byte, 64> scratch;
  auto builder = shapes::outdated::build(memory);
  builder.choice_kept(std::int8_t{3});
  const auto message = builder.finish();
  ASSERT_TRUE(message);
  const auto view = myra::codec::verify_canonical<shapes::outdated>(*message, scratch);
  ASSERT_TRUE(view) << describe(view.error());
  EXPECT_EQ(view->choice_kept(), 3);
}

TEST(generated, what_means_the_same_in_other_bytes_is_not_canonical) {
  const sample from;  // Nothing optional is there: `maybe` has its 4 bytes at offset 18.
  const bytes message = encoded(from);
  const std::size_t pivot = 4 + 2 * shapes::all::slot_count_known;
  std::array<std::byte, 4096> memory;
  ASSERT_TRUE(myra::codec::verify_canonical<shapes::all>(message, memory));
  bytes changed = message;
  changed[pivot + 18] = std::byte{1};
  ASSERT_TRUE(shapes::all::verify(changed));
  const auto refused = myra::codec::verify_canonical<shapes::all>(changed, memory);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), (myra::codec_failure{myra::codec_error::not_canonical,
                                                  static_cast<std::uint32_t>(pivot + 18)}));
  const auto no_room = myra::codec::verify_canonical<shapes::all>(message, {memory.data(), 20});
  ASSERT_FALSE(no_room);
  EXPECT_EQ(no_room.error().code, myra::codec_error::no_room);
}

TEST(generated, a_message_too_large_for_narrow_ends_is_canonical_when_wide) {
  sample from;
  from.text.assign(70'000, 'x');
  bytes memory(80'000);
  bytes scratch(80'000);
  const auto message = write(shapes::all::build_large(memory), from);
  ASSERT_TRUE(message);
  EXPECT_TRUE(myra::codec::verify_canonical<shapes::all>(*message, scratch));
}

TEST(generated, nothing_is_allocated) {
  sampler random(9);
  std::array<std::byte, 4096> memory;
  std::array<std::byte, 4096> scratch;
  for (int i = 0; i < 100; ++i) {
    const sample from = random.next();
    const std::uint64_t before = myra::test::allocation_count();
    const auto message = write(shapes::all::build(memory), from);
    // Reads each field and writes it again.
    const bool is_canonical =
        message && myra::codec::verify_canonical<shapes::all>(*message, scratch);
    const auto refused = shapes::all::verify(message ? message->first(20) : myra::byte_view());
    EXPECT_EQ(myra::test::allocation_count(), before);
    EXPECT_TRUE(is_canonical);
    EXPECT_FALSE(refused);
  }
}

#ifdef NDEBUG
TEST(generated, fields_in_the_wrong_order_are_an_error) {
  std::array<std::byte, 512> memory;
  auto builder = shapes::all::build(memory);
  builder.note("later").text("earlier");
  const auto refused = builder.finish();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), myra::codec_error::wrong_order);
}
#else
TEST(generated_death, fields_in_the_wrong_order_assert) {
  std::array<std::byte, 512> memory;
  auto builder = shapes::all::build(memory);
  builder.note("later");
  EXPECT_DEATH(builder.text("earlier"), "in their order");
}
#endif

}  // namespace
}  // namespace codec_test
