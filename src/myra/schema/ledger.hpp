// The ledger (.myra.lock): what every message, field and enum that ever was has for ever. Its text
// has one line for each of them, by ascending id, so that git merges it line by line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myra/schema/diagnostics.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

/// What all entries have alike.
struct ledger_entry {
  std::string name;
  std::vector<std::string> aliases = {};  ///< The names that it had before.
  bool is_deleted = false;                ///< Gone from the schema; what it had stays taken.
  std::uint32_t line = 0;                 ///< In the text that it was read from.
};

struct ledger_field : ledger_entry {
  std::uint32_t tag = 0;
  std::string type;  ///< As ledger_type_text writes it; "group" and "oneof" for those.
  presence given = presence::required;
  std::uint32_t fixed_capacity = 0;
  std::optional<std::string> default_text;
  placement placed;
  std::optional<base_shape> base;    ///< Of a group.
  std::vector<ledger_field> fields;  ///< Of a group or a oneof, by ascending tag.
};

struct ledger_message : ledger_entry {
  std::uint32_t id = 0;
  std::optional<base_shape> base;
  std::vector<ledger_field> fields;  ///< By ascending tag.
};

struct ledger_value : ledger_entry {
  std::int64_t number = 0;  ///< The bits of it, where the underlying kind is unsigned.
};

struct ledger_enum : ledger_entry {
  std::uint32_t id = 0;
  std::string underlying;
  std::vector<ledger_value> values;  ///< By ascending number.
};

/// The entries of one schema file.
struct ledger {
  std::vector<ledger_message> messages;  ///< By ascending id.
  std::vector<ledger_enum> enums;        ///< By ascending id.
};

/// Reads the text of file number `file`. Refused are, with the names and lines of both, two entries
/// of one id and two fields in one place: what a merge of two branches may leave behind. So are the
/// marks of a merge conflict.
[[nodiscard]] ledger read_ledger(std::string_view text, std::uint32_t file, diagnostics& errors);

/// The text of a ledger that belongs to the schema file of that stem.
[[nodiscard]] std::string write_ledger(const ledger& written, std::string_view stem);

/// A type as file number `file` would write it: names of its own without their namespace.
[[nodiscard]] std::string ledger_type_text(const model& schema, std::uint32_t file,
                                           const type& shown);

/// Whether a type is the one that the text says, under its name of today or one it had before.
[[nodiscard]] bool is_recorded_type(const model& schema, std::uint32_t file, const type& now,
                                    std::string_view recorded);

/// "required", "optional", "repeated", "optional_repeated"
[[nodiscard]] std::string_view presence_text(presence given) noexcept;

/// The next id or tag after all of `entries`.
template <class Entries, class Number>
[[nodiscard]] std::uint32_t next_free(const Entries& entries, Number number) {
  std::uint32_t greatest = 0;
  for (const auto& each : entries) greatest = each.*number > greatest ? each.*number : greatest;
  return greatest + 1;
}

}  // namespace myra::schema
