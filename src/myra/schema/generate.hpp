// Layout to C++: the header that users include.
#pragma once

#include <cstdint>
#include <string>

#include "myra/schema/layout.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

/// The text of STEM.hpp for one file of the model: enums, and for each message M the struct M
/// (build, verify, sizes), M_view and M_builder. It includes the headers of the imported files and
/// myra/codec/codec.hpp, and nothing else of Myra.
[[nodiscard]] std::string generate_cpp(const model& schema, const layout& placed,
                                       std::uint32_t file);

}  // namespace myra::schema
