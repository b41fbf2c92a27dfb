// One field: from what is written to its type, presence and default.
#pragma once

#include <cstdint>

#include "myra/schema/declared.hpp"
#include "myra/schema/diagnostics.hpp"
#include "myra/schema/model.hpp"
#include "myra/schema/name_scope.hpp"

namespace myra::schema {

/// Where a field stands.
enum class field_place : std::uint8_t { message, oneof };

/// The field that `declared`, in file number `file`, writes. A group has its type already.
[[nodiscard]] field resolve_field(const model& schema, const name_scope& names, std::uint32_t file,
                                  declared_field& declared, field_place place, diagnostics& errors);

/// The fields of one message, group or oneof; names and given tags are unique among them.
[[nodiscard]] std::vector<field> resolve_fields(const model& schema, const name_scope& names,
                                                std::uint32_t file,
                                                std::vector<declared_field>& declared,
                                                field_place place, diagnostics& errors);

}  // namespace myra::schema
