// In which order several addresses of one peer are tried.
#pragma once

#include <span>
#include <vector>

#include "myra/transport/endpoint.hpp"

namespace myra {

/// The addresses with their families alternating, the family of the first one first, each family in
/// the order given: RFC 8305, section 4, with a First Address Family Count of one. Meant for the
/// few addresses of a name: O(n * n).
[[nodiscard]] std::vector<endpoint> alternate_families(std::span<const endpoint> given);

}  // namespace myra
