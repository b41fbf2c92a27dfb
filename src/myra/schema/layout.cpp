#include "myra/schema/layout.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

namespace myra::schema {
namespace {

constexpr std::uint32_t scalar_size_max = 65535;
constexpr std::uint32_t slot_count_max = 255;

/// The places of one message as they are given out.
class places {
 public:
  explicit places(const message& from) {
    if (from.base) {
      scalars_ = from.base->scalar_size_bytes;
      slots_ = from.base->slot_count;
    }
    for (const field& one : from.fields) {
      if (one.placed) keep(*one.placed);
    }
    for (const tombstone& gone : from.deleted_fields) keep(gone.placed);
  }

  placement give(const model& schema, const field& to) {
    placement placed;
    if (needs_bit(to)) placed.bit = next_bit();
    if (has_slot(to)) {
      placed.slot = static_cast<std::uint32_t>(slots_++);
    } else if (is_lone_bool(to)) {
      placed.value_bit = next_bit();
    } else {
      placed.size_bytes = place_size(schema, to);
      placed.offset_bytes = static_cast<std::uint32_t>(scalars_);
      scalars_ += placed.size_bytes;
    }
    return placed;
  }

  /// A message without anything still takes a byte, so that a list of them has a size.
  void fill_up() {
    if (scalars_ == 0 && slots_ == 0) scalars_ = 1;
  }

  [[nodiscard]] std::uint64_t scalars() const { return scalars_; }
  [[nodiscard]] std::uint64_t slots() const { return slots_; }

 private:
  static bool is_lone_bool(const field& one) {
    return one.value.kind == type_kind::boolean && one.value.array_count == 0;
  }

  static bool needs_bit(const field& one) {
    const type_kind kind = one.value.kind;
    const bool text = kind == type_kind::string || kind == type_kind::bytes;
    if (is_optional(one.given))
      return is_repeated(one.given) || (kind != type_kind::message && kind != type_kind::oneof);
    return one.given == presence::required && text && one.fixed_capacity == 0 &&
           !std::holds_alternative<std::monostate>(one.default_value);
  }

  static std::uint32_t place_size(const model& schema, const field& one) {
    if (one.fixed_capacity > 0)
      return capacity_prefix_bytes(one.fixed_capacity) + one.fixed_capacity;
    return value_size_bytes(schema, one.value);
  }

  void keep(const placement& placed) {
    const auto reach = [this](std::uint64_t end) { scalars_ = std::max(scalars_, end); };
    if (placed.offset_bytes != placement::none)
      reach(std::uint64_t{placed.offset_bytes} + placed.size_bytes);
    if (placed.bit != placement::none) reach(placed.bit / 8 + 1);
    if (placed.value_bit != placement::none) reach(placed.value_bit / 8 + 1);
    if (placed.slot != placement::none) slots_ = std::max(slots_, std::uint64_t{placed.slot} + 1);
  }

  /// Bits share a byte only with bits that came with them: whether an older message has the byte
  /// then says whether it has the bit.
  std::uint32_t next_bit() {
    if (bit_ % 8 == 0) bit_ = 8 * scalars_++;
    return static_cast<std::uint32_t>(bit_++);
  }

  std::uint64_t scalars_ = 0;
  std::uint64_t slots_ = 0;
  std::uint64_t bit_ = 0;
};

bool lies_within(const placement& placed, const base_shape& shape) {
  const auto has_bit = [&shape](std::uint32_t bit) {
    return bit == placement::none || bit / 8 < shape.scalar_size_bytes;
  };
  if (placed.slot != placement::none && placed.slot >= shape.slot_count) return false;
  if (placed.offset_bytes != placement::none &&
      placed.offset_bytes + placed.size_bytes > shape.scalar_size_bytes)
    return false;
  return has_bit(placed.bit) && has_bit(placed.value_bit);
}

bool is_checked(const field& one) {
  if (one.fixed_capacity > 0 || is_repeated(one.given)) return true;
  return one.value.kind == type_kind::message || one.value.kind == type_kind::map ||
         one.value.kind == type_kind::oneof;
}

void report_too_large(const message& from, std::uint64_t scalars, std::uint64_t slots,
                      diagnostics& errors) {
  if (scalars > scalar_size_max)
    errors.error(from.at,
                 "message '" + from.name + "' has " + std::to_string(scalars) +
                     " bytes of fixed size; a message has at most " +
                     std::to_string(scalar_size_max),
                 "make the largest arrays lists (repeated)");
  if (slots > slot_count_max)
    errors.error(from.at,
                 "message '" + from.name + "' has " + std::to_string(slots) +
                     " fields of varying size; a message has at most " +
                     std::to_string(slot_count_max),
                 "move some of them to a message of their own");
}

message_layout lay_out_message(const model& schema, const message& from, diagnostics& errors) {
  message_layout made;
  places free(from);
  for (const field& one : from.fields) {
    made.fields.push_back({one.placed ? *one.placed : free.give(schema, one), true});
    made.has_checked_fields |= is_checked(one);
  }
  free.fill_up();
  report_too_large(from, free.scalars(), free.slots(), errors);
  made.scalar_size_bytes = static_cast<std::uint32_t>(free.scalars());
  made.slot_count = static_cast<std::uint32_t>(free.slots());
  made.base = from.base.value_or(base_shape{made.scalar_size_bytes, made.slot_count});
  for (field_layout& one : made.fields) one.in_base = lies_within(one.placed, made.base);
  return made;
}

/// How deep messages nest. Each is entered once, on a stack of our own: a chain may have as many
/// links as a schema has messages.
class depths {
 public:
  explicit depths(const model& schema) : schema_(schema), known_(schema.messages.size(), unseen) {}

  /// 0 when there is no end to it.
  std::uint32_t of(std::uint32_t index) {
    if (known_[index] == unseen) enter(index);
    while (!path_.empty()) {
      step& top = path_.back();
      if (top.next == top.held.size()) {
        leave();
      } else if (const std::uint32_t target = top.held[top.next++]; known_[target] == unseen) {
        enter(target);
      }
    }
    return known_[index];
  }

 private:
  static constexpr std::uint32_t unseen = UINT32_MAX;
  static constexpr std::uint32_t endless = 0;

  struct step {
    std::uint32_t message;
    std::vector<std::uint32_t> held;  ///< The messages that lie in it.
    std::size_t next = 0;
  };

  /// Until it is left it counts as endless: who meets it holds what holds it.
  void enter(std::uint32_t index) {
    known_[index] = endless;
    step entered{.message = index, .held = {}};
    for (const field& one : schema_.messages[index].fields) {
      add_held(one.value, entered.held);
      for (const field& other : one.alternatives) add_held(other.value, entered.held);
    }
    path_.push_back(std::move(entered));
  }

  static void add_held(const type& one, std::vector<std::uint32_t>& held) {
    if (one.kind == type_kind::message) held.push_back(one.index);
    if (one.kind == type_kind::map && one.parameters[1].kind == type_kind::message)
      held.push_back(one.parameters[1].index);
  }

  void leave() {
    std::uint32_t deepest = 0;
    bool has_end = true;
    for (const std::uint32_t index : path_.back().held) {
      has_end &= known_[index] != endless;
      deepest = std::max(deepest, known_[index]);
    }
    known_[path_.back().message] = has_end ? deepest + 1 : endless;
    path_.pop_back();
  }

  const model& schema_;
  std::vector<std::uint32_t> known_;
  std::vector<step> path_;
};

void place_in_entry(const model& schema, const type& one, placement& placed, entry_layout& entry) {
  if (has_slot(one)) {
    placed.slot = entry.slot_count++;
    return;
  }
  placed.offset_bytes = entry.scalar_size_bytes;
  placed.size_bytes = value_size_bytes(schema, one);
  entry.scalar_size_bytes += placed.size_bytes;
}

}  // namespace

std::vector<std::size_t> writing_order(const message_layout& of) {
  const auto slot_of = [&of](std::size_t index) { return of.fields[index].placed.slot; };
  std::vector<std::size_t> order;
  std::vector<std::size_t> with_slot;
  for (std::size_t i = 0; i < of.fields.size(); ++i) {
    order.push_back(i);
    if (slot_of(i) != placement::none) with_slot.push_back(i);
  }
  std::ranges::sort(with_slot, {}, slot_of);
  auto next = with_slot.begin();
  for (std::size_t& each : order) {
    if (slot_of(each) != placement::none) each = *next++;
  }
  return order;
}

bool has_slot(const type& one) noexcept { return !has_fixed_size(one.kind); }

bool has_slot(const field& one) noexcept {
  return is_repeated(one.given) || (has_slot(one.value) && one.fixed_capacity == 0);
}

std::uint32_t value_size_bytes(const model& schema, const type& sized) noexcept {
  const type_kind kind =
      sized.kind == type_kind::enumeration ? schema.enums[sized.index].underlying : sized.kind;
  return fixed_size_bytes(kind) * std::max(sized.array_count, 1u);
}

entry_layout lay_out_entry(const model& schema, const type& map) noexcept {
  entry_layout entry;
  place_in_entry(schema, map.parameters[0], entry.key, entry);
  place_in_entry(schema, map.parameters[1], entry.value, entry);
  return entry;
}

base_shape element_shape(const model& schema, const field& list) noexcept {
  if (list.fixed_capacity > 0)
    return {capacity_prefix_bytes(list.fixed_capacity) + list.fixed_capacity, 0};
  if (has_slot(list.value)) return {0, 1};
  return {value_size_bytes(schema, list.value), 0};
}

layout lay_out(const model& schema, diagnostics& errors) {
  layout made;
  depths deep(schema);
  for (std::uint32_t index = 0; index < schema.messages.size(); ++index) {
    made.messages.push_back(lay_out_message(schema, schema.messages[index], errors));
    made.messages.back().depth = deep.of(index);
  }
  return made;
}

}  // namespace myra::schema
