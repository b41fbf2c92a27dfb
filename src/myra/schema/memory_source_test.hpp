// Schemas that tests write down in place.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "myra/schema/load.hpp"
#include "myra/schema/resolve.hpp"

namespace myra::schema {

/// Reads from a table of path and text.
inline source_reader memory_source(std::map<std::string, std::string> files) {
  return [files = std::move(files)](
             const std::string& path) -> std::expected<std::string, std::string> {
    const auto found = files.find(path);
    if (found == files.end()) return std::unexpected("no such file");
    return found->second;
  };
}

/// The model of a.myra.yml among `files`; what is wrong is in `errors`.
inline model model_of(std::map<std::string, std::string> files, diagnostics& errors) {
  return resolve(load_files("a.myra.yml", memory_source(std::move(files)), errors), errors);
}

/// The errors of one schema, as myrac prints them.
inline std::string errors_of(const std::string& text) {
  diagnostics errors;
  static_cast<void>(model_of({{"a.myra.yml", text}}, errors));
  return errors.text();
}

/// The first line of a schema.
inline const std::string head = "namespace: trading\n";

/// A schema of one message with these lines as its fields.
inline std::string with_fields(const std::string& fields) {
  return head + "messages:\n  - name: order\n    fields:\n" + fields;
}

/// The error lines that one field gives.
inline std::string error_of_field(const std::string& field) {
  return errors_of(with_fields("      - {" + field + "}\n"));
}

}  // namespace myra::schema
