// random_json: a message that a seed chooses.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "myra/schema/literal.hpp"
#include "myra/schema/message_text.hpp"

namespace myra::schema {
namespace {

using json = nlohmann::ordered_json;

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers everywhere.
class number_source {
 public:
  explicit number_source(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  bool one_in(std::uint64_t count) { return below(count) == 0; }

 private:
  std::uint64_t state_;
};

class message_maker {
 public:
  message_maker(const message_type& type, std::uint64_t seed)
      : schema_(type.schema), numbers_(seed) {}

  json make(std::uint32_t index) {
    json made = json::object();
    ++depth_;
    for (const field& each : schema_.messages[index].fields) {
      --budget_;
      const bool is_spent = budget_ < 0 || depth_ > depth_wanted;
      const bool may_be_absent = is_optional(each.given) || each.value.kind == type_kind::message ||
                                 each.value.kind == type_kind::oneof;
      if (may_be_absent && (is_spent ? true : is_optional(each.given) && numbers_.one_in(3)))
        continue;
      made[each.name] = value_of(each, is_spent);
    }
    --depth_;
    return made;
  }

 private:
  static constexpr int depth_wanted = 5;
  static constexpr std::int64_t size_wanted = 400;  ///< Fields and elements, more or less.

  json value_of(const field& each, bool is_spent) {
    if (!is_repeated(each.given)) return one(each, each.value, is_spent);
    json made = json::array();
    for (std::uint64_t count = is_spent ? 0 : list_size(); count > 0; --count)
      made.push_back(one(each, each.value, false));
    return made;
  }

  std::uint64_t list_size() { return numbers_.one_in(20) ? numbers_.below(40) : numbers_.below(5); }

  json one(const field& each, const type& of, bool is_spent) {
    --budget_;
    if (of.kind == type_kind::oneof) {
      const auto& chosen = each.alternatives[numbers_.below(each.alternatives.size())];
      return json{{chosen.name, one(chosen, chosen.value, is_spent)}};
    }
    if (of.kind == type_kind::map) return map(each, of, is_spent);
    if (of.kind == type_kind::message) return depth_ > depth_wanted ? json() : make(of.index);
    if (of.kind == type_kind::string) return text(each.fixed_capacity);
    if (of.kind == type_kind::bytes) return hex_text(bytes(each.fixed_capacity));
    if (of.array_count == 0) return scalar(of);
    json made = json::array();
    for (std::uint32_t i = 0; i < of.array_count; ++i) made.push_back(scalar(of));
    return made;
  }

  json map(const field& each, const type& of, bool is_spent) {
    json made = json::array();
    std::vector<json> keys;
    field plain;  // The capacity is that of the field and not of its keys.
    plain.alternatives = each.alternatives;
    for (std::uint64_t count = is_spent ? 0 : list_size(); count > 0; --count) {
      json key = one(plain, of.parameters[0], false);
      if (std::ranges::count(keys, key) != 0) continue;
      keys.push_back(key);
      json value = one(plain, of.parameters[1], false);
      made.push_back({{"key", std::move(key)}, {"value", std::move(value)}});
    }
    return made;
  }

  std::string text(std::uint32_t capacity) {
    constexpr std::string_view pieces[] = {"a",  "Z", "0", " ",  "\"", "\\",
                                           "\n", "ä", "€", "😀", "x"};
    std::string made;
    const std::uint64_t count = numbers_.one_in(30) ? numbers_.below(300) : numbers_.below(20);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string_view piece = pieces[numbers_.below(std::size(pieces))];
      if (capacity != 0 && made.size() + piece.size() > capacity) break;
      made += piece;
    }
    return made;
  }

  std::string bytes(std::uint32_t capacity) {
    std::uint64_t count = numbers_.one_in(30) ? numbers_.below(300) : numbers_.below(20);
    if (capacity != 0) count = std::min<std::uint64_t>(count, capacity);
    std::string made;
    for (std::uint64_t i = 0; i < count; ++i) made += static_cast<char>(numbers_.next());
    return made;
  }

  json scalar(const type& of) {
    switch (of.kind) {
      case type_kind::boolean: return numbers_.one_in(2);
      case type_kind::float32:
      case type_kind::float64: return floating(of.kind);
      case type_kind::uuid: {
        uuid_literal id{};
        for (std::uint8_t& each : id) each = static_cast<std::uint8_t>(numbers_.next());
        return uuid_text(id);
      }
      case type_kind::decimal:
        return decimal_text({static_cast<std::int64_t>(integer(type_kind::int64)),
                             static_cast<std::int8_t>(numbers_.next())});
      case type_kind::enumeration: return enum_value_of(schema_.enums[of.index]);
      default: return whole(of.kind);
    }
  }

  /// Small, large or extreme.
  std::uint64_t integer(type_kind kind) {
    const integer_range range = range_of(kind);
    if (numbers_.one_in(10)) return static_cast<std::uint64_t>(range.least);
    if (numbers_.one_in(10)) return range.greatest;
    const std::uint64_t span = range.greatest - static_cast<std::uint64_t>(range.least);
    if (numbers_.one_in(2)) return numbers_.below(std::min<std::uint64_t>(span, 100));
    return static_cast<std::uint64_t>(range.least) +
           (span == UINT64_MAX ? numbers_.next() : numbers_.below(span + 1));
  }

  json whole(type_kind kind) {
    const std::uint64_t value = integer(kind);
    if (range_of(kind).least < 0) return static_cast<std::int64_t>(value);
    return value;
  }

  json floating(type_kind kind) {
    if (numbers_.one_in(20)) return numbers_.one_in(2) ? "inf" : "nan";
    const auto mantissa = static_cast<double>(static_cast<std::int64_t>(numbers_.next()) >> 40);
    const double made = std::ldexp(mantissa, static_cast<int>(numbers_.below(60)) - 40);
    return kind == type_kind::float32 ? static_cast<double>(static_cast<float>(made)) : made;
  }

  json enum_value_of(const enumeration& of) {
    if (numbers_.one_in(10)) {  // One that the schema may not know.
      const std::uint64_t value = integer(of.underlying);
      for (const enum_value& each : of.values)
        if (each.number == value) return each.name;
      return range_of(of.underlying).least < 0 ? json(static_cast<std::int64_t>(value))
                                               : json(value);
    }
    return of.values[numbers_.below(of.values.size())].name;
  }

  const model& schema_;
  number_source numbers_;
  int depth_ = 0;
  std::int64_t budget_ = size_wanted;
};

}  // namespace

std::string random_json(const message_type& type, std::uint64_t seed) {
  return message_maker(type, seed).make(type.index).dump(2);
}

}  // namespace myra::schema
