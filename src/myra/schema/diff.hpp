// What changed between two ledgers, in words: what it is, and what it does to readers.
#pragma once

#include <string>
#include <vector>

#include "myra/schema/ledger.hpp"

namespace myra::schema {

struct change {
  std::string what;         ///< "order.note (7): added, optional string"
  std::string old_readers;  ///< Programs with the old schema that get new messages.
  std::string new_readers;  ///< Programs with the new schema that get old messages.
  bool breaks = false;      ///< One of the two reads something else than was written.
};

/// The changes that lead from one ledger to the other, in the order of the entries.
[[nodiscard]] std::vector<change> changes_between(const ledger& before, const ledger& after);

/// Three lines for each change.
[[nodiscard]] std::string text_of(const std::vector<change>& changes);

}  // namespace myra::schema
