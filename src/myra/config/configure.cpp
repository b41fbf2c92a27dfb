#include "myra/config/configure.hpp"

#include <cstdio>

#include "myra/config/command_line.hpp"
#include "myra/config/console.hpp"
#include "myra/config/help.hpp"
#include "myra/config/message.hpp"

namespace myra::config {
namespace {

opened<void> check_required(const program& program) {
  for (const field& each : program.fields) {
    const value present = each.get();
    const auto* words = std::get_if<std::string>(&present);
    if (each.required && words != nullptr && words->empty())
      return invalid(option_of(each) + ' ' + each.form + " is missing: " + each.help);
  }
  return {};
}

opened<void> set_all(const command_line& line, const program& program) {
  if (!line.file.empty())
    if (auto read = read_file(line.file, program.fields); !read) return read;
  for (const auto& [to, text] : line.given)
    if (auto set = set_from_text(*to, text); !set) return set;
  return {};
}

opened<void> check_all(const program& program) {
  if (auto complete = check_required(program); !complete) return complete;
  if (!program.check) return {};
  std::string wrong = program.check();
  if (wrong.empty()) return {};
  return invalid(std::move(wrong));
}

}  // namespace

program program_of(options& options, const offered& parts) {
  program made;
  made.fields = fields_of(options, parts);
  made.check = [&options, parts] { return check(options, parts); };
  return made;
}

opened<outcome> parse(std::span<const std::string> arguments, const program& program) {
  const auto line = read_arguments(arguments, program.fields);
  if (!line) return std::unexpected(line.error());
  // Help shows the program's own defaults, and is to be had whatever else is wrong.
  if (line->asked == request::help) return outcome{true, help_text(program)};
  if (line->asked == request::help_all) return outcome{true, full_help_text(program)};
  if (auto set = set_all(*line, program); !set) return std::unexpected(set.error());
  // An incomplete configuration can be printed, to be completed.
  if (line->asked == request::print_config) return outcome{true, print(program.fields)};
  if (auto checked = check_all(program); !checked) return std::unexpected(checked.error());
  return outcome{};
}

std::optional<int> configure(int argc, const char* const* argv, const program& program) {
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  const auto found = parse(arguments, program);
  if (!found) {
    const error_report& error = found.error();
    const bool told = error.code == condition::invalid;
    return refuse(program.name,
                  (told ? error.what : describe(error)) + " (see " + program.name + " --help)");
  }
  if (!found->ends) return std::nullopt;
  std::fwrite(found->text.data(), 1, found->text.size(), stdout);
  std::fflush(stdout);
  return 0;
}

}  // namespace myra::config
