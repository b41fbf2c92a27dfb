// The resolved schema: what the .myra.yml files say, with every name looked up and every tag known.
//
// Plain values. A `model` holds all files that one run read (the schema and what it imports); what
// refers to a message or an enum does so by its index in `model::messages` or `model::enums`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace myra::schema {

/// Where something stands in the text: lines and columns count from 1; 0 is "nowhere".
struct position {
  std::uint32_t file = 0;  ///< Index in model::files.
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  friend bool operator==(const position&, const position&) = default;
};

enum class type_kind : std::uint8_t {
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float32,
  float64,
  uuid,              ///< 16 bytes in the order in which the text form shows them.
  decimal,           ///< mantissa (int64) times ten to the exponent (int8).
  timestamp_nanos,   ///< Since 1970-01-01T00:00:00Z, int64. `timestamp` is another name of it.
  timestamp_micros,  ///< The same in microseconds.
  timestamp_millis,  ///< The same in milliseconds.
  duration,          ///< Nanoseconds, int64.
  enumeration,       ///< model::enums[index].
  string,            ///< UTF-8.
  bytes,
  message,  ///< model::messages[index]; groups too.
  map,      ///< parameters[0] is the key, parameters[1] the value.
  oneof,    ///< One of field::alternatives, or none of them.
};

struct type {
  type_kind kind = type_kind::boolean;
  std::uint32_t index = 0;        ///< Of the enumeration or the message.
  std::uint32_t array_count = 0;  ///< Not 0: an array of so many, of a kind of fixed size.
  std::vector<type> parameters;   ///< Of a map: key and value. Otherwise empty.

  friend bool operator==(const type&, const type&) = default;
};

/// Whether every value has the same size on the wire: kinds up to `enumeration`, and arrays of
/// them.
[[nodiscard]] constexpr bool has_fixed_size(type_kind kind) noexcept {
  return kind <= type_kind::enumeration;
}

/// The size of one value of a kind of fixed size, 0 for the others and for enumerations, whose size
/// is that of their underlying kind.
[[nodiscard]] constexpr std::uint32_t fixed_size_bytes(type_kind kind) noexcept {
  constexpr std::uint32_t sizes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 16, 9, 8, 8, 8, 8};
  return kind < type_kind::enumeration ? sizes[static_cast<std::size_t>(kind)] : 0;
}

struct decimal_literal {
  std::int64_t mantissa = 0;
  std::int8_t exponent = 0;

  friend bool operator==(const decimal_literal&, const decimal_literal&) = default;
};

using uuid_literal = std::array<std::uint8_t, 16>;

/// A default value. monostate: none was given. Signed kinds, timestamps, durations and enums with a
/// signed underlying kind are int64; unsigned ones uint64; both floats double; string and bytes are
/// a std::string of the very bytes.
using literal = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string,
                             decimal_literal, uuid_literal>;

enum class presence : std::uint8_t {
  required,           ///< Always there in a message written with this schema.
  optional,           ///< There or absent.
  repeated,           ///< A list, which may be empty.
  optional_repeated,  ///< A list or none: absent and empty are told apart.
};

/// What fields, messages, enums and their values have alike.
struct declaration {
  std::string name;
  std::vector<std::string> aliases;  ///< Names that it had before.
  std::string doc;                   ///< From `doc`, else from the comment above; may have lines.
  bool deprecated = false;
  std::string deprecation_note;
  position at;  ///< Of its name.
};

/// Where a field lies in its message: chosen once by the layout, then kept for ever. A field has an
/// offset or a slot or, a bool, only a bit of its own.
struct placement {
  static constexpr std::uint32_t none = UINT32_MAX;

  std::uint32_t offset_bytes = none;  ///< In the scalars.
  std::uint32_t size_bytes = 0;       ///< There.
  std::uint32_t slot = none;          ///< Number of its end; it lies in the heap.
  std::uint32_t bit = none;        ///< Its presence: 8 * offset in the scalars + bit of the byte.
  std::uint32_t value_bit = none;  ///< Of a bool, counted in the same way.

  friend bool operator==(const placement&, const placement&) = default;
};

/// The size of the fixed part of a message in its first version: no reader takes less.
struct base_shape {
  std::uint32_t scalar_size_bytes = 0;
  std::uint32_t slot_count = 0;

  friend bool operator==(const base_shape&, const base_shape&) = default;
};

/// A field that was deleted: its tag and its place are never given to another one.
struct tombstone {
  std::uint32_t tag = 0;
  std::string name;
  placement placed;
};

struct field : declaration {
  std::uint32_t tag = 0;  ///< From 1, unique in its message, for ever. Alternatives have their own.
  type value;             ///< Of one element where the field is repeated.
  presence given = presence::required;
  std::uint32_t fixed_capacity =
      0;                  ///< Not 0: a string or bytes held in place, at most so many bytes.
  literal default_value;  ///< What a reader sees where the bytes do not hold the field.
  std::optional<placement> placed;  ///< From the ledger: where it lies; else the layout chooses.
  std::vector<field> alternatives;  ///< Of a oneof: required, not repeated, not a oneof themselves.
};

[[nodiscard]] constexpr bool is_repeated(presence given) noexcept {
  return given == presence::repeated || given == presence::optional_repeated;
}
[[nodiscard]] constexpr bool is_optional(presence given) noexcept {
  return given == presence::optional || given == presence::optional_repeated;
}

struct message : declaration {
  std::uint32_t file = 0;     ///< Index in model::files.
  std::uint32_t id = 0;       ///< From 1, unique in its file, for ever; 0 for a group.
  bool is_group = false;      ///< Declared in place by a repeated field; its name is PARENT_FIELD.
  std::uint32_t parent = 0;   ///< Of a group: index of the message in which it was declared.
  std::vector<field> fields;  ///< By ascending tag.
  std::vector<tombstone> deleted_fields;  ///< From the ledger, by ascending tag.
  std::optional<base_shape> base;         ///< From the ledger; none: this is the first version.
};

struct enum_value : declaration {
  /// Two's complement where the underlying kind is signed.
  std::uint64_t number = 0;
};

struct enumeration : declaration {
  std::uint32_t file = 0;  ///< Index in model::files.
  std::uint32_t id = 0;    ///< From 1, unique in its file, for ever; the bytes do not hold it.
  type_kind underlying = type_kind::int32;
  std::vector<enum_value> values;  ///< As they are declared.
};

struct schema_file {
  std::string path;  ///< As it was given or found; for messages to a person.
  std::string stem;  ///< Its name without .myra.yml, which names what is made from it.
  std::vector<std::string> name_space;  ///< The parts between the dots.
  std::string version;
  std::string doc;
  std::vector<std::uint32_t> imports;   ///< Indices in model::files.
  std::vector<std::uint32_t> messages;  ///< As declared; a group stands before its parent.
  std::vector<std::uint32_t> enums;
};

struct model {
  std::vector<schema_file> files;  ///< The first is the one that was asked for.
  std::vector<message> messages;
  std::vector<enumeration> enums;
};

/// "namespace.name" of a message or an enum.
[[nodiscard]] std::string qualified_name(const model& schema, const message& named);
[[nodiscard]] std::string qualified_name(const model& schema, const enumeration& named);

/// The name of a kind in the schema language, such as "int32".
[[nodiscard]] std::string_view kind_name(type_kind kind) noexcept;

/// A type as the schema language writes it, with qualified names: "map<string,trading.level>".
[[nodiscard]] std::string type_text(const model& schema, const type& shown);

}  // namespace myra::schema
