#include "console.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "myra/schema/diff.hpp"

namespace myra::compiler {
namespace {

namespace fs = std::filesystem;

bool fail(const std::string& path, const std::string& why) {
  tell("myrac: cannot write " + path + ": " + why + '\n');
  return false;
}

bool has_text(const std::string& path, std::string_view text) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  std::string found(text.size() + 1, '\0');
  file.read(found.data(), static_cast<std::streamsize>(found.size()));
  found.resize(static_cast<std::size_t>(file.gcount()));
  return found == text;
}

}  // namespace

std::optional<int> parse(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::printf("%s", app.help().c_str());
    return 0;
  } catch (const CLI::ParseError& wrong) {
    tell(app.get_name() + ": " + wrong.what() + "; see: " + app.get_name() + " --help\n");
    return exit_usage;
  }
  return std::nullopt;
}

std::optional<schema::compiled> compile_or_tell(const schema::compile_options& options) {
  schema::compiled made = schema::compile(options, schema::read_source);
  if (made.errors.empty()) return made;
  tell(made.errors.text());
  return std::nullopt;
}

bool write_file(const std::string& path, std::string_view text) {
  if (has_text(path, text)) return true;  // Its time stays, so that nothing is built again.
  std::error_code wrong;
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty()) fs::create_directories(folder, wrong);
  if (wrong) return fail(path, wrong.message());
  // Whole or not at all: a reader never sees half of it, and a full disk loses nothing.
  const std::string unfinished = path + ".new";
  std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) {
    const std::string why = std::strerror(errno);
    fs::remove(unfinished, wrong);
    return fail(path, why);
  }
  fs::rename(unfinished, path, wrong);
  if (!wrong) return true;
  const std::string why = wrong.message();
  fs::remove(unfinished, wrong);
  return fail(path, why);
}

bool write_ledgers(const schema::compiled& made) {
  for (const schema::kept_ledger& each : made.ledgers) {
    if (each.exists && each.text == each.after_text) continue;
    if (!write_file(each.path, each.after_text)) return false;
    tell("myrac: " + each.path + (each.exists ? " updated\n" : " created\n"));
  }
  return true;
}

std::string ledger_changes(const schema::compiled& made) {
  std::string text;
  for (const schema::kept_ledger& each : made.ledgers) {
    if (each.exists && each.text == each.after_text) continue;
    const auto changes = schema::changes_between(each.before, each.after);
    text += each.path + (each.exists ? " is behind its schema:\n" : " does not exist:\n");
    text += changes.empty() ? "only its form changes\n" : schema::text_of(changes);
  }
  return text;
}

void tell(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace myra::compiler
