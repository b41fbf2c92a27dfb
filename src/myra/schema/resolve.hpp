// Declarations in, model out: names are looked up, rules are checked.
#pragma once

#include <cstddef>
#include <vector>

#include "myra/schema/declared.hpp"
#include "myra/schema/diagnostics.hpp"
#include "myra/schema/load.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

/// Of all files of one run, groups included.
inline constexpr std::size_t message_count_max = 10'000;

/// The model of `files`, as load_files gave them. Ids and tags that are not given are 0, and fields
/// stand as declared: `assign_identities` (identity.hpp) completes it. What is wrong goes to
/// `errors`; the model is fit for use only when there are none.
[[nodiscard]] model resolve(std::vector<declared_file> files, diagnostics& errors);

}  // namespace myra::schema
