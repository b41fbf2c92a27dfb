// decode_message: the schema walks over the bytes, and checks each step.
#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>

#include "myra/schema/in_order.hpp"
#include "myra/schema/literal.hpp"
#include "myra/schema/message_scalar.hpp"
#include "myra/schema/message_text.hpp"

namespace myra::schema {
namespace {

using json = message_json;

/// The first thing that is wrong ends the reading.
struct broken {
  std::size_t offset;
  std::string what;
};

class message_reader {
 public:
  message_reader(const message_type& type, std::string_view bytes)
      : schema_(type.schema), places_(type.places), bytes_(bytes) {}

  json read(std::uint32_t index) {
    if (bytes_.empty()) refuse(0, "the message ends too early: it has no byte");
    const auto format = static_cast<unsigned char>(bytes_[0]);
    if (format != 0x12 && format != 0x14)
      refuse(0, "the first byte names no known format: found " + hex_text(bytes_.substr(0, 1)) +
                    ", expected 12 or 14");
    width_ = format & 15;
    note(0, 1, "format: ends have " + std::to_string(width_) + " bytes");
    return message_at(index, 1, bytes_.size(), schema_.messages[index].name);
  }

  std::vector<dump_piece> take_pieces() {
    return in_order(std::move(pieces_), &dump_piece::offset);
  }

 private:
  /// The fixed part of a message or an element, and its heap.
  struct block {
    std::size_t pivot = 0;
    std::uint32_t slots = 0;
    std::uint32_t scalars = 0;
    std::size_t heap = 0;
    std::uint32_t first_end = 0;  ///< Where slot 0 begins in the heap.
  };

  struct region {
    std::size_t begin = 0;
    std::size_t end = 0;
    [[nodiscard]] std::size_t size() const { return end - begin; }
  };

  [[noreturn]] static void refuse(std::size_t offset, std::string what) {
    throw broken{offset, std::move(what)};
  }

  void note(std::size_t offset, std::size_t size, std::string meaning) {
    if (size != 0) pieces_.push_back({offset, size, depth_ + map_count_, std::move(meaning)});
  }

  [[nodiscard]] std::string_view view(std::size_t offset, std::size_t size) const {
    return bytes_.substr(offset, size);
  }
  [[nodiscard]] std::uint64_t number(std::size_t offset, std::size_t size) const {
    return little_endian(view(offset, size));
  }

  [[nodiscard]] std::uint32_t end_of(const block& of, std::uint32_t slot) const {
    return static_cast<std::uint32_t>(number(of.pivot - width_ * (slot + 1u), width_));
  }

  [[nodiscard]] region slot_region(const block& of, std::uint32_t slot) const {
    const std::uint32_t begin = slot == 0 ? of.first_end : end_of(of, slot - 1);
    return {of.heap + begin, of.heap + end_of(of, slot)};
  }

  void check_ends(const block& of, std::size_t heap_size, bool must_fill, const std::string& path) {
    std::uint32_t last = of.first_end;
    for (std::uint32_t slot = 0; slot < of.slots; ++slot) {
      const std::uint32_t end = end_of(of, slot);
      const std::size_t at = of.pivot - width_ * (slot + 1u);
      note(at, width_,
           path + ": end of slot " + std::to_string(slot) + " = " + std::to_string(end));
      if (end < last) refuse(at, path + ": an end lies before the end of the field before it");
      if (end > heap_size) refuse(at, path + ": an end lies behind the end of the message");
      last = end;
    }
    if (must_fill && last != heap_size)
      refuse(of.pivot, path + ": the fields do not fill what holds them");
  }

  struct shape {
    std::uint32_t slots;
    std::uint32_t scalars;
  };

  shape read_shape(std::size_t at, std::size_t end, const std::string& path) {
    if (end - at < 3) refuse(at, path + ": the message ends too early");
    const shape made{static_cast<std::uint32_t>(number(at, 1)),
                     static_cast<std::uint32_t>(number(at + 1, 2))};
    note(at, 3,
         path + ": " + std::to_string(made.slots) + " slots, " + std::to_string(made.scalars) +
             " bytes of scalars");
    return made;
  }

  void check_base(const shape& found, std::uint32_t index, std::size_t at,
                  const std::string& path) {
    const base_shape& base = places_.messages[index].base;
    if (found.slots < base.slot_count || found.scalars < base.scalar_size_bytes)
      refuse(at, path + ": fields that every version has are missing");
  }

  void enter(std::size_t at, const std::string& path) {
    if (++depth_ > message_depth_max)
      refuse(at, path + ": messages are nested deeper than " + std::to_string(message_depth_max));
  }

  json message_at(std::uint32_t index, std::size_t begin, std::size_t end,
                  const std::string& path) {
    enter(begin, path);
    const shape found = read_shape(begin, end, path);
    check_base(found, index, begin, path);
    const std::size_t fixed = 3 + width_ * found.slots + found.scalars;
    if (fixed > end - begin) refuse(begin, path + ": the message ends too early");
    const block of{begin + 3 + width_ * found.slots, found.slots, found.scalars, begin + fixed, 0};
    check_ends(of, end - of.heap, true, path);
    json made = fields_of(index, of, path);
    --depth_;
    return made;
  }

  json fields_of(std::uint32_t index, const block& of, const std::string& path) {
    json made = json::object();
    const message& from = schema_.messages[index];
    for (std::size_t i = 0; i < from.fields.size(); ++i) {
      const field& each = from.fields[i];
      auto value =
          field_of(each, places_.messages[index].fields[i].placed, of, path + '.' + each.name);
      if (value) made[each.name] = std::move(*value);
    }
    return made;
  }

  std::optional<bool> bit_of(const block& of, std::uint32_t bit) const {
    if (bit / 8 >= of.scalars) return std::nullopt;
    return (number(of.pivot + bit / 8, 1) >> (bit % 8) & 1) != 0;
  }

  std::optional<json> field_of(const field& each, const placement& placed, const block& of,
                               const std::string& path) {
    if (placed.bit != placement::none) {
      const auto bit = bit_of(of, placed.bit);
      note_bit(of, placed.bit, path + " is " + (bit.value_or(false) ? "there" : "absent"));
      if (!bit.value_or(false)) {
        check_absent(each, placed, of, path + " (absent)");
        return std::nullopt;
      }
    }
    if (placed.value_bit != placement::none) {
      const auto bit = bit_of(of, placed.value_bit);
      if (!bit) return std::nullopt;
      note_bit(of, placed.value_bit, path + " = " + (*bit ? "true" : "false"));
      return *bit;
    }
    if (placed.slot != placement::none)
      return placed.slot < of.slots ? slot_value(each, slot_region(of, placed.slot), path)
                                    : std::nullopt;
    if (placed.offset_bytes + placed.size_bytes > of.scalars) return std::nullopt;
    const std::size_t at = of.pivot + placed.offset_bytes;
    return each.fixed_capacity != 0 ? held_text(each, at, path) : scalar(each.value, at, path);
  }

  /// What lies in the place of an absent field means nothing, but has its form all the same: those
  /// who verify do not look at bits.
  void check_absent(const field& each, const placement& placed, const block& of,
                    const std::string& path) {
    if (placed.slot < of.slots) {
      static_cast<void>(slot_value(each, slot_region(of, placed.slot), path));
    } else if (each.fixed_capacity != 0 && placed.offset_bytes + placed.size_bytes <= of.scalars) {
      check_held(each, of.pivot + placed.offset_bytes, path);
    }
  }

  /// The size of a text that is held in place.
  std::size_t check_held(const field& each, std::size_t at, const std::string& path) const {
    const auto size =
        static_cast<std::size_t>(number(at, capacity_prefix_bytes(each.fixed_capacity)));
    if (size > each.fixed_capacity) refuse(at, path + ": a text is longer than its fixed capacity");
    return size;
  }

  void note_bit(const block& of, std::uint32_t bit, const std::string& meaning) {
    if (bit / 8 < of.scalars)
      note(of.pivot + bit / 8, 1, "bit " + std::to_string(bit % 8) + ": " + meaning);
  }

  json held_text(const field& each, std::size_t at, const std::string& path) {
    const std::uint32_t prefix = capacity_prefix_bytes(each.fixed_capacity);
    const std::size_t size = check_held(each, at, path);
    json made = text_json(each.value.kind, view(at + prefix, size));
    note(at, prefix + each.fixed_capacity, path + " = " + made.dump());
    return made;
  }

  json scalar(const type& of, std::size_t at, const std::string& path) {
    const std::size_t size = value_size_bytes(schema_, of);
    json made;
    if (of.array_count == 0) {
      made = scalar_json(schema_, of, view(at, size));
    } else {
      made = json::array();
      const std::size_t step = size / of.array_count;
      for (std::uint32_t i = 0; i < of.array_count; ++i)
        made.push_back(scalar_json(schema_, of, view(at + i * step, step)));
    }
    note(at, size, path + " = " + made.dump());
    return made;
  }

  std::optional<json> slot_value(const field& each, region from, const std::string& path) {
    if (is_repeated(each.given)) return list(each, from, path);
    if (each.value.kind == type_kind::oneof) return choice(each, from, path);
    if (each.value.kind == type_kind::map) return map(each.value, from, path);
    if (each.value.kind == type_kind::message && from.size() == 0) return std::nullopt;
    return heap_value(each.value, from, path);
  }

  /// A text or a message that fills `from`.
  json heap_value(const type& of, region from, const std::string& path) {
    if (of.kind == type_kind::message) {
      if (from.size() == 0) return nullptr;
      return message_at(of.index, from.begin, from.end, path);
    }
    json made = text_json(of.kind, view(from.begin, from.size()));
    note(from.begin, from.size(), path + " = " + made.dump());
    return made;
  }

  std::optional<json> choice(const field& each, region from, const std::string& path) {
    if (from.size() == 0) return std::nullopt;
    if (from.size() < 2) refuse(from.begin, path + ": a oneof does not name its alternative");
    const auto tag = static_cast<std::uint32_t>(number(from.begin, 2));
    const auto chosen = std::ranges::find(each.alternatives, tag, &field::tag);
    if (chosen == each.alternatives.end()) {
      note(from.begin, from.size(), path + ": unknown alternative " + std::to_string(tag));
      return std::nullopt;
    }
    note(from.begin, 2, path + ": alternative " + chosen->name);
    const region value{from.begin + 2, from.end};
    const std::string own_path = path + '.' + chosen->name;
    return json{{chosen->name, alternative(*chosen, value, own_path)}};
  }

  json alternative(const field& chosen, region value, const std::string& path) {
    if (has_slot(chosen)) return heap_value(chosen.value, value, path);
    const std::size_t size = value_size_bytes(schema_, chosen.value);
    if (value.size() != size)
      refuse(value.begin, path + ": an alternative has another size than its type");
    return scalar(chosen.value, value.begin, path);
  }

  /// The elements of a list or a map: `visit` gets each one's block.
  template <class Visit>
  void elements(shape of, std::uint32_t count, std::size_t begin, std::size_t end,
                const std::string& path, const Visit& visit) {
    const std::size_t stride = width_ * of.slots + of.scalars;
    if (stride == 0) refuse(begin, path + ": a list announces elements that have no size");
    if (count > elements_left_)
      refuse(begin, path + ": the lists have more elements than the limit");
    elements_left_ -= count;
    if (std::uint64_t{count} * stride > end - begin)
      refuse(begin, path + ": the message ends too early");
    const std::size_t heap = begin + count * stride;
    std::uint32_t last = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      const block element{begin + i * stride + width_ * of.slots, of.slots, of.scalars, heap, last};
      const std::string own_path = path + '[' + std::to_string(i) + ']';
      check_ends(element, end - heap, false, own_path);
      visit(element, own_path);
      if (of.slots != 0) last = end_of(element, of.slots - 1);
    }
    if (last != end - heap) refuse(heap, path + ": the fields do not fill what holds them");
  }

  json list(const field& each, region from, const std::string& path) {
    json made = json::array();
    if (from.size() == 0) return made;
    if (from.size() < width_ + 3) refuse(from.begin, path + ": the message ends too early");
    const auto count = static_cast<std::uint32_t>(number(from.begin, width_));
    note(from.begin, width_, path + ": " + std::to_string(count) + " elements");
    const std::size_t at = from.begin + width_;
    const shape found = read_shape(at, from.end, path);
    const bool is_message = each.value.kind == type_kind::message;
    if (is_message) {
      check_base(found, each.value.index, at, path);
    } else if (const base_shape exact = element_shape(schema_, each);
               found.slots != exact.slot_count || found.scalars != exact.scalar_size_bytes) {
      refuse(at, path + ": a list's elements have another size than their type");
    }
    enter(at, path);
    elements(found, count, at + 3, from.end, path,
             [&](const block& of, const std::string& own_path) {
               if (is_message)
                 made.push_back(fields_of(each.value.index, of, own_path));
               else if (of.slots != 0)
                 made.push_back(heap_value(each.value, slot_region(of, 0), own_path));
               else
                 made.push_back(scalar(each.value, of.pivot, own_path));
             });
    --depth_;
    return made;
  }

  json map(const type& of, region from, const std::string& path) {
    json pairs = json::array();
    if (from.size() == 0) return finished_map(of, std::move(pairs));
    if (from.size() < width_) refuse(from.begin, path + ": the message ends too early");
    const auto count = static_cast<std::uint32_t>(number(from.begin, width_));
    note(from.begin, width_, path + ": " + std::to_string(count) + " entries");
    const entry_layout entry = lay_out_entry(schema_, of);
    ++map_count_;  // no level of depth, as for the verifier
    elements({entry.slot_count, entry.scalar_size_bytes}, count, from.begin + width_, from.end,
             path, [&](const block& element, const std::string& own_path) {
               json pair = json::object();
               pair["key"] = entry_part(of.parameters[0], entry.key, element, own_path + ".key");
               pair["value"] =
                   entry_part(of.parameters[1], entry.value, element, own_path + ".value");
               pairs.push_back(std::move(pair));
             });
    --map_count_;
    return finished_map(of, std::move(pairs));
  }

  json entry_part(const type& of, const placement& placed, const block& element,
                  const std::string& path) {
    if (placed.slot != placement::none)
      return heap_value(of, slot_region(element, placed.slot), path);
    return scalar(of, element.pivot + placed.offset_bytes, path);
  }

  /// An object, where keys are texts that differ.
  static json finished_map(const type& of, json pairs) {
    if (of.parameters[0].kind != type_kind::string) return pairs;
    json made = json::object();
    auto& object = made.get_ref<json::object_t&>();
    std::unordered_set<std::string> seen;
    for (const json& pair : pairs) {
      if (!pair["key"].is_string()) return pairs;
      auto key = pair["key"].get<std::string>();
      if (!seen.insert(key).second) return pairs;
      object.emplace_back(std::move(key),
                          pair["value"]);  // Not [], which looks through all of them.
    }
    return made;
  }

  const model& schema_;
  const layout& places_;
  std::string_view bytes_;
  std::uint32_t width_ = 2;
  std::uint32_t depth_ = 0;
  std::uint32_t map_count_ = 0;  ///< That what is read now lies in.
  std::uint32_t elements_left_ = message_element_count_max;
  std::vector<dump_piece> pieces_;
};

}  // namespace

std::expected<decoded_message, std::string> decode_message(const message_type& type,
                                                           std::string_view bytes) {
  message_reader reader(type, bytes);
  try {
    const json made = reader.read(type.index);
    return decoded_message{made.dump(2), reader.take_pieces()};
  } catch (const broken& wrong) {
    return std::unexpected("offset " + std::to_string(wrong.offset) + ": " + wrong.what);
  }
}

}  // namespace myra::schema
