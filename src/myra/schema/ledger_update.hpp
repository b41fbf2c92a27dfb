// The ledger that a schema leaves behind.
#pragma once

#include <cstdint>

#include "myra/schema/layout.hpp"
#include "myra/schema/ledger.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

/// The ledger of file number `file` of `schema`, which has its identities and lies as `places`
/// says: all that is there now, and what `before` has beside that, as deleted.
[[nodiscard]] ledger updated_ledger(const model& schema, const layout& places, std::uint32_t file,
                                    const ledger& before);

}  // namespace myra::schema
