// Twenty versions of one schema, each a step from the one before it: what every version writes,
// every version reads.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "v00.hpp"
#include "v01.hpp"
#include "v02.hpp"
#include "v03.hpp"
#include "v04.hpp"
#include "v05.hpp"
#include "v06.hpp"
#include "v07.hpp"
#include "v08.hpp"
#include "v09.hpp"
#include "v10.hpp"
#include "v11.hpp"
#include "v12.hpp"
#include "v13.hpp"
#include "v14.hpp"
#include "v15.hpp"
#include "v16.hpp"
#include "v17.hpp"
#include "v18.hpp"
#include "v19.hpp"

// A deprecated field is written and read as well.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace codec_test {
namespace {

using bytes = std::vector<std::byte>;

struct point {
  std::int32_t x = 0;
  std::optional<std::string> label;  ///< None: the reader does not know of labels.
  std::optional<std::int16_t> y;

  friend bool operator==(const point&, const point&) = default;
};

struct stage {
  std::uint8_t level = 0;
  std::optional<std::string> title;

  friend bool operator==(const stage&, const stage&) = default;
};

/// All that any version can say of an order. None: the version cannot say it.
struct contents {
  std::uint64_t id = 0;
  std::string symbol;
  std::uint8_t way = 0;
  std::int64_t price = 0;
  std::optional<std::optional<std::string>> note = {};
  std::optional<std::int32_t> size = {};
  std::optional<bool> is_open = {};
  std::optional<std::optional<point>> origin = {};
  std::optional<std::vector<std::uint16_t>> fills = {};
  std::optional<std::vector<point>> legs = {};
  std::optional<std::map<std::string, std::int32_t>> counts = {};
  std::optional<std::variant<std::monostate, std::int64_t, std::string>> choice = {};
  std::optional<std::string> code = {};
  std::optional<std::optional<bool>> is_maker = {};
  std::optional<std::string> greeting = {};
  std::optional<std::vector<stage>> stages = {};

  friend bool operator==(const contents&, const contents&) = default;
};

template <class Builder>
void fill_point(Builder& to, const point& from) {
  to.x(from.x);
  if constexpr (requires { to.label(*from.label); }) to.label(*from.label);
  if constexpr (requires { to.y(from.y); }) to.y(from.y);
}

template <class Builder>
void fill_stage(Builder& to, const stage& from) {
  to.level(from.level);
  if constexpr (requires { to.title(*from.title); }) to.title(*from.title);
}

template <class Builder>
void fill_first_half(Builder& to, const contents& from) {
  if constexpr (requires { to.price(from.price); }) {
    to.price(from.price);
  } else {
    to.limit_price(from.price);
  }
  if constexpr (requires { to.note(*from.note); }) to.note(*from.note);
  if constexpr (requires { to.size(*from.size); }) to.size(*from.size);
  if constexpr (requires { to.is_open(*from.is_open); }) to.is_open(*from.is_open);
  const auto fill_origin = [&from](auto& inside) { fill_point(inside, **from.origin); };
  if constexpr (requires { to.origin(fill_origin); }) {
    if (*from.origin) to.origin(fill_origin);
  }
  if constexpr (requires { to.fills(*from.fills); }) to.fills(*from.fills);
}

template <class Builder>
void fill_second_half(Builder& to, const contents& from) {
  const auto fill_leg = [](auto& inside, const point& leg) { fill_point(inside, leg); };
  if constexpr (requires { to.legs(*from.legs, fill_leg); }) to.legs(*from.legs, fill_leg);
  if constexpr (requires { to.counts(*from.counts); }) to.counts(*from.counts);
  if constexpr (requires { to.choice_number(std::int64_t{}); }) {
    if (from.choice->index() == 1) to.choice_number(std::get<1>(*from.choice));
  }
  if constexpr (requires { to.choice_word(std::string_view()); }) {
    if (from.choice->index() == 2) to.choice_word(std::get<2>(*from.choice));
  }
  if constexpr (requires { to.code(*from.code); }) to.code(*from.code);
  if constexpr (requires { to.is_maker(*from.is_maker); }) to.is_maker(*from.is_maker);
  if constexpr (requires { to.greeting(*from.greeting); }) to.greeting(*from.greeting);
  const auto fill_one = [](auto& inside, const stage& one) { fill_stage(inside, one); };
  if constexpr (requires { to.stages(*from.stages, fill_one); }) to.stages(*from.stages, fill_one);
}

template <class Side, class Builder>
bytes filled(Builder to, const contents& from) {
  to.id(from.id).symbol(from.symbol).way(Side{from.way});
  fill_first_half(to, from);
  fill_second_half(to, from);
  const auto message = to.finish();
  EXPECT_TRUE(message) << describe(message.error());
  return message ? bytes(message->begin(), message->end()) : bytes();
}

template <class View>
point read_point(const View& from) {
  point to{.x = from.x(), .label = {}, .y = {}};
  if constexpr (requires { from.label(); }) to.label = std::string(from.label());
  if constexpr (requires { from.y(); }) to.y = from.y();
  return to;
}

template <class View>
stage read_stage(const View& from) {
  stage to{.level = from.level(), .title = {}};
  if constexpr (requires { from.title(); }) to.title = std::string(from.title());
  return to;
}

template <class View>
void read_first_half(const View& from, contents& to) {
  if constexpr (requires { from.price(); }) {
    to.price = from.price();
  } else {
    to.price = from.limit_price();
  }
  if constexpr (requires { from.note(); }) {
    const auto note = from.note();
    to.note.emplace(note ? std::optional(std::string(*note)) : std::nullopt);
  }
  if constexpr (requires { from.size(); }) to.size = from.size();
  if constexpr (requires { from.is_open(); }) to.is_open = from.is_open();
  if constexpr (requires { from.origin(); }) {
    const auto origin = from.origin();
    to.origin.emplace(origin ? std::optional(read_point(*origin)) : std::nullopt);
  }
  if constexpr (requires { from.fills(); })
    to.fills.emplace(from.fills().begin(), from.fills().end());
}

template <class View>
void read_second_half(const View& from, contents& to) {
  if constexpr (requires { from.legs(); }) {
    to.legs.emplace();
    for (const auto leg : from.legs()) to.legs->push_back(read_point(leg));
  }
  if constexpr (requires { from.counts(); }) {
    to.counts.emplace();
    for (const auto [key, value] : from.counts()) to.counts->emplace(key, value);
  }
  if constexpr (requires { from.choice_number(); }) {
    to.choice.emplace();
    if (const auto number = from.choice_number()) to.choice->template emplace<1>(*number);
  }
  if constexpr (requires { from.choice_word(); }) {
    if (const auto word = from.choice_word()) to.choice->template emplace<2>(*word);
  }
  if constexpr (requires { from.code(); }) to.code = std::string(from.code());
  if constexpr (requires { from.is_maker(); }) to.is_maker.emplace(from.is_maker());
  if constexpr (requires { from.greeting(); }) to.greeting = std::string(from.greeting());
  if constexpr (requires { from.stages(); }) {
    to.stages.emplace();
    for (const auto one : from.stages()) to.stages->push_back(read_stage(one));
  }
}

/// One version, without its types.
struct version {
  bytes (*write)(const contents&);
  bytes (*write_large)(const contents&);
  std::optional<contents> (*read)(myra::byte_view);
};

template <class Order, class Side>
constexpr version version_of() {
  constexpr std::size_t enough = 4096;
  return {
      .write =
          [](const contents& from) {
            std::array<std::byte, enough> memory;
            return filled<Side>(Order::build(memory), from);
          },
      .write_large =
          [](const contents& from) {
            std::array<std::byte, enough> memory;
            return filled<Side>(Order::build_large(memory), from);
          },
      .read = [](myra::byte_view message) -> std::optional<contents> {
        const auto view = Order::verify(message);
        if (!view) return std::nullopt;
        contents to{.id = view->id(),
                    .symbol = std::string(view->symbol()),
                    .way = std::to_underlying(view->way())};
        read_first_half(*view, to);
        read_second_half(*view, to);
        return to;
      },
  };
}

constexpr version versions[] = {
    version_of<v00::order, v00::side>(), version_of<v01::order, v01::side>(),
    version_of<v02::order, v02::side>(), version_of<v03::order, v03::side>(),
    version_of<v04::order, v04::side>(), version_of<v05::order, v05::side>(),
    version_of<v06::order, v06::side>(), version_of<v07::order, v07::side>(),
    version_of<v08::order, v08::side>(), version_of<v09::order, v09::side>(),
    version_of<v10::order, v10::side>(), version_of<v11::order, v11::side>(),
    version_of<v12::order, v12::side>(), version_of<v13::order, v13::side>(),
    version_of<v14::order, v14::side>(), version_of<v15::order, v15::side>(),
    version_of<v16::order, v16::side>(), version_of<v17::order, v17::side>(),
    version_of<v18::order, v18::side>(), version_of<v19::order, v19::side>(),
};

// The versions in which something came or went, as the schemas say in their first lines.
constexpr std::size_t note_came = 1;
constexpr std::size_t size_came = 2;
constexpr std::size_t is_open_came = 3;
constexpr std::size_t origin_came = 5;
constexpr std::size_t fills_came = 6;
constexpr std::size_t legs_came = 7;
constexpr std::size_t label_came = 8;
constexpr std::size_t note_went = 10;
constexpr std::size_t counts_came = 11;
constexpr std::size_t choice_came = 12;
constexpr std::size_t word_came = 13;
constexpr std::size_t code_came = 14;
constexpr std::size_t is_maker_came = 15;
constexpr std::size_t y_came = 16;
constexpr std::size_t greeting_came = 17;
constexpr std::size_t default_changed = 17;
constexpr std::size_t stages_came = 18;
constexpr std::size_t title_came = 19;

/// What a reader sees of a value that came with version `came`.
template <class T>
std::optional<T> seen(std::size_t writer, std::size_t reader, std::size_t came, const T& written,
                      const T& otherwise) {
  if (reader < came) return std::nullopt;
  return writer < came ? otherwise : written;
}

point seen(std::size_t writer, std::size_t reader, const point& written) {
  point made{.x = written.x, .label = {}, .y = {}};
  made.label = seen(writer, reader, label_came, *written.label, std::string());
  if (writer >= y_came && reader >= y_came) made.y = written.y;
  return made;
}

void expect_inside(std::size_t writer, std::size_t reader, const contents& written,
                   contents& made) {
  if (made.origin && *made.origin) made.origin = seen(writer, reader, **written.origin);
  if (made.legs) {
    for (point& leg : *made.legs) leg = seen(writer, reader, leg);
  }
  if (made.choice && made.choice->index() == 2 && std::min(writer, reader) < word_came)
    made.choice.emplace();
  if (made.stages) {
    for (stage& one : *made.stages)
      one.title = seen(writer, reader, title_came, *one.title, std::string());
  }
}

/// What version `reader` is to see of what version `writer` was given.
contents expected(std::size_t writer, std::size_t reader, const contents& written) {
  const auto of = [&](std::size_t came, const auto& value, const auto& otherwise) {
    return seen(writer, reader, came, *value, otherwise);
  };
  contents made{
      .id = written.id, .symbol = written.symbol, .way = written.way, .price = written.price};
  if (reader >= note_came && reader < note_went)
    made.note.emplace(writer >= note_came && writer < note_went ? *written.note : std::nullopt);
  made.size = of(size_came, written.size, reader < default_changed ? 7 : 9);
  made.is_open = of(is_open_came, written.is_open, false);
  made.origin = of(origin_came, written.origin, std::optional<point>());
  made.fills = of(fills_came, written.fills, std::vector<std::uint16_t>());
  made.legs = of(legs_came, written.legs, std::vector<point>());
  made.counts = of(counts_came, written.counts, std::map<std::string, std::int32_t>());
  made.choice =
      of(choice_came, written.choice, std::variant<std::monostate, std::int64_t, std::string>());
  made.code = of(code_came, written.code, std::string("none"));
  made.is_maker = of(is_maker_came, written.is_maker, std::optional<bool>());
  made.greeting = of(greeting_came, written.greeting, std::string("hello"));
  made.stages = of(stages_came, written.stages, std::vector<stage>());
  expect_inside(writer, reader, written, made);
  return made;
}

class sampler {
 public:
  contents next() {
    contents made;
    made.id = engine_();
    made.symbol = word(6);
    made.way = static_cast<std::uint8_t>(1 + below(3));
    made.price = static_cast<std::int64_t>(engine_());
    made.note.emplace(coin() ? std::optional(word(4)) : std::nullopt);
    made.size = static_cast<std::int32_t>(engine_());
    made.is_open = coin();
    made.origin.emplace(coin() ? std::optional(spot()) : std::nullopt);
    made.fills.emplace(below(4), static_cast<std::uint16_t>(engine_()));
    made.legs.emplace();
    for (std::uint32_t left = below(4); left > 0; --left) made.legs->push_back(spot());
    made.counts.emplace();
    for (std::uint32_t left = below(4); left > 0; --left)
      (*made.counts)[word(3)] = static_cast<std::int32_t>(engine_());
    made.choice.emplace();
    if (coin()) made.choice->emplace<1>(static_cast<std::int64_t>(engine_()));
    if (coin()) made.choice->emplace<2>(word(5));
    made.code = word(4);
    made.is_maker.emplace(coin() ? std::optional(coin()) : std::nullopt);
    made.greeting = word(5);
    made.stages.emplace();
    for (std::uint32_t left = below(3); left > 0; --left)
      made.stages->push_back({static_cast<std::uint8_t>(left), word(3)});
    return made;
  }

 private:
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(engine_() % bound); }
  bool coin() { return below(2) == 0; }
  std::string word(std::uint32_t size_max) {
    std::string made(below(size_max + 1), ' ');
    for (char& one : made) one = static_cast<char>('a' + below(26));
    return made;
  }
  point spot() {
    return {static_cast<std::int32_t>(engine_()), word(5),
            coin() ? std::optional(static_cast<std::int16_t>(engine_())) : std::nullopt};
  }

  std::mt19937_64 engine_{1};
};

TEST(evolution, each_version_reads_what_each_writes) {
  constexpr int rounds = 25;
  sampler random;
  for (int round = 0; round < rounds; ++round) {
    const contents written = random.next();
    for (std::size_t writer = 0; writer < std::size(versions); ++writer) {
      const bytes message = versions[writer].write(written);
      const bytes large = versions[writer].write_large(written);
      for (std::size_t reader = 0; reader < std::size(versions); ++reader) {
        const contents wanted = expected(writer, reader, written);
        ASSERT_TRUE(versions[reader].read(message) == wanted)
            << "written by version " << writer << ", read by version " << reader;
        ASSERT_TRUE(versions[reader].read(large) == wanted)
            << "written wide by version " << writer << ", read by version " << reader;
      }
    }
  }
}

TEST(evolution, a_message_of_any_version_that_is_cut_is_refused_by_each) {
  sampler random;
  const contents written = random.next();
  for (std::size_t writer = 0; writer < std::size(versions); writer += 3) {
    const bytes message = versions[writer].write(written);
    for (std::size_t size = 0; size < message.size(); ++size) {
      for (const version& reader : versions)
        ASSERT_EQ(reader.read({message.data(), size}), std::nullopt) << writer << ' ' << size;
    }
  }
}

TEST(evolution, what_a_newer_version_wrote_is_canonical_when_written_again) {
  sampler random;
  std::array<std::byte, 4096> memory;
  for (int i = 0; i < 100; ++i) {
    const contents written = random.next();
    const bytes newer = versions[19].write(written);
    const auto view = v05::order::verify(newer);
    ASSERT_TRUE(view);
    const auto made = myra::codec::canonical(*view, memory);
    ASSERT_TRUE(made);
    contents known = expected(19, 5, written);
    const bytes mine = versions[5].write(known);
    ASSERT_EQ(bytes(made->begin(), made->end()), mine);
    EXPECT_FALSE(myra::codec::verify_canonical<v05::order>(newer, memory));
  }
}

TEST(evolution, unknown_values_of_an_enum_are_kept) {
  contents written = sampler().next();
  written.way = 3;
  EXPECT_EQ(name_of(v19::side{3}), "short_sell");
  EXPECT_EQ(name_of(v00::side{3}), "");
  const bytes message = versions[19].write(written);
  const auto view = v00::order::verify(message);
  ASSERT_TRUE(view);
  EXPECT_EQ(std::to_underlying(view->way()), 3);
}

TEST(evolution, an_alternative_that_is_unknown_is_told_from_none) {
  contents written = sampler().next();
  written.choice.emplace("word");
  const bytes message = versions[13].write(written);
  const auto view = v12::order::verify(message);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->choice_number(), std::nullopt);
  EXPECT_NE(view->choice_which(), v12::order_view::choice_kind::none);
  EXPECT_EQ(std::to_underlying(view->choice_which()), 2);
}

}  // namespace
}  // namespace codec_test
