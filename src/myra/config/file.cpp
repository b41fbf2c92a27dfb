// The file form: TOML.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <sstream>
#include <variant>

#include "myra/config/characters.hpp"
#include "myra/config/configure.hpp"
#include "myra/config/message.hpp"
#include "myra/config/nearest_name.hpp"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/impl/preprocessor.h>
// toml++ 3.3 asserts that a key begins with a letter before it reports that it does not ("[!]"),
// and where assertions are off tells Clang to rely on it. Without the assertion the report is made.
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT_ASSUME(...) static_assert(true)
#include <toml++/toml.h>

namespace myra::config {
namespace {

constexpr std::size_t file_size_max = 1024 * 1024;

/// Sets fields from a document. Of several mistakes the one that stands first in the file is told.
class document_reader {
 public:
  document_reader(const std::string& name, std::span<const field> fields)
      : name_(name), fields_(fields) {}

  void read(const toml::table& table, const std::string& prefix) {
    for (const auto& [key, node] : table) {
      const std::string full = prefix + std::string(key.str());
      if (const field* known = find(full); known != nullptr) {
        set(*known, node);
      } else if (!is_table_of_fields(full)) {
        unknown(full, key.source().begin);
      } else if (const toml::table* inner = node.as_table(); inner != nullptr) {
        read(*inner, full + '.');
      } else {
        complain(node.source().begin,
                 full + ": found " + describe(node) + ", allowed a table, [" + full + "]");
      }
    }
  }

  [[nodiscard]] opened<void> outcome() const {
    if (mistake_.empty()) return {};
    return invalid(mistake_);
  }

 private:
  [[nodiscard]] const field* find(const std::string& full) const {
    for (const field& each : fields_)
      if (each.name.full == full) return &each;
    return nullptr;
  }

  [[nodiscard]] bool is_table_of_fields(const std::string& full) const {
    for (const field& each : fields_)
      if (each.name.full.starts_with(full + '.')) return true;
    return false;
  }

  void set(const field& known, const toml::node& node) {
    const std::optional<value> found = value_of(node);
    if (found && known.set(*found)) return;
    complain(node.source().begin, not_allowed(known, known.name.full, describe(node)));
  }

  void unknown(const std::string& full, const toml::source_position& at) {
    std::vector<std::string> names;
    for (const field& each : fields_) names.push_back(each.name.full);
    complain(at, unknown_name("key " + full, nearest_name(full, names)));
  }

  static std::optional<value> value_of(const toml::node& node) {
    if (const auto* truth = node.as_boolean()) return value(truth->get());
    if (const auto* number = node.as_integer()) return value(number->get());
    if (const auto* words = node.as_string()) return value(words->get());
    return std::nullopt;
  }

  static std::string describe(const toml::node& node) {
    if (const auto simple = value_of(node)) return in_words(*simple);
    if (node.is_table()) return "a table";
    if (node.is_array()) return "an array";
    if (const auto* number = node.as_floating_point()) {
      std::ostringstream words;
      words << number->get();
      return "the fraction " + words.str();
    }
    return "a date or a time of day";
  }

  void complain(const toml::source_position& at, const std::string& what) {
    if (!mistake_.empty() && !(at < first_)) return;
    first_ = at;
    mistake_ =
        name_ + ':' + std::to_string(at.line) + ':' + std::to_string(at.column) + ": " + what;
  }

  const std::string& name_;
  std::span<const field> fields_;
  toml::source_position first_{};
  std::string mistake_;
};

/// The whole file, or an error with its name.
opened<std::string> contents_of(const std::string& path) {
  const auto failed = [&](int code) {
    return report(std::error_code(code, std::system_category()),
                  "cannot read the configuration file " + path);
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  if (file == nullptr) return failed(errno);
  std::string contents(file_size_max + 1, '\0');
  contents.resize(std::fread(contents.data(), 1, contents.size(), file.get()));
  if (std::ferror(file.get()) != 0) return failed(errno);
  if (contents.size() > file_size_max)
    return invalid(path + ": found more than 1 MiB, which is no configuration file");
  return contents;
}

/// As a basic string of TOML.
std::string in_quotes(const std::string& text) {
  std::string all = "\"";
  for (const char each : text) {
    const auto code = static_cast<unsigned char>(each);
    if (each == '"' || each == '\\') {
      all += '\\';
      all += each;
    } else if (code < 0x20 || code == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04X", static_cast<unsigned>(code));
      all += escaped;
    } else {
      all += each;
    }
  }
  return all + '"';
}

std::string printed(const value& present) {
  if (const bool* truth = std::get_if<bool>(&present)) return *truth ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&present)) return std::to_string(*number);
  return in_quotes(std::get<std::string>(present));
}

std::string table_of(const field& printed_field) {
  const std::string& full = printed_field.name.full;
  const std::size_t dot = full.rfind('.');
  return dot == std::string::npos ? "" : full.substr(0, dot);
}

}  // namespace

opened<void> read_text(std::string_view text, const std::string& name,
                       std::span<const field> fields) {
  // The mark that some editors begin a file with (U+FEFF) says nothing in UTF-8.
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (auto clean = check_characters(text, name); !clean) return clean;
  const toml::parse_result document = toml::parse(text);
  if (!document) {
    const toml::parse_error& error = document.error();
    const auto& at = error.source().begin;
    return invalid(name + ':' + std::to_string(at.line) + ':' + std::to_string(at.column) +
                   ": is not TOML: " + on_one_line(error.description()));
  }
  document_reader reader(name, fields);
  reader.read(document.table(), "");
  return reader.outcome();
}

opened<void> read_file(const std::string& path, std::span<const field> fields) {
  const auto contents = contents_of(path);
  if (!contents) return std::unexpected(contents.error());
  return read_text(*contents, path, fields);
}

std::string print(std::span<const field> fields) {
  // Keys without a table come first in TOML; a table is opened once.
  std::vector<std::string> tables = {""};
  for (const field& each : fields)
    if (std::find(tables.begin(), tables.end(), table_of(each)) == tables.end())
      tables.push_back(table_of(each));
  std::string all;
  for (const std::string& table : tables) {
    if (!table.empty()) all += (all.empty() ? "[" : "\n[") + table + "]\n";
    for (const field& each : fields) {
      if (table_of(each) != table) continue;
      const std::string key =
          table.empty() ? each.name.full : each.name.full.substr(table.size() + 1);
      all += "# " + each.help + " Allowed: " + each.allowed + ".\n";
      all += key + " = " + printed(each.get()) + "\n";
    }
  }
  return all;
}

}  // namespace myra::config
