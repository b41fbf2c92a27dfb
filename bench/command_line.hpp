// The command line of the programs in this folder: `--name value` pairs and bare `--name` switches.
//
// A wrong command line ends the program with exit code 2 and one line that says what was found;
// what fails later, with 1.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace myra::bench {

[[noreturn]] inline void fail_usage(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::exit(2);
}

[[noreturn]] inline void fail_run(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::exit(1);
}

[[noreturn]] inline void fail_system(const char* what, int error) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(error));
  std::exit(1);
}

class command_line {
 public:
  /// `valued` and `switches` name, without dashes, all that the program understands.
  command_line(int argc, char** argv, std::initializer_list<const char*> valued,
               std::initializer_list<const char*> switches) {
    for (int i = 1; i < argc; ++i) {
      const std::string_view word = argv[i];
      const std::string name{word.starts_with("--") ? word.substr(2) : std::string_view{}};
      if (is_one_of(name, switches)) {
        values_[name] = "yes";
      } else if (is_one_of(name, valued) && i + 1 < argc) {
        values_[name] = argv[++i];
      } else {
        fail_usage("unexpected '" + std::string(word) + "'; known: " + listed(valued, " VALUE") +
                   listed(switches, ""));
      }
    }
  }

  bool has(const std::string& name) const { return values_.contains(name); }

  std::string text(const std::string& name, const std::string& otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
  }

  std::uint32_t number(const std::string& name, std::uint32_t otherwise) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return otherwise;
    const std::string& value = found->second;
    std::uint32_t parsed = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
    if (error != std::errc{} || end != value.data() + value.size()) {
      fail_usage("--" + name + ": '" + value + "' is not a number");
    }
    return parsed;
  }

  /// The value must be `first` or `second`; true for `second`. Without the option: `first`.
  bool is_second(const std::string& name, const char* first, const char* second) const {
    const std::string value = text(name, first);
    if (value == second) return true;
    if (value == first) return false;
    fail_usage("--" + name + ": '" + value + "'; allowed: " + first + ", " + second);
  }

 private:
  static bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
    for (const char* known : names) {
      if (name == known) return true;
    }
    return false;
  }

  static std::string listed(std::initializer_list<const char*> names, const char* suffix) {
    std::string all;
    for (const char* name : names) all += std::string("--") + name + suffix + " ";
    return all;
  }

  std::map<std::string, std::string> values_;
};

}  // namespace myra::bench
