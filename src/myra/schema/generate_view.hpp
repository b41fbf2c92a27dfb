// The view of a message: the class that users read with.
#pragma once

#include <string>

#include "myra/schema/layout.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

/// The class. The bodies of accessors that give other views stand in generate_view_bodies, behind
/// all classes: views may refer to each other in circles.
[[nodiscard]] std::string generate_view(const model& schema, const message& of,
                                        const message_layout& at);
[[nodiscard]] std::string generate_view_bodies(const model& schema, const message& of,
                                               const message_layout& at);

}  // namespace myra::schema
