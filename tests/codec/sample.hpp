// Random messages of the schema shapes, as plain values, and the way through builder and view.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "shapes.hpp"

namespace codec_test {

struct point {
  std::int32_t x = 0;
  std::string label;

  friend bool operator==(const point&, const point&) = default;
};

/// The fields of shapes::all, owned.
struct sample {
  bool flag = false;
  std::int8_t small = 0;
  std::int64_t price = 0;
  double ratio = 0;
  std::optional<std::uint32_t> maybe;
  std::optional<bool> maker;
  std::uint8_t way = 0;
  std::string code;
  std::array<std::int16_t, 3> vector{};
  myra::codec::uuid id;
  myra::codec::decimal amount;
  myra::codec::timestamp_nanos at;
  std::string text;
  std::optional<std::string> note;
  std::string greeting;
  std::string blob;
  point origin;
  std::optional<point> target;
  std::vector<std::uint64_t> numbers;
  std::vector<std::string> tags;
  std::vector<point> path;
  std::map<std::string, std::int32_t> counts;
  std::map<std::uint16_t, point> places;
  std::variant<std::monostate, std::int64_t, std::string, point> choice;
  std::optional<std::vector<std::int32_t>> extra;

  friend bool operator==(const sample&, const sample&) = default;
};

/// Writes the sample. `build` is shapes::all::build or build_large on some memory.
template <class Builder>
auto write(Builder&& builder, const sample& from) {
  const auto put_point = [](auto& to, const point& one) { to.x(one.x).label(one.label); };
  builder.flag(from.flag).small(from.small).price(from.price).ratio(from.ratio).maybe(from.maybe);
  builder.maker(from.maker).way(shapes::side{from.way}).code(from.code).vector(from.vector);
  builder.id(from.id).amount(from.amount).at(from.at);
  builder.text(from.text).note(from.note).greeting(from.greeting).blob(myra::as_bytes(from.blob));
  builder.origin([&](auto& to) { put_point(to, from.origin); });
  if (from.target) builder.target([&](auto& to) { put_point(to, *from.target); });
  builder.numbers(from.numbers).tags(from.tags).path(from.path, put_point).counts(from.counts);
  builder.places(from.places, [&](auto& to, const auto& entry) { put_point(to, entry.second); });
  if (from.choice.index() == 1) builder.choice_number(std::get<1>(from.choice));
  if (from.choice.index() == 2) builder.choice_word(std::get<2>(from.choice));
  if (from.choice.index() == 3)
    builder.choice_spot([&](auto& to) { put_point(to, std::get<3>(from.choice)); });
  if (from.extra) builder.extra(*from.extra);
  return builder.finish();
}

inline point read(const shapes::point_view& from) { return {from.x(), std::string(from.label())}; }

/// Reads every field.
inline sample read(const shapes::all_view& from) {
  sample to;
  to.flag = from.flag();
  to.small = from.small();
  to.price = from.price();
  to.ratio = from.ratio();
  to.maybe = from.maybe();
  to.maker = from.maker();
  to.way = static_cast<std::uint8_t>(from.way());
  to.code = from.code();
  for (std::uint32_t i = 0; i < 3; ++i) to.vector[i] = from.vector()[i];
  to.id = from.id();
  to.amount = from.amount();
  to.at = from.at();
  to.text = from.text();
  if (const auto note = from.note()) to.note = std::string(*note);
  to.greeting = from.greeting();
  to.blob = myra::as_text(from.blob());
  to.origin = read(from.origin());
  if (const auto target = from.target()) to.target = read(*target);
  for (const std::uint64_t one : from.numbers()) to.numbers.push_back(one);
  for (const std::string_view one : from.tags()) to.tags.emplace_back(one);
  for (const auto one : from.path()) to.path.push_back(read(one));
  for (const auto [key, value] : from.counts()) to.counts.emplace(key, value);
  for (const auto [key, value] : from.places()) to.places.emplace(key, read(value));
  if (const auto number = from.choice_number()) to.choice = *number;
  if (const auto word = from.choice_word()) to.choice = std::string(*word);
  if (const auto spot = from.choice_spot()) to.choice = read(*spot);
  if (const auto extra = from.extra()) to.extra.emplace(extra->begin(), extra->end());
  return to;
}

/// Makes samples from a seed.
class sampler {
 public:
  explicit sampler(std::uint64_t seed) : engine_(seed) {}

  sample next() {
    sample made;
    made.flag = coin();
    made.small = static_cast<std::int8_t>(engine_());
    made.price = static_cast<std::int64_t>(engine_());
    made.ratio = static_cast<double>(below(1000)) / 8;
    if (coin()) made.maybe = static_cast<std::uint32_t>(engine_());
    if (coin()) made.maker = coin();
    made.way = static_cast<std::uint8_t>(below(256));  // Values that nobody knows, too.
    made.code = word(8);
    for (std::int16_t& one : made.vector) one = static_cast<std::int16_t>(engine_());
    for (std::byte& one : made.id.bytes) one = static_cast<std::byte>(engine_());
    made.amount = {static_cast<std::int64_t>(engine_()), static_cast<std::int8_t>(engine_())};
    made.at = myra::codec::timestamp_nanos(std::chrono::nanoseconds(engine_() >> 1));
    made.text = word(40);
    if (coin()) made.note = word(3);
    made.greeting = word(6);
    made.blob = word(20);
    made.origin = spot();
    if (coin()) made.target = spot();
    for (std::uint32_t i = below(4); i > 0; --i) made.numbers.push_back(engine_());
    for (std::uint32_t i = below(4); i > 0; --i) made.tags.push_back(word(9));
    for (std::uint32_t i = below(4); i > 0; --i) made.path.push_back(spot());
    for (std::uint32_t i = below(4); i > 0; --i) made.counts[word(3)] = static_cast<int>(i);
    for (std::uint32_t i = below(4); i > 0; --i)
      made.places[static_cast<std::uint16_t>(engine_())] = spot();
    choose(made);
    if (coin()) made.extra.emplace(below(3), static_cast<std::int32_t>(engine_()));
    return made;
  }

 private:
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(engine_() % bound); }
  bool coin() { return below(2) == 0; }
  std::string word(std::uint32_t size_max) {
    std::string made(below(size_max + 1), ' ');
    for (char& one : made) one = static_cast<char>(engine_());
    return made;
  }
  point spot() { return {static_cast<std::int32_t>(engine_()), word(5)}; }
  void choose(sample& made) {
    switch (below(4)) {
      case 1: made.choice = static_cast<std::int64_t>(engine_()); break;
      case 2: made.choice = word(7); break;
      case 3: made.choice = spot(); break;
      default: break;
    }
  }

  std::mt19937_64 engine_;
};

}  // namespace codec_test
