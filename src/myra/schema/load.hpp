// A schema file and all that it imports.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "myra/schema/declared.hpp"
#include "myra/schema/diagnostics.hpp"

namespace myra::schema {

inline constexpr std::size_t file_count_max = 256;
inline constexpr std::size_t source_size_max_bytes = 16u << 20;  ///< Of all files together.

/// Gives the text of a file, or says why not ("no such file").
using source_reader = std::function<std::expected<std::string, std::string>(const std::string&)>;

/// Reads regular files from disk, of a bearable size.
[[nodiscard]] std::expected<std::string, std::string> read_source(const std::string& path);

/// The file at `path`, which comes first, and every file that it imports, directly or not. Paths of
/// imports are relative to the file that names them. Refuses cycles, and two files of one name,
/// whose generated headers would be one.
[[nodiscard]] std::vector<declared_file> load_files(const std::string& path,
                                                    const source_reader& read, diagnostics& errors);

/// "trading" for "schemas/trading.myra.yml".
[[nodiscard]] std::string stem_of(const std::string& path);

}  // namespace myra::schema
