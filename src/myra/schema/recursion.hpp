// Messages that could never end.
#pragma once

#include "myra/schema/diagnostics.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

/// Refuses a message that must hold itself, directly or through others: its bytes would have no
/// end. Through optional fields, lists, maps and oneofs it may.
void refuse_endless_messages(const model& schema, diagnostics& errors);

}  // namespace myra::schema
