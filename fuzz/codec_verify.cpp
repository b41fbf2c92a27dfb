// A message of a schema that uses every construct, or of one with fields that came later, read by
// generated code: refused, or else read to its last byte, and written again as canonical bytes. The
// checks agree with each other: the short way accepts nothing that the long way refuses, and that
// the same as the reader of myrac.
//
// Parser: src/myra/codec/verifier.hpp src/myra/codec/quick_check.hpp src/myra/codec/*_view.hpp
// Parser: src/myra/codec/block.hpp src/myra/codec/cursor.hpp src/myra/codec/wire.hpp
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "codec/sample.hpp"
#include "fuzz_input.hpp"
#include "late.hpp"
#include "myra/schema/compile.hpp"
#include "myra/schema/message_text.hpp"

namespace {

using bytes = std::vector<std::byte>;

// With their ledgers, as the code was generated.
const myra::schema::compiled& shapes_schema() {
  static const auto made =
      myra::schema::compile({.schema_path = SHAPES_SCHEMA}, myra::schema::read_source);
  return made;
}
const myra::schema::compiled& late_schema() {
  static const auto made =
      myra::schema::compile({.schema_path = LATE_SCHEMA}, myra::schema::read_source);
  return made;
}

bool is_read_by_myrac(const myra::schema::compiled& made, const std::string& name,
                      const std::string& text) {
  fuzz::require(made.errors.empty(), "the schema is right");
  for (std::uint32_t index = 0; index < made.schema.messages.size(); ++index) {
    if (made.schema.messages[index].name == name)
      return myra::schema::decode_message({made.schema, made.places, index}, text).has_value();
  }
  fuzz::require(false, "the schema has the message");
  return false;
}

bytes encoded(const codec_test::sample& from, std::size_t room) {
  bytes memory(room);
  const auto message = codec_test::write(shapes::all::build_large(memory), from);
  fuzz::require(message.has_value(), "what was read can be written");
  return {message->begin(), message->end()};
}

/// Copies it from view to builder, and that once more.
template <class View>
void check_canonical(const View& view, std::size_t room) {
  bytes first(room);
  bytes second(room);
  const auto made = myra::codec::canonical(view, first);
  if (!made) {
    fuzz::require(made.error() == myra::codec_error::unsorted_keys, "all else can be written");
    return;
  }
  const auto again = myra::codec::verify_canonical<typename View::message_>(*made, second);
  fuzz::require(again.has_value(), "what was copied is canonical");
}

/// Reads all, writes that, and reads it once more.
void check_values(const shapes::all_view& view, std::size_t room) {
  const bytes first = encoded(codec_test::read(view), room);
  const auto again = shapes::all::verify(first, {.refuse_unordered_keys = true});
  fuzz::require(again.has_value(), "what was written is accepted");
  fuzz::require(encoded(codec_test::read(*again), room) == first, "equal values have equal bytes");
  check_canonical(view, room);
}

/// How many nodes the tree has; each of them is read.
std::size_t size_of_tree(const shapes::node_view& root) {
  std::size_t count = 1;
  for (const shapes::node_view child : root.children()) count += size_of_tree(child);
  return count;
}

constexpr myra::codec::limits bounds{.depth_max = myra::schema::message_depth_max};

/// The view as the long way leaves it, if that accepts the message.
template <class Message>
auto verified(const myra::schema::compiled& schema, const char* name, myra::byte_view message) {
  myra::codec::block root;
  const auto full = myra::codec::verify_fully<Message>(message, bounds, root);
  const bool accepted = full.code == myra::codec_error::none;
  fuzz::require(full.offset_bytes <= message.size(), "the offset lies in the message");
  fuzz::require(accepted || !myra::codec::verify_quickly<Message>(message, bounds),
                "the short way accepts nothing that the long way refuses");
  const std::string text(myra::as_text(message));
  fuzz::require(accepted == is_read_by_myrac(schema, name, text), "myrac reads the same messages");
  return accepted ? std::optional(typename Message::view(root)) : std::nullopt;
}

/// A stricter reader accepts less, and nothing else.
void check_strictly(myra::byte_view message, bool is_accepted) {
  const auto view = shapes::all::verify(
      message, {.depth_max = 2, .element_count_max = 3, .refuse_unordered_keys = true});
  fuzz::require(!view || is_accepted, "stricter limits accept nothing more");
}

/// How many of the bools are true; each of them is read.
int count_of(const shapes::bits_view& view) {
  int count = view.b1() + view.b2() + view.b3() + view.b4() + view.b5() + view.b6() + view.b7();
  count += view.apart().value_or(false) + view.together().value_or(false);
  return count + (view.number().value_or(0) != 0 ? 1 : 0);
}

}  // namespace

// libFuzzer gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = std::as_bytes(std::span(data, size));
  const std::size_t room = 4 * size + 4096;
  const auto fully = verified<shapes::all>(shapes_schema(), "all", message);
  check_strictly(message, fully.has_value());
  if (fully) {
    const auto view = shapes::all::verify(message, bounds);
    fuzz::require(view.has_value(), "what the long way accepts is verified");
    fuzz::require(encoded(codec_test::read(*view), room) == encoded(codec_test::read(*fully), room),
                  "both ways read the same");
    check_values(*view, room);
  }
  if (const auto view = verified<shapes::node>(shapes_schema(), "node", message))
    fuzz::require(size_of_tree(*view) <= size, "a node takes a byte at least");
  if (const auto view = verified<shapes::bits>(shapes_schema(), "bits", message))
    fuzz::require(count_of(*view) <= 10, "there are ten fields");
  if (const auto view = verified<late::all>(late_schema(), "all", message))
    check_canonical(*view, room);
  if (const auto view = verified<late::point>(late_schema(), "point", message))
    check_canonical(*view, room);
  if (const auto view = verified<late::lower>(late_schema(), "lower", message))
    check_canonical(*view, room);
  return 0;
}
