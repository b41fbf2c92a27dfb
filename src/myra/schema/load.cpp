#include "myra/schema/load.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "myra/schema/name_rules.hpp"
#include "myra/schema/parse.hpp"
#include "myra/schema/yaml_tree.hpp"

namespace myra::schema {
namespace {

namespace fs = std::filesystem;

class loader {
 public:
  loader(const source_reader& read, diagnostics& errors) : read_(read), errors_(errors) {}

  std::vector<declared_file> load(const std::string& path) {
    visit(fs::path(path).lexically_normal().string(), path, {});
    return std::move(files_);
  }

 private:
  /// The index of the file with that normal path; reads it where it is not there yet.
  std::uint32_t visit(const std::string& normal, const std::string& shown, position from) {
    const auto index = static_cast<std::uint32_t>(files_.size());
    files_.emplace_back();
    normal_paths_.push_back(normal);
    errors_.add_file(shown);
    files_[index].made.path = shown;
    files_[index].made.stem = stem_of(shown);
    check_stem(index, from);
    auto text = read_(shown);
    if (!text) {
      const position at = from.line == 0 ? position{index, 0, 0} : from;
      errors_.error(at, "cannot read " + in_quotes(shown) + ": " + text.error(),
                    from.line == 0 ? "name a .myra.yml file"
                                   : "the path of an import begins at the folder of this file");
      return index;
    }
    size_bytes_ += text->size();
    if (size_bytes_ > source_size_max_bytes) {
      errors_.error({index, 0, 0}, "this file and those before it have more than " +
                                       std::to_string(source_size_max_bytes) + " bytes together");
      return index;
    }
    schema_file found = std::move(files_[index].made);
    files_[index] = parse_file(*text, index, errors_);
    files_[index].made.path = std::move(found.path);
    files_[index].made.stem = std::move(found.stem);
    open_.push_back(index);
    visit_imports(index);
    open_.pop_back();
    return index;
  }

  void visit_imports(std::uint32_t index) {
    const std::vector<written_text> imports = files_[index].imports;
    for (const written_text& import : imports) {
      if (errors_.full() || size_bytes_ > source_size_max_bytes) return;
      const fs::path folder = fs::path(files_[index].made.path).parent_path();
      const std::string shown = (folder / import.text).lexically_normal().string();
      const auto target = find_or_visit(shown, import.at);
      // Once, however often it is named.
      if (target && std::ranges::count(files_[index].made.imports, *target) == 0)
        files_[index].made.imports.push_back(*target);
    }
  }

  std::optional<std::uint32_t> find_or_visit(const std::string& shown, position from) {
    const auto known = std::ranges::find(normal_paths_, shown);
    const auto index = static_cast<std::uint32_t>(known - normal_paths_.begin());
    if (known == normal_paths_.end()) {
      if (files_.size() < file_count_max) return visit(shown, shown, from);
      errors_.error(from, "more than " + std::to_string(file_count_max) + " files");
      return std::nullopt;
    }
    const auto open = std::ranges::find(open_, index);
    if (open == open_.end()) return index;
    std::string chain;
    for (auto each = open; each != open_.end(); ++each) chain += files_[*each].made.path + " -> ";
    errors_.error(from, "import cycle: " + chain + files_[index].made.path,
                  "move what both need to a third file and import that");
    return std::nullopt;
  }

  void check_stem(std::uint32_t index, position from) {
    const std::string& stem = files_[index].made.stem;
    const bool is_plain = !stem.empty() && std::ranges::all_of(stem, [](char each) {
      return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
             (each >= '0' && each <= '9') || each == '_' || each == '-' || each == '.';
    });
    const position at = from.line == 0 ? position{index, 0, 0} : from;
    if (!is_plain)
      errors_.error(at, "a file called " + in_quotes(stem),
                    "its name becomes that of a header: use letters, digits, '_', '-' and '.'");
    for (std::uint32_t other = 0; other < index; ++other)
      if (files_[other].made.stem == stem)
        errors_.error(at,
                      "two files are called " + stem + ": " + files_[other].made.path + " and " +
                          files_[index].made.path,
                      "rename one: both would be generated as " + stem + ".hpp");
  }

  const source_reader& read_;
  diagnostics& errors_;
  std::vector<declared_file> files_;
  std::vector<std::string> normal_paths_;
  std::vector<std::uint32_t> open_;  ///< The files whose imports are being read, outermost first.
  std::size_t size_bytes_ = 0;
};

}  // namespace

std::expected<std::string, std::string> read_source(const std::string& path) {
  std::error_code wrong;
  const fs::file_status status = fs::status(path, wrong);
  if (!fs::exists(status)) return std::unexpected("no such file");
  if (!fs::is_regular_file(status)) return std::unexpected("not a file");
  const std::size_t size_max = yaml_limits{}.size_max_bytes;
  if (const auto size = fs::file_size(path, wrong); !wrong && size > size_max)
    return std::unexpected(std::to_string(size) + " bytes; at most " + std::to_string(size_max));
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::unexpected(std::string(std::strerror(errno)));
  std::string text(size_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::vector<declared_file> load_files(const std::string& path, const source_reader& read,
                                      diagnostics& errors) {
  return loader(read, errors).load(path);
}

std::string stem_of(const std::string& path) {
  std::string name = fs::path(path).filename().string();
  for (const std::string_view ending : {".myra.yml", ".myra.yaml", ".yml", ".yaml"}) {
    if (!name.ends_with(ending)) continue;
    name.resize(name.size() - ending.size());
    break;
  }
  return name;
}

}  // namespace myra::schema
