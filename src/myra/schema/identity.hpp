// The step that joins a schema with its ledger: who is who, and who is new.
#pragma once

#include <vector>

#include "myra/schema/diagnostics.hpp"
#include "myra/schema/ledger.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

/// Finds every message, field, enum and value of `schema` in the ledgers (one a file, as
/// model::files), by its name, by an alias that it declares, or by a name that it had; gives ids
/// and tags to what has none, and to the rest the places that it has already. Afterwards the fields
/// of each message stand by ascending tag, and the aliases of messages and enums are all names that
/// they had.
///
/// What would break programs that have messages of before goes to `errors`: a changed type,
/// presence or capacity, another tag or number, an id that something else has or had.
void assign_identities(model& schema, const std::vector<ledger>& recorded, diagnostics& errors);

}  // namespace myra::schema
