// The comments of a YAML file, which its parser leaves out and which document a schema.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "myra/schema/model.hpp"

namespace myra::schema {

class comment_lines {
 public:
  explicit comment_lines(std::string_view text);

  /// The comment that ends on the line above `at` and does not stand further right, without its
  /// '#'s; empty where there is none.
  [[nodiscard]] std::string above(position at) const;

 private:
  std::vector<std::string_view> lines_;
};

}  // namespace myra::schema
