#include "myra/config/field.hpp"

#include <bit>

#include "myra/config/quantity.hpp"
#include "myra/core/cpu_list.hpp"

namespace myra::config {
namespace {

bool is_within(const bounds& allowed, std::int64_t found) {
  if (found == 0 && allowed.zero_too) return true;
  if (found < allowed.least || found > allowed.most || found % allowed.step != 0) return false;
  return !allowed.power_of_two || std::has_single_bit(static_cast<std::uint64_t>(found));
}

std::string in_words(field_kind kind, const bounds& allowed) {
  const auto print = [&](std::int64_t number) {
    return kind == field_kind::size ? print_size(number) : std::to_string(number);
  };
  std::string words = print(allowed.least);
  words += allowed.most == bounds{}.most ? " and more" : " to " + print(allowed.most);
  if (allowed.power_of_two) words = "a power of two from " + words;
  if (allowed.step > 1) words += " in steps of " + print(allowed.step);
  if (allowed.zero_too) words = "0, or " + words;
  if (kind == field_kind::size) words += R"( (bytes, or text such as "16KiB"))";
  return words;
}

std::string joined(const std::vector<std::string>& words, std::string_view between,
                   std::string_view last) {
  std::string all;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) all += i + 1 == words.size() ? last : between;
    all += words[i];
  }
  return all;
}

constexpr const char* address_forms =
    R"("127.0.0.1:7000", "[::1]:7000", "*:7000", "localhost:7000", "unix:/run/name.sock" or "unix:@name")";

}  // namespace

field flag(field_name name, std::string help, bool& target) {
  return {.name = std::move(name),
          .kind = field_kind::flag,
          .form = {},
          .help = std::move(help),
          .allowed = "true or false",
          .get = [&target] { return value(target); },
          .set =
              [&target](const value& found) {
                const bool* truth = std::get_if<bool>(&found);
                if (truth != nullptr) target = *truth;
                return truth != nullptr;
              }};
}

field integer(field_kind kind, field_name name, std::string help, const bounds& allowed,
              std::function<std::int64_t()> get, std::function<void(std::int64_t)> set) {
  const bool is_size = kind == field_kind::size;
  const auto take = [=, set = std::move(set)](const value& found) {
    std::optional<std::int64_t> number;
    if (const auto* whole = std::get_if<std::int64_t>(&found)) number = *whole;
    if (const auto* words = std::get_if<std::string>(&found); words != nullptr && is_size)
      number = parse_size(*words);
    if (!number || !is_within(allowed, *number)) return false;
    set(*number);
    return true;
  };
  const auto give = [is_size, get = std::move(get)] {
    const std::int64_t number = get();
    const bool has_unit = is_size && number > 0 && number % 1024 == 0;
    return has_unit ? value(print_size(number)) : value(number);
  };
  return {.name = std::move(name),
          .kind = kind,
          .form = is_size ? "SIZE" : "N",
          .help = std::move(help),
          .allowed = in_words(kind, allowed),
          .get = give,
          .set = take};
}

field time(field_name name, std::string help, duration& target, time_bounds allowed) {
  const auto take = [&target, allowed](const value& found) {
    const auto* words = std::get_if<std::string>(&found);
    const auto parsed = words != nullptr ? parse_time(*words) : std::nullopt;
    if (!parsed || *parsed < allowed.least || *parsed > allowed.most) return false;
    target = *parsed;
    return true;
  };
  return {.name = std::move(name),
          .kind = field_kind::time,
          .form = "TIME",
          .help = std::move(help),
          .allowed = print_time(allowed.least) + " to " + print_time(allowed.most) +
                     R"( (text such as "250ms", "5s", "10min" or "1h"))",
          .get = [&target] { return value(print_time(target)); },
          .set = take};
}

field text(field_name name, std::string form, std::string help, std::string& target) {
  const auto take = [&target](const value& found) {
    const auto* words = std::get_if<std::string>(&found);
    if (words != nullptr) target = *words;
    return words != nullptr;
  };
  return {.name = std::move(name),
          .kind = field_kind::text,
          .form = std::move(form),
          .help = std::move(help),
          .allowed = "any text",
          .get = [&target] { return value(target); },
          .set = take};
}

field cpu_list(field_name name, std::string help, std::string& target) {
  field made = text(std::move(name), "CPUS", std::move(help), target);
  made.allowed = R"(numbers and ranges from 0 to 1023, such as "0-3,8", or nothing)";
  made.set = [set = std::move(made.set)](const value& found) {
    const auto* words = std::get_if<std::string>(&found);
    return words != nullptr && parse_cpu_list(*words) && set(found);
  };
  return made;
}

field address(field_name name, std::string help, std::string& target) {
  field made = text(std::move(name), "HOST:PORT", std::move(help), target);
  made.allowed = address_forms;
  made.set = [set = std::move(made.set)](const value& found) {
    const auto* words = std::get_if<std::string>(&found);
    const bool reads = words != nullptr && (words->empty() || endpoint::parse(*words));
    return reads && set(found);
  };
  return made;
}

field address(field_name name, std::string help, endpoint& target) {
  const auto take = [&target](const value& found) {
    const auto* words = std::get_if<std::string>(&found);
    if (words == nullptr) return false;
    const auto parsed = words->empty() ? endpoint{} : endpoint::parse(*words);
    if (parsed) target = *parsed;
    return parsed.has_value();
  };
  return {.name = std::move(name),
          .kind = field_kind::text,
          .form = "HOST:PORT",
          .help = std::move(help),
          .allowed = address_forms,
          .get = [&target] { return value(target.to_string()); },
          .set = take};
}

field one_of(field_name name, std::string help, const std::vector<std::string>& words,
             std::function<std::size_t()> get, std::function<void(std::size_t)> set) {
  std::string form = joined(words, "|", "|");
  std::string allowed = '"' + joined(words, "\", \"", "\" or \"") + '"';
  const auto give = [words, get = std::move(get)] { return value(words.at(get())); };
  const auto take = [words, set = std::move(set)](const value& found) {
    const auto* word = std::get_if<std::string>(&found);
    for (std::size_t i = 0; word != nullptr && i < words.size(); ++i) {
      if (words[i] != *word) continue;
      set(i);
      return true;
    }
    return false;
  };
  return {.name = std::move(name),
          .kind = field_kind::text,
          .form = std::move(form),
          .help = std::move(help),
          .allowed = std::move(allowed),
          .get = give,
          .set = take};
}

}  // namespace myra::config
