#include "myra/config/help.hpp"

#include "myra/config/command_line.hpp"
#include "myra/config/message.hpp"

namespace myra::config {
namespace {

constexpr std::size_t help_column = 28;

/// One option in two columns; on two lines when the first is full.
std::string row(const std::string& option, const std::string& help) {
  std::string line = "  " + option;
  if (line.size() + 2 > help_column)
    return line + '\n' + std::string(help_column, ' ') + help + '\n';
  line.resize(help_column, ' ');
  return line + help + '\n';
}

bool is_everyday(const field& of) {
  return !of.name.brief.empty() || of.name.full.find('.') == std::string::npos;
}

/// The default, unless there is nothing to say about it.
std::string default_of(const field& of) {
  if (of.differing)
    if (const std::string each = of.differing(); !each.empty()) return " (" + each + ")";
  const value present = of.get();
  if (of.kind == field_kind::flag) return std::get<bool>(present) ? " (on unless --no-...)" : "";
  if (const auto* words = std::get_if<std::string>(&present))
    return words->empty() ? "" : " (" + on_one_line(*words) + ")";
  return " (" + in_words(present) + ")";
}

std::string option_with_form(const std::string& option, const field& of) {
  return of.form.empty() ? option : option + ' ' + of.form;
}

std::string own_options() {
  return row("--config FILE", "Read options from a TOML file; those given here override it.") +
         row("--print-config", "Print the options in effect as such a file, and end.") +
         row("--help, --help-all", "Print this, or all options with what is allowed, and end.");
}

std::string heading(const program& of) {
  return of.name + ": " + of.summary + "\n\nUsage: " + of.name + " [OPTION...]\n";
}

std::string indented(const std::string& lines) {
  std::string all = lines.empty() ? "" : "  ";
  for (const char each : lines) {
    all += each;
    if (each == '\n') all += "  ";
  }
  return all.empty() ? "" : all + '\n';
}

}  // namespace

std::string help_text(const program& of) {
  std::string all = heading(of) + "\nOptions:\n";
  for (const field& each : of.fields)
    if (is_everyday(each))
      all += row(option_with_form(option_of(each), each), each.help + default_of(each));
  all += own_options();
  if (!of.examples.empty()) all += "\nExamples:\n" + indented(of.examples);
  return all + "\nAll " + std::to_string(of.fields.size()) + " options: " + of.name +
         " --help-all\n";
}

std::string full_help_text(const program& of) {
  std::string all =
      heading(of) +
      "\nEach option can stand in a file (--config FILE): --listener.reuse-port there is the key\n"
      "reuse_port of the table [listener]. --print-config prints such a file.\n\n";
  for (const field& each : of.fields) {
    std::string option = option_with_form(long_option_of(each), each);
    if (option_of(each) != long_option_of(each)) option += ", " + option_of(each);
    all += row(option, each.help + default_of(each));
    all += std::string(help_column, ' ') + "Allowed: " + each.allowed + ".\n";
  }
  return all + '\n' + own_options();
}

}  // namespace myra::config
