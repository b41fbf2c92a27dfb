// The names that generated code makes of those in a schema.
#pragma once

#include "myra/schema/diagnostics.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

/// Refuses names that would meet in the generated code. Of a message M that takes M, M_view,
/// M_builder, basic_M_builder and M_extent; of its fields F has_F where there are both a default
/// and absence, and F_which, F_kind and F_ALTERNATIVE for a oneof; finish is the builder's own.
void refuse_generated_clashes(const model& schema, diagnostics& errors);

}  // namespace myra::schema
