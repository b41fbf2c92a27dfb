// What copies a message, field by field, from a view to a builder.
#pragma once

#include <string>

#include "myra/schema/layout.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

/// The body of the view's copy_to_.
[[nodiscard]] std::string generate_copy(const model& schema, const message& of,
                                        const message_layout& at);

}  // namespace myra::schema
