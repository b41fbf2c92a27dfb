#include "myra/config/command_line.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

#include "myra/config/message.hpp"
#include "myra/config/quantity.hpp"
#include "myra/core/nearest_name.hpp"

namespace myra::config {
namespace {

std::string with_dashes(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

/// The names of a field as CLI11 wants them: "--listener.reuse-port,!--no-listener.reuse-port" for
/// a flag.
std::string spellings(const field& of) {
  std::string all;
  for (const std::string& option : {long_option_of(of), option_of(of)}) {
    if (!all.empty() && option == long_option_of(of)) continue;  // It has no brief name.
    if (!all.empty()) all += ',';
    all += option;
    if (of.kind == field_kind::flag) all += ",!--no-" + option.substr(2);
  }
  return all;
}

CLI::Option* add_option(CLI::App& to, const field& added) {
  if (added.kind == field_kind::flag) return to.add_flag(spellings(added));
  return to.add_option(spellings(added))->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

std::vector<std::string> known_options(std::span<const field> fields) {
  std::vector<std::string> all = {"--help", "--help-all", "--print-config", "--config"};
  for (const field& each : fields) {
    all.push_back(option_of(each));
    all.push_back(long_option_of(each));
    if (each.kind != field_kind::flag) continue;
    for (const std::string& name : {option_of(each), long_option_of(each)})
      all.push_back("--no-" + name.substr(2));
  }
  return all;
}

std::unexpected<error_report> not_understood(const std::string& word,
                                             std::span<const field> fields) {
  if (!word.starts_with('-'))
    return invalid("found " + in_words(word) +
                   ", which belongs to no option; values follow their option's name");
  const std::string name = word.substr(0, word.find('='));
  return invalid(unknown_name("option " + name, nearest_name(name, known_options(fields))));
}

/// A value is missing only behind the last word, `--name` or `--name=`; nothing else makes CLI11
/// throw here. Its own words are not looked at: they differ from version to version.
std::unexpected<error_report> no_value(std::string_view last, std::span<const field> fields) {
  const std::string_view option = last.substr(0, last.find('='));
  for (const field& each : fields)
    if (option == option_of(each) || option == long_option_of(each))
      return invalid(not_allowed(each, option_of(each), "nothing"));
  return invalid(std::string(option) + ": found nothing, allowed a file");
}

value from_text(const field& to, const std::string& text) {
  if (to.kind == field_kind::flag && (text == "true" || text == "false")) return text == "true";
  if (to.kind == field_kind::number)
    if (const auto number = parse_number(text)) return *number;
  return text;
}

}  // namespace

std::string option_of(const field& of) {
  return of.name.brief.empty() ? long_option_of(of) : "--" + with_dashes(of.name.brief);
}

std::string long_option_of(const field& of) { return "--" + with_dashes(of.name.full); }

opened<command_line> read_arguments(std::span<const std::string> arguments,
                                    std::span<const field> fields) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  const CLI::Option* help = app.add_flag("-h,--help");
  const CLI::Option* help_all = app.add_flag("--help-all");
  const CLI::Option* print_config = app.add_flag("--print-config");
  command_line line;
  app.add_option("--config", line.file)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  std::vector<const CLI::Option*> options;
  for (const field& each : fields) options.push_back(add_option(app, each));

  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError&) {
    return no_value(arguments.back(), fields);
  }
  if (const auto extras = app.remaining(); !extras.empty())
    return not_understood(extras.front(), fields);

  if (print_config->count() > 0) line.asked = request::print_config;
  if (help->count() > 0) line.asked = request::help;
  if (help_all->count() > 0) line.asked = request::help_all;
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (options[i]->count() > 0) line.given.emplace_back(&fields[i], options[i]->results().back());
  return line;
}

opened<void> set_from_text(const field& to, const std::string& text) {
  const value found = from_text(to, text);
  if (to.set(found)) return {};
  return invalid(not_allowed(to, option_of(to), in_words(found)));
}

}  // namespace myra::config
