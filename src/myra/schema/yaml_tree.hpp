// A YAML file as a tree that knows where each of its parts stands.
//
// A subset of YAML: one document, keys are plain text and unique, no anchors, aliases or tags. What
// is refused is an error; so is what passes the limits, which bound time and memory whatever the
// text says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "myra/schema/diagnostics.hpp"

namespace myra::schema {

struct yaml_limits {
  std::size_t size_max_bytes = 4u << 20;
  std::size_t line_size_max_bytes = 64u << 10;
  std::size_t depth_max = 24;
  std::size_t node_count_max = 2'000'000;
};

enum class yaml_kind : std::uint8_t { null, scalar, sequence, mapping };

struct yaml_key {
  std::string text;
  position at;
};

struct yaml_node {
  yaml_kind kind = yaml_kind::null;
  bool is_quoted = false;  ///< A scalar in quotes or a block: text, whatever it looks like.
  position at = {};
  std::string text = {};              ///< Of a scalar.
  std::vector<yaml_key> keys = {};    ///< Of a mapping, in the order of the text.
  std::vector<yaml_node> items = {};  ///< Of a sequence; of a mapping, the value of each key.
};

/// The value of that key, or null where the mapping does not have it.
[[nodiscard]] const yaml_node* find_value(const yaml_node& mapping, std::string_view key);

/// Reads `text`, which is file number `file`. What is wrong goes to `errors`; the tree then holds
/// what could be read.
[[nodiscard]] yaml_node read_yaml(std::string_view text, std::uint32_t file, diagnostics& errors,
                                  const yaml_limits& limits = {});

}  // namespace myra::schema
