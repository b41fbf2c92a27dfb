// Which message or enum a name in a schema file means.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "myra/schema/diagnostics.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

struct named_type {
  type_kind kind = type_kind::message;  ///< message or enumeration.
  std::uint32_t index = 0;
};

/// Why a name means nothing, as for diagnostics::error.
struct lookup_failure {
  std::string what;
  std::string right;
};

/// A file sees its own names, and those of the files that it imports itself, with their namespace
/// ("common.money") or without where that is not ambiguous. Groups have no name that can be used.
class name_scope {
 public:
  /// Tells of names that two declarations have. `schema` must outlive this.
  name_scope(const model& schema, diagnostics& errors);

  [[nodiscard]] std::expected<named_type, lookup_failure> find(std::uint32_t file,
                                                               const std::string& name) const;

 private:
  void add(std::uint32_t file, const declaration& named, named_type meant, diagnostics& errors);
  [[nodiscard]] lookup_failure not_found(std::uint32_t file, const std::string& name) const;

  const model& schema_;
  std::vector<std::unordered_map<std::string, named_type>> by_file_;  ///< Without namespace.
  std::vector<std::string> prefixes_;                                 ///< "namespace." by file.
  std::unordered_map<std::string, position> qualified_;
};

}  // namespace myra::schema
