// The three other shapes through Myra's codec, as a user would write it.
#pragma once

#include <bit>
#include <cstdint>

#include "bench_shapes.hpp"
#include "codec/checksum.hpp"
#include "codec/contender.hpp"
#include "codec/shapes.hpp"

namespace codec_bench {

struct myra_tick {
  static constexpr const char* name = "myra";

  [[gnu::noinline]] static byte_run encode(const bench_plain::tick& from, room to) {
    auto tick = bench_shapes::tick::build({to.data, to.size});
    tick.id(from.id).price(from.price).quantity(from.quantity).at(from.at);
    tick.ratio(from.ratio).weight(from.weight).venue(from.venue).instrument(from.instrument);
    tick.flags(from.flags).way(from.way).is_open(from.is_open).is_auction(from.is_auction);
    const auto message = tick.finish();
    return message ? byte_run{message->data(), message->size()} : byte_run();
  }
  [[gnu::noinline]] static std::uint64_t decode(byte_run from) {
    const auto tick = bench_shapes::tick::verify({from.data, from.size});
    if (!tick) return 0;
    checksum sum;
    sum.add(tick->id());
    sum.add(static_cast<std::uint64_t>(tick->price()));
    sum.add(static_cast<std::uint64_t>(tick->quantity()));
    sum.add(static_cast<std::uint64_t>(tick->at()));
    sum.add(std::bit_cast<std::uint64_t>(tick->ratio()));
    sum.add(std::bit_cast<std::uint64_t>(tick->weight()));
    sum.add(tick->venue());
    sum.add(tick->instrument());
    sum.add(tick->flags());
    sum.add(tick->way());
    sum.add(tick->is_open());
    sum.add(tick->is_auction());
    return sum.value();
  }
  [[gnu::noinline]] static std::uint64_t access(byte_run from) {
    const auto tick = bench_shapes::tick::verify({from.data, from.size});
    return tick ? tick->is_auction() : 0;
  }
};

struct myra_person {
  static constexpr const char* name = "myra";

  [[gnu::noinline]] static byte_run encode(const bench_plain::person& from, room to) {
    auto person = bench_shapes::person::build({to.data, to.size});
    const auto& texts = from.texts;
    person.first_name(texts[0]).last_name(texts[1]).street(texts[2]).city(texts[3]);
    person.country(texts[4]).mail(texts[5]).phone(texts[6]).note(texts[7]).tags(from.tags);
    const auto message = person.finish();
    return message ? byte_run{message->data(), message->size()} : byte_run();
  }
  [[gnu::noinline]] static std::uint64_t decode(byte_run from) {
    const auto person = bench_shapes::person::verify({from.data, from.size});
    if (!person) return 0;
    checksum sum;
    sum.add(person->first_name());
    sum.add(person->last_name());
    sum.add(person->street());
    sum.add(person->city());
    sum.add(person->country());
    sum.add(person->mail());
    sum.add(person->phone());
    sum.add(person->note());
    for (const std::string_view tag : person->tags()) sum.add(tag);
    return sum.value();
  }
  [[gnu::noinline]] static std::uint64_t access(byte_run from) {
    const auto person = bench_shapes::person::verify({from.data, from.size});
    if (!person) return 0;
    std::uint64_t sum = person->note().size();
    const auto tags = person->tags();
    if (tags.size() > 2) sum += tags[2].size();
    return sum;
  }
};

struct myra_box {
  static constexpr const char* name = "myra";

  [[gnu::noinline]] static byte_run encode(const bench_plain::box& from, room to) {
    auto box = bench_shapes::box1::build({to.data, to.size});
    put<0>(box, from);
    const auto message = box.finish();
    return message ? byte_run{message->data(), message->size()} : byte_run();
  }
  [[gnu::noinline]] static std::uint64_t decode(byte_run from) {
    const auto box = bench_shapes::box1::verify({from.data, from.size});
    if (!box) return 0;
    checksum sum;
    add(*box, sum);
    return sum.value();
  }
  [[gnu::noinline]] static std::uint64_t access(byte_run from) {
    const auto box = bench_shapes::box1::verify({from.data, from.size});
    return box ? box->inner().inner().inner().inner().inner().id() : 0;
  }

 private:
  template <std::size_t Level, class Builder>
  [[gnu::always_inline]] static void put(Builder& to, const bench_plain::box& from) {
    to.id(from.ids[Level]).label(from.labels[Level]);
    if constexpr (Level + 1 < bench_plain::box::depth)
      to.inner([&from](auto& inner) { put<Level + 1>(inner, from); });
  }
  template <class View>
  [[gnu::always_inline]] static void add(const View& from, checksum& sum) {
    sum.add(from.id());
    sum.add(from.label());
    if constexpr (requires { from.inner(); }) add(from.inner(), sum);
  }
};

}  // namespace codec_bench
