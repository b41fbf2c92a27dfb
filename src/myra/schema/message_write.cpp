// encode_message: JSON to the canonical bytes.
#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "myra/schema/diagnostics.hpp"
#include "myra/schema/json_input.hpp"
#include "myra/schema/message_scalar.hpp"
#include "myra/schema/message_text.hpp"

namespace myra::schema {
namespace {

using json = message_json;

/// The first thing that is wrong ends the writing.
struct unwritable {
  std::string what;
};
/// The ends do not fit into two bytes.
struct needs_wide_ends {};

class message_writer {
 public:
  message_writer(const message_type& type, std::uint32_t width)
      : schema_(type.schema), places_(type.places), width_(width) {}

  std::string write(std::uint32_t index, const json& from) {
    std::string made(1, static_cast<char>(0x10 + width_));
    made += container(index, from, schema_.messages[index].name);
    if (made.size() > (width_ == 2 ? 0xffffu : 0xffffffffu)) throw needs_wide_ends();
    return made;
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
      std::string bytes;
      if (each.fixed_capacity != 0)
        put_held(bytes, each, text(each.value.kind, given, path), path);
      else
        put_scalar(bytes, each.value, given, path);
      put_at(target, placed, bytes);
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
      put_literal(text, schema_, each.value, each.default_value);
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

  static std::string text(type_kind kind, const json& given, const std::string& path) {
    auto made = text_of(kind, given);
    if (!made) refuse(path, shown(given), made.error());
    return std::move(*made);
  }

  std::string slot_of(const field& each, const json& given, const std::string& path) {
    if (is_repeated(each.given)) return list(each, given, path);
    if (each.value.kind == type_kind::oneof) return choice(each, given, path);
    if (each.value.kind == type_kind::map) return map(each.value, given, path);
    return heap_value(each.value, given, path);
  }

  std::string heap_value(const type& of, const json& given, const std::string& path) {
    if (of.kind != type_kind::message) return text(of.kind, given, path);
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
      made.slots.push_back(text(each.value.kind, one, path));
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
    made.order = key_order(schema_, of.parameters[0], bytes);
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

  void put_scalar(std::string& out, const type& of, const json& given, const std::string& path) {
    if (of.array_count == 0) return put_one(out, of, given, path);
    if (!given.is_array() || given.size() != of.array_count)
      refuse(path, shown(given), "a list of " + std::to_string(of.array_count));
    for (const json& one : given) put_one(out, of, one, path);
  }

  void put_one(std::string& out, const type& of, const json& given, const std::string& path) {
    const auto value = scalar_of(schema_, of, given);
    if (!value) refuse(path, shown(given), value.error());
    put_literal(out, schema_, of, *value);
  }

  const model& schema_;
  const layout& places_;
  std::uint32_t width_;
  std::uint32_t depth_ = 0;
};

}  // namespace

std::expected<std::string, std::string> encode_message(const message_type& type,
                                                       std::string_view text) {
  const auto parsed = read_json(text, std::size_t{4} * message_depth_max);
  if (!parsed) return std::unexpected(parsed.error());
  for (const std::uint32_t width : {2u, 4u}) {
    try {
      return message_writer(type, width).write(type.index, *parsed);
    } catch (const needs_wide_ends&) {
      if (width == 4) return std::unexpected("the message is larger than 4 GiB");
    } catch (const unwritable& wrong) {
      return std::unexpected(wrong.what);
    } catch (const json::exception& wrong) {
      return std::unexpected(std::string(wrong.what()));
    }
  }
  std::unreachable();
}

}  // namespace myra::schema
