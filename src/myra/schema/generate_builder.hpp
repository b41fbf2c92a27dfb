// The builder of a message: the class that users write with.
#pragma once

#include <string>

#include "myra/schema/layout.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

[[nodiscard]] std::string generate_builder(const model& schema, const message& of,
                                           const message_layout& at);

/// The struct that says how much a message will hold, and the sum of it.
[[nodiscard]] std::string generate_extent(const model& schema, const message& of);
[[nodiscard]] std::string generate_size(const model& schema, const message& of);

}  // namespace myra::schema
