// myrac generate: schemas to headers.

#include "myra/schema/generate.hpp"

#include <filesystem>

#include "console.hpp"
#include "verbs.hpp"

namespace myra::compiler {
namespace {

struct generate_options {
  schema::compile_options compile;
  std::string out;
  std::string depfile;
  bool check = false;
};

bool write_headers(const schema::compiled& made, const std::string& folder) {
  for (std::uint32_t i = 0; i < made.schema.files.size(); ++i) {
    const std::string name = made.schema.files[i].stem + ".hpp";
    const std::string text = schema::generate_cpp(made.schema, made.places, i);
    if (!write_file((std::filesystem::path(folder) / name).string(), text)) return false;
  }
  return true;
}

/// A path as Make reads it.
std::string escaped(const std::string& path) {
  std::string text;
  for (const char each : path) {
    if (each == ' ' || each == '#') text += '\\';
    if (each == '$') text += '$';
    text += each;
  }
  return text;
}

/// "FILE: everything that was read", for a depfile called FILE.d.
bool write_depfile(const schema::compiled& made, const std::string& path) {
  std::string text = escaped(path.substr(0, path.size() - 2)) + ':';
  const auto add = [&](const std::string& read) {
    text += " \\\n  " + escaped(std::filesystem::absolute(read).lexically_normal().string());
  };
  for (const schema::schema_file& each : made.schema.files) add(each.path);
  for (const schema::kept_ledger& each : made.ledgers)
    if (each.exists) add(each.path);
  return write_file(path, text + '\n');
}

int generate(const generate_options& options) {
  const auto made = compile_or_tell(options.compile);
  if (!made) return exit_wrong;
  if (options.check) {
    const std::string changes = ledger_changes(*made);
    if (!changes.empty()) {
      const std::string& ledger = options.compile.ledger_path;
      tell(changes + "myrac: run 'myrac lock " + options.compile.schema_path +
           (ledger.empty() ? "" : " --lock " + ledger) + "' and commit the ledger\n");
      return exit_wrong;
    }
  } else if (!write_ledgers(*made)) {
    return exit_usage;
  }
  if (!options.out.empty() && !write_headers(*made, options.out)) return exit_usage;
  if (!options.depfile.empty() && !write_depfile(*made, options.depfile)) return exit_usage;
  return 0;
}

}  // namespace

int run_generate(int argc, const char* const* argv) {
  generate_options options;
  CLI::App app(
      "Writes DIR/NAME.hpp for NAME.myra.yml and for every file that it imports, and keeps the "
      "ledgers.",
      "myrac generate");
  app.add_option("SCHEMA", options.compile.schema_path, "The .myra.yml file")->required();
  auto* out = app.add_option("--out", options.out, "The folder for the headers; made when missing");
  app.add_option("--lock", options.compile.ledger_path,
                 "The ledger of SCHEMA (default: NAME.myra.lock beside it)");
  auto* check = app.add_flag("--check", options.check,
                             "Do not touch the ledgers: where they would change, say how and end "
                             "with status 1. For CI");
  app.add_option("--depfile", options.depfile,
                 "Write FILE.d: a rule for make or ninja that says what FILE is made from")
      ->check([](const std::string& path) {
        return path.ends_with(".d") && path.size() > 2 ? "" : "expected a name that ends in .d";
      });
  if (const auto status = parse(app, argc, argv)) return *status;
  if (out->count() == 0 && check->count() == 0) {
    tell("myrac generate: --out is missing; see: myrac generate --help\n");
    return exit_usage;
  }
  return generate(options);
}

}  // namespace myra::compiler
