// encode_message: JSON to the canonical bytes.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "myra/schema/diagnostics.hpp"
#include "myra/schema/literal.hpp"
#include "myra/schema/message_text.hpp"

namespace myra::schema {
namespace {

using json = nlohmann::ordered_json;

/// The first thing that is wrong ends the writing.
struct unwritable {
  std::string what;
};
/// The ends do not fit into two bytes.
struct needs_wide_ends {};

void put_number(std::string& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i));
}

class message_writer {
 public:
  message_writer(const message_type& type, std::uint32_t width)
      : schema_(type.schema), places_(type.places), width_(width) {}

  std::string write(std::uint32_t index, const json& from) {
    return static_cast<char>(0x10 + width_) + container(index, from, schema_.messages[index].name);
  }

 private:
  /// The fixed part of a message or an element, and its share of the heap.
  struct block {
    std::string scalars;
    std::vector<std::string> slots;
  };

  [[noreturn]] static void refuse(const std::string& path, const std::string& found,
                                  const std::string& right) {
    throw unwritable{path + ": found " + found + ", expected " + right};
  }
  static std::string shown(const json& found) {
    const std::string text = found.dump(-1, ' ', false, json::error_handler_t::replace);
    return text.size() > 60 ? text.substr(0, 60) + "..." : text;
  }

  std::string container(std::uint32_t index, const json& from, const std::string& path) {
    if (++depth_ > message_depth_max) throw unwritable{path + ": nested too deep"};
    const block made = block_of(index, from, path);
    --depth_;
    std::string out;
    put_shape(out, made.slots.size(), made.scalars.size());
    std::uint64_t last = 0;
    put_fixed(out, made, last);
    for (const std::string& each : made.slots) out += each;
    return out;
  }

  static void put_shape(std::string& out, std::size_t slots, std::size_t scalars) {
    put_number(out, slots, 1);
    put_number(out, scalars, 2);
  }

  /// The ends, last first, then the scalars; `last` is the end before the first slot and becomes
  /// that of the last.
  void put_fixed(std::string& out, const block& from, std::uint64_t& last) const {
    std::vector<std::uint64_t> ends;
    for (const std::string& each : from.slots) ends.push_back(last += each.size());
    if (last > (width_ == 2 ? 0xffffu : 0xffffffffu)) throw needs_wide_ends();
    for (std::size_t i = ends.size(); i-- > 0;) put_number(out, ends[i], width_);
    out += from.scalars;
  }

  block block_of(std::uint32_t index, const json& from, const std::string& path) {
    if (!from.is_object()) refuse(path, shown(from), "an object with the fields of the message");
    const message& type = schema_.messages[index];
    const message_layout& places = places_.messages[index];
    check_keys(type.fields, from, path);
    block made{std::string(places.scalar_size_bytes, '\0'),
               std::vector<std::string>(places.slot_count)};
    for (std::size_t i = 0; i < type.fields.size(); ++i) {
      const field& each = type.fields[i];
      const auto given = from.find(each.name);
      put_field(made, each, places.fields[i].placed, given == from.end() ? json() : *given,
                path + '.' + each.name);
    }
    return made;
  }

  static void check_keys(const std::vector<field>& fields, const json& from,
                         const std::string& path) {
    std::vector<std::string> known;
    for (const field& each : fields) known.push_back(each.name);
    std::ranges::sort(known);
    for (const auto& [key, value] : from.items())
      if (!std::ranges::binary_search(known, key))
        throw unwritable{path + ": there is no field " + in_quotes(key) + "; " +
                         suggestion(key, known, "its fields are " + enumerated(known))};
  }

  static void set_bit(block& target, std::uint32_t bit) {
    char& byte = target.scalars[bit / 8];
    byte = static_cast<char>(static_cast<unsigned char>(byte) | 1u << (bit % 8));
  }

  void put_field(block& target, const field& each, const placement& placed, const json& given,
                 const std::string& path) {
    const bool has_default = !std::holds_alternative<std::monostate>(each.default_value);
    if (given.is_null()) {
      if (placed.bit != placement::none || placed.slot != placement::none || !has_default) return;
      return put_default(target, each, placed);
    }
    if (placed.bit != placement::none) set_bit(target, placed.bit);
    if (placed.value_bit != placement::none) {
      if (!given.is_boolean()) refuse(path, shown(given), "true or false");
      if (given.get<bool>()) set_bit(target, placed.value_bit);
    } else if (placed.slot != placement::none) {
      target.slots[placed.slot] = slot_of(each, given, path);
    } else {
      std::string text;
      if (each.fixed_capacity != 0)
        put_held(text, each, text_of(each.value.kind, given, path), path);
      else
        put_scalar(text, each.value, given, path);
      put_at(target, placed, text);
    }
  }

  static void put_at(block& target, const placement& placed, const std::string& bytes) {
    std::ranges::copy(bytes, target.scalars.begin() + placed.offset_bytes);
  }

  void put_default(block& target, const field& each, const placement& placed) {
    if (placed.value_bit != placement::none) {
      if (std::get<bool>(each.default_value)) set_bit(target, placed.value_bit);
      return;
    }
    std::string text;
    if (each.fixed_capacity != 0)
      put_held(text, each, std::get<std::string>(each.default_value), each.name);
    else
      put_literal(text, each.value, each.default_value);
    put_at(target, placed, text);
  }

  static void put_held(std::string& out, const field& each, const std::string& text,
                       const std::string& path) {
    if (text.size() > each.fixed_capacity)
      refuse(path, std::to_string(text.size()) + " bytes",
             "at most " + std::to_string(each.fixed_capacity));
    put_number(out, text.size(), capacity_prefix_bytes(each.fixed_capacity));
    out += text + std::string(each.fixed_capacity - text.size(), '\0');
  }

  static std::string text_of(type_kind kind, const json& given, const std::string& path) {
    const bool is_hex = given.is_object() && given.size() == 1 && given.contains("hex");
    const json& text = is_hex ? given["hex"] : given;
    if (!text.is_string()) refuse(path, shown(given), "a text");
    if (kind == type_kind::string && !is_hex) return text.get<std::string>();
    const auto bytes = parse_literal(type_kind::bytes, text.get<std::string>());
    if (!bytes) refuse(path, shown(given), bytes.error());
    return std::get<std::string>(*bytes);
  }

  std::string slot_of(const field& each, const json& given, const std::string& path) {
    if (is_repeated(each.given)) return list(each, given, path);
    if (each.value.kind == type_kind::oneof) return choice(each, given, path);
    if (each.value.kind == type_kind::map) return map(each.value, given, path);
    return heap_value(each.value, given, path);
  }

  std::string heap_value(const type& of, const json& given, const std::string& path) {
    if (of.kind != type_kind::message) return text_of(of.kind, given, path);
    return given.is_null() ? "" : container(of.index, given, path);
  }

  std::string choice(const field& each, const json& given, const std::string& path) {
    if (!given.is_object() || given.size() > 1)
      refuse(path, shown(given), "an object with one alternative");
    if (given.empty()) return {};
    check_keys(each.alternatives, given, path);
    const std::string& name = given.items().begin().key();
    const auto chosen = std::ranges::find(each.alternatives, name, &field::name);
    std::string out;
    put_number(out, chosen->tag, 2);
    const std::string own_path = path + '.' + name;
    const json& value = *given.begin();
    if (has_slot(chosen->value))
      out += heap_value(chosen->value, value, own_path);
    else
      put_scalar(out, chosen->value, value, own_path);
    return out;
  }

  std::string list(const field& each, const json& given, const std::string& path) {
    if (!given.is_array()) refuse(path, shown(given), "a list");
    if (given.empty()) return {};
    std::vector<block> elements;
    if (++depth_ > message_depth_max) throw unwritable{path + ": nested too deep"};
    for (const json& one : given)
      elements.push_back(element(each, one, path + '[' + std::to_string(elements.size()) + ']'));
    --depth_;
    std::string out;
    put_count(out, elements.size());
    put_shape(out, elements[0].slots.size(), elements[0].scalars.size());
    put_elements(out, elements);
    return out;
  }

  void put_count(std::string& out, std::size_t count) const {
    if (width_ == 2 && count > 0xffff) throw needs_wide_ends();
    put_number(out, count, width_);
  }

  block element(const field& each, const json& one, const std::string& path) {
    if (each.value.kind == type_kind::message) return block_of(each.value.index, one, path);
    block made;
    if (has_slot(each.value))
      made.slots.push_back(text_of(each.value.kind, one, path));
    else
      put_scalar(made.scalars, each.value, one, path);
    return made;
  }

  void put_elements(std::string& out, const std::vector<block>& elements) const {
    std::uint64_t last = 0;
    for (const block& each : elements) put_fixed(out, each, last);
    for (const block& each : elements)
      for (const std::string& one : each.slots) out += one;
  }

  struct map_entry {
    std::string order;  ///< Its bytes sort as the keys do.
    block made;
  };

  std::string map(const type& of, const json& given, const std::string& path) {
    std::vector<map_entry> entries;
    if (++depth_ > message_depth_max) throw unwritable{path + ": nested too deep"};
    if (given.is_object() && of.parameters[0].kind == type_kind::string) {
      for (const auto& [key, value] : given.items())
        entries.push_back(entry(of, key, value, path + '.' + key));
    } else if (given.is_array()) {
      for (const json& pair : given) {
        const std::string own_path = path + '[' + std::to_string(entries.size()) + ']';
        if (!pair.is_object() || !pair.contains("key") || !pair.contains("value"))
          refuse(own_path, shown(pair), R"({"key": ..., "value": ...})");
        entries.push_back(entry(of, pair["key"], pair["value"], own_path));
      }
    } else {
      refuse(path, shown(given), "an object, or a list of keys and values");
    }
    --depth_;
    return map_bytes(std::move(entries), path);
  }

  std::string map_bytes(std::vector<map_entry> entries, const std::string& path) {
    if (entries.empty()) return {};
    std::ranges::sort(entries, {}, &map_entry::order);
    if (std::ranges::adjacent_find(entries, {}, &map_entry::order) != entries.end())
      throw unwritable{path + ": a key is given twice"};
    std::vector<block> elements;
    for (map_entry& each : entries) elements.push_back(std::move(each.made));
    std::string out;
    put_count(out, elements.size());
    put_elements(out, elements);
    return out;
  }

  map_entry entry(const type& of, const json& key, const json& value, const std::string& path) {
    const entry_layout places = lay_out_entry(schema_, of);
    map_entry made;
    made.made = {std::string(places.scalar_size_bytes, '\0'),
                 std::vector<std::string>(places.slot_count)};
    const std::string bytes = put_part(made.made, of.parameters[0], places.key, key, path + ".key");
    made.order = key_order(of.parameters[0], bytes);
    put_part(made.made, of.parameters[1], places.value, value, path + ".value");
    return made;
  }

  std::string put_part(block& target, const type& of, const placement& placed, const json& given,
                       const std::string& path) {
    std::string bytes;
    if (placed.slot != placement::none) {
      bytes = heap_value(of, given, path);
      target.slots[placed.slot] = bytes;
    } else {
      put_scalar(bytes, of, given, path);
      put_at(target, placed, bytes);
    }
    return bytes;
  }

  /// Big-endian with the sign turned over, which sorts as the numbers do.
  std::string key_order(const type& of, std::string bytes) const {
    const type_kind kind =
        of.kind == type_kind::enumeration ? schema_.enums[of.index].underlying : of.kind;
    if (kind == type_kind::string || kind == type_kind::uuid) return bytes;
    std::ranges::reverse(bytes);
    const auto range = range_of(kind);
    if (range && range->least < 0) bytes[0] = static_cast<char>(bytes[0] ^ '\x80');
    return bytes;
  }

  void put_scalar(std::string& out, const type& of, const json& given, const std::string& path) {
    if (of.array_count == 0) return put_one(out, of, given, path);
    if (!given.is_array() || given.size() != of.array_count)
      refuse(path, shown(given), "a list of " + std::to_string(of.array_count));
    for (const json& one : given) put_one(out, of, one, path);
  }

  void put_one(std::string& out, const type& of, const json& given, const std::string& path) {
    put_literal(out, of, scalar_of(of, given, path));
  }

  literal scalar_of(const type& of, const json& given, const std::string& path) const {
    const bool is_enum = of.kind == type_kind::enumeration;
    if (is_enum && given.is_string()) {
      const enumeration& names = schema_.enums[of.index];
      const auto known =
          std::ranges::find(names.values, given.get<std::string>(), &enum_value::name);
      if (known == names.values.end()) refuse(path, shown(given), "a value of enum " + names.name);
      return known->number;
    }
    const type_kind kind = is_enum ? schema_.enums[of.index].underlying : of.kind;
    const bool is_text = kind == type_kind::uuid || kind == type_kind::decimal;
    const bool is_float = kind == type_kind::float32 || kind == type_kind::float64;
    const bool may_be_text = is_text || is_float || kind >= type_kind::timestamp_nanos;
    if (kind == type_kind::boolean
            ? !given.is_boolean()
            : !(given.is_string() && may_be_text) && !(given.is_number_integer() && !is_text) &&
                  !(given.is_number() && is_float))
      refuse(path, shown(given),
             kind == type_kind::boolean ? "true or false" : std::string(kind_name(kind)));
    // Floats by value: their text would be cut.
    if (is_float && given.is_number()) return checked_float(kind, given, path);
    auto made = parse_literal(kind, given.is_string() ? given.get<std::string>() : given.dump());
    if (!made) refuse(path, shown(given), made.error());
    return std::move(*made);
  }

  static literal checked_float(type_kind kind, const json& given, const std::string& path) {
    const auto value = given.get<double>();
    if (kind == type_kind::float32 &&
        std::abs(value) > static_cast<double>(std::numeric_limits<float>::max()))
      refuse(path, shown(given), "a number that float32 can hold");
    return value;
  }

  void put_literal(std::string& out, const type& of, const literal& value) const {
    const std::size_t size = value_size_bytes(schema_, type{of.kind, of.index, 0, {}});
    if (const auto* truth = std::get_if<bool>(&value)) put_number(out, *truth ? 1 : 0, size);
    if (const auto* number = std::get_if<std::uint64_t>(&value)) put_number(out, *number, size);
    if (const auto* number = std::get_if<std::int64_t>(&value))
      put_number(out, static_cast<std::uint64_t>(*number), size);
    if (const auto* number = std::get_if<double>(&value)) put_float(out, *number, size);
    if (const auto* number = std::get_if<decimal_literal>(&value)) {
      put_number(out, static_cast<std::uint64_t>(number->mantissa), 8);
      put_number(out, static_cast<std::uint8_t>(number->exponent), 1);
    }
    if (const auto* id = std::get_if<uuid_literal>(&value)) out.append(id->begin(), id->end());
  }

  static void put_float(std::string& out, double value, std::size_t size) {
    if (size == 4) {
      const auto narrow = static_cast<float>(value);
      std::uint32_t bits = 0;
      std::memcpy(&bits, &narrow, sizeof bits);
      put_number(out, bits, 4);
    } else {
      std::uint64_t bits = 0;
      std::memcpy(&bits, &value, sizeof bits);
      put_number(out, bits, 8);
    }
  }

  const model& schema_;
  const layout& places_;
  std::uint32_t width_;
  std::uint32_t depth_ = 0;
};

constexpr std::size_t json_depth_max = 4 * message_depth_max;

/// Refuses what is nested deeper than any message.
bool depth_is_bearable(std::string_view text) {
  std::size_t depth = 0;
  bool is_in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_in_text) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        is_in_text = false;
    } else if (text[i] == '"') {
      is_in_text = true;
    } else if (text[i] == '{' || text[i] == '[') {
      if (++depth > json_depth_max) return false;
    } else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
      --depth;
    }
  }
  return true;
}

/// Refuses an object that has a key twice: one of the values would be lost.
class key_checker {
 public:
  bool operator()(int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open_.emplace_back();
    if (event == json::parse_event_t::object_end && !open_.empty()) open_.pop_back();
    if (event == json::parse_event_t::key && !open_.empty() &&
        !open_.back().insert(parsed.get<std::string>()).second && twice.empty())
      twice = parsed.get<std::string>();
    return true;
  }

  std::string twice;

 private:
  std::vector<std::unordered_set<std::string>> open_;
};

}  // namespace

std::expected<std::string, std::string> encode_message(const message_type& type,
                                                       std::string_view text) {
  if (!depth_is_bearable(text)) return std::unexpected("the JSON is nested too deep");
  key_checker keys;
  json parsed;
  try {
    parsed = json::parse(text, std::ref(keys));
  } catch (const json::exception& wrong) {
    return std::unexpected("not JSON: " + std::string(wrong.what()));
  }
  if (!keys.twice.empty())
    return std::unexpected("key " + in_quotes(keys.twice) + " is given twice in one object");
  for (const std::uint32_t width : {2u, 4u}) {
    try {
      return message_writer(type, width).write(type.index, parsed);
    } catch (const needs_wide_ends&) {
      // Again with four bytes an end.
    } catch (const unwritable& wrong) {
      return std::unexpected(wrong.what);
    } catch (const json::exception& wrong) {
      return std::unexpected(std::string(wrong.what()));
    }
  }
  return std::unexpected("the message is larger than 4 GiB");
}

}  // namespace myra::schema
