// One schema file as it is written: names of types are still text, tags may be missing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "myra/schema/model.hpp"

namespace myra::schema {

/// A piece of the file that is understood later.
struct written_text {
  std::string text;
  position at;
};

struct declared_field {
  field made;                        ///< All but `value`, `default_value` and `alternatives`.
  std::optional<std::uint32_t> tag;  ///< Where it is given.
  position tag_at;
  written_text type;
  std::optional<written_text> default_text;
  std::optional<position> capacity_at;
  bool is_optional = false;
  bool is_repeated = false;
  std::vector<declared_field> fields;  ///< Of a group or a oneof.
  bool has_fields = false;
};

struct declared_message {
  message made;  ///< All but `fields`.
  std::optional<std::uint32_t> id;
  std::vector<declared_field> fields;
};

struct declared_value {
  enum_value made;  ///< All but `number`.
  written_text number;
};

struct declared_enum {
  enumeration made;  ///< All but `values`.
  written_text underlying;
  std::optional<std::uint32_t> id;
  std::vector<declared_value> values;
};

struct declared_file {
  schema_file made;
  std::vector<written_text> imports;
  std::vector<declared_message> messages;
  std::vector<declared_enum> enums;
};

}  // namespace myra::schema
