// Where everything lies in the bytes: the step between the resolved schema and what reads or writes
// messages. docs/wire-format.md says what the numbers mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "myra/schema/diagnostics.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

struct field_layout {
  placement placed;
  bool in_base = true;  ///< Whether messages of every version have it.
};

struct message_layout {
  std::vector<field_layout> fields;  ///< As message::fields.
  std::uint32_t scalar_size_bytes = 0;
  std::uint32_t slot_count = 0;
  base_shape base;                  ///< For the ledger to keep.
  std::uint32_t depth = 0;          ///< How deep it nests, itself included; 0: without end.
  bool has_checked_fields = false;  ///< Whether verify must look at more than its ends.
};

struct layout {
  std::vector<message_layout> messages;  ///< As model::messages.
};

/// Fields that the ledger knows stay where they are; the others are appended, by ascending tag.
/// Messages that would be too large for the format are errors.
[[nodiscard]] layout lay_out(const model& schema, diagnostics& errors);

/// The fields in an order in which they can be written: by ascending tag, save that those with a
/// slot change places until their slots ascend. What came later may have a lower tag.
[[nodiscard]] std::vector<std::size_t> writing_order(const message_layout& of);

/// The size of one value of a type of fixed size; of all of an array's elements.
[[nodiscard]] std::uint32_t value_size_bytes(const model& schema, const type& sized) noexcept;

/// The size of the length before a text that is held in place.
[[nodiscard]] constexpr std::uint32_t capacity_prefix_bytes(std::uint32_t capacity) noexcept {
  return capacity <= 255 ? 1 : 2;
}

/// Whether the value lies in the heap: it has a slot.
[[nodiscard]] bool has_slot(const field& one) noexcept;
[[nodiscard]] bool has_slot(const type& one) noexcept;

/// Where the key and the value of a map's entry lie: each has an offset or a slot.
struct entry_layout {
  placement key;
  placement value;
  std::uint32_t scalar_size_bytes = 0;
  std::uint32_t slot_count = 0;
};
[[nodiscard]] entry_layout lay_out_entry(const model& schema, const type& map) noexcept;

/// The shape of an element of a list of anything but messages.
[[nodiscard]] base_shape element_shape(const model& schema, const field& list) noexcept;

}  // namespace myra::schema
