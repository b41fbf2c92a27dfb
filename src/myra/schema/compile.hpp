// From a path to all that myrac knows of a schema: files, model, ledgers, layout.
#pragma once

#include <string>
#include <vector>

#include "myra/schema/diagnostics.hpp"
#include "myra/schema/layout.hpp"
#include "myra/schema/ledger.hpp"
#include "myra/schema/load.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

struct compile_options {
  std::string schema_path;
  /// The ledger of that schema; empty: STEM.myra.lock beside it. The ledger of an import is beside
  /// the import, or, where there is none, in the folder of this one.
  std::string ledger_path = {};
};

/// The ledger of one file.
struct kept_ledger {
  std::string path;
  bool exists = false;
  std::string text = {};  ///< As it was read.
  ledger before = {};
  ledger after = {};
  std::string after_text = {};
};

struct compiled {
  model schema;
  layout places;
  std::vector<kept_ledger> ledgers;  ///< As model::files.
  diagnostics errors;                ///< Where there are any, nothing else is to be used.
};

/// Reads and checks; writes nothing.
[[nodiscard]] compiled compile(const compile_options& options, const source_reader& read);

/// "schemas/trading.myra.lock" for "schemas/trading.myra.yml".
[[nodiscard]] std::string default_ledger_path(const std::string& schema_path);

}  // namespace myra::schema
