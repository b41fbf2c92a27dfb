// What is wrong with a schema, for a person: where, what, and what would be right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "myra/schema/model.hpp"

namespace myra::schema {

struct diagnostic {
  position at;
  std::string what;   ///< "unknown type 'int31'"
  std::string right;  ///< "did you mean int32?"; empty where nobody knows.
};

/// Gathers errors, so that one run tells of several. Keeps the first `count_max` of them.
class diagnostics {
 public:
  static constexpr std::size_t count_max = 100;

  /// Gives a file the number that positions in it carry.
  std::uint32_t add_file(std::string path);
  [[nodiscard]] const std::string& path(std::uint32_t file) const { return paths_[file]; }

  void error(position at, std::string what, std::string right = {});

  [[nodiscard]] bool empty() const noexcept { return found_.empty(); }
  /// Whether more errors would be told to nobody; work that can only find more may end.
  [[nodiscard]] bool full() const noexcept { return found_.size() >= count_max; }
  [[nodiscard]] const std::vector<diagnostic>& found() const noexcept { return found_; }

  /// "PATH:LINE:COLUMN: error: WHAT; RIGHT" a line, by file and place.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::string> paths_;
  std::vector<diagnostic> found_;
};

/// `shown` in single quotes, without controls and cut to a bearable length.
[[nodiscard]] std::string in_quotes(std::string_view shown);

/// "did you mean NAME?", or `otherwise` when no known name is near.
[[nodiscard]] std::string suggestion(std::string_view typed, const std::vector<std::string>& known,
                                     std::string_view otherwise = {});

/// "a, b and c"
[[nodiscard]] std::string enumerated(const std::vector<std::string>& words);

}  // namespace myra::schema
