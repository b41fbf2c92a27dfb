// One option: its name, what it may be, and the variable behind it.
//
// A field has one name, `listener.reuse_port`, which is table and key in a file (`[listener]`,
// `reuse_port = true`) and, with dashes, an option of the command line (`--listener.reuse-port`).
// Some have a brief name for the command line as well (`--listen`). A program adds fields of its
// own, bound to its own variables, with the functions below.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "myra/core/clock.hpp"
#include "myra/transport/endpoint.hpp"

namespace myra::config {

enum class field_kind : std::uint8_t {
  flag,    ///< true or false.
  number,  ///< An integer.
  size,    ///< Bytes: an integer, or text such as "16KiB".
  time,    ///< Text such as "250ms".
  text,    ///< Any text.
};

/// What stands in a file: a flag is a bool, a number an integer, everything else may be text.
using value = std::variant<bool, std::int64_t, std::string>;

struct field_name {
  field_name(const char* full_name)
      : full(full_name) {}  // NOLINT(google-explicit-constructor): reads as a name
  field_name(const char* full_name, const char* brief_name) : full(full_name), brief(brief_name) {}
  std::string full;   ///< "listener.reuse_port"
  std::string brief;  ///< For the command line: "listen"; may be empty.
};

/// One row of the table. Holds a reference to the variable that it was made for.
struct field {
  field_name name;
  field_kind kind = field_kind::text;
  std::string form;     ///< What stands for the value in help: "HOST:PORT".
  std::string help;     ///< One sentence.
  std::string allowed;  ///< For messages: "1 to 64".
  bool required = false;
  /// The present value, in the form that prints best.
  std::function<value()> get;
  /// False, and nothing is changed, when the value is not allowed.
  std::function<bool(const value&)> set;
  /// Of a field for several variables: what each has, when that differs and no one value says it;
  /// empty otherwise. May be null.
  std::function<std::string()> differing = nullptr;
};

/// Which integers are allowed.
struct bounds {
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  /// Only multiples of this.
  std::int64_t step = 1;
  bool power_of_two = false;
  bool zero_too = false;  ///< Zero is allowed as well, for "none" or "the kernel's own".
};

/// Which durations are allowed.
struct time_bounds {
  duration least = duration::zero();
  duration most = std::chrono::hours(24 * 365);
};

/// Each makes a field bound to `target`, which must outlive it. What `target` holds is the default.
[[nodiscard]] field flag(field_name name, std::string help, bool& target);
[[nodiscard]] field time(field_name name, std::string help, duration& target,
                         time_bounds allowed = {});
[[nodiscard]] field text(field_name name, std::string form, std::string help, std::string& target);
/// Text that `endpoint::parse` reads. Empty is allowed and means none.
[[nodiscard]] field address(field_name name, std::string help, std::string& target);
[[nodiscard]] field address(field_name name, std::string help, endpoint& target);

/// Text that `parse_cpu_list` reads. Empty is allowed and means any.
[[nodiscard]] field cpu_list(field_name name, std::string help, std::string& target);

/// The general forms, for what the others are made of.
[[nodiscard]] field integer(field_kind kind, field_name name, std::string help,
                            const bounds& allowed, std::function<std::int64_t()> get,
                            std::function<void(std::int64_t)> set);
[[nodiscard]] field one_of(field_name name, std::string help, const std::vector<std::string>& words,
                           std::function<std::size_t()> get, std::function<void(std::size_t)> set);

/// `allowed`, narrowed to what a T can hold.
template <std::integral T>
[[nodiscard]] constexpr bounds bounds_of(bounds allowed) {
  using limits = std::numeric_limits<T>;
  if (std::cmp_less(limits::max(), allowed.most))
    allowed.most = static_cast<std::int64_t>(limits::max());
  if (std::cmp_greater(limits::min(), allowed.least))
    allowed.least = static_cast<std::int64_t>(limits::min());
  return allowed;
}

/// An integer.
template <std::integral T>
[[nodiscard]] field number(field_name name, std::string help, T& target, const bounds& allowed) {
  return integer(
      field_kind::number, std::move(name), std::move(help), bounds_of<T>(allowed),
      [&target] { return static_cast<std::int64_t>(target); },
      [&target](std::int64_t found) { target = static_cast<T>(found); });
}

/// A count of bytes.
template <std::integral T>
[[nodiscard]] field size(field_name name, std::string help, T& target, const bounds& allowed) {
  return integer(
      field_kind::size, std::move(name), std::move(help), bounds_of<T>(allowed),
      [&target] { return static_cast<std::int64_t>(target); },
      [&target](std::int64_t found) { target = static_cast<T>(found); });
}

/// One of several words, each for a value of an enumeration.
template <class Enum>
[[nodiscard]] field choice(field_name name, std::string help, Enum& target,
                           const std::vector<std::pair<std::string, Enum>>& words) {
  std::vector<std::string> names;
  std::vector<Enum> values;
  for (const auto& [word, meaning] : words) {
    names.push_back(word);
    values.push_back(meaning);
  }
  return one_of(
      std::move(name), std::move(help), names,
      [&target, values] {
        std::size_t at = 0;
        while (at < values.size() && values[at] != target) ++at;
        return at;
      },
      [&target, values](std::size_t chosen) { target = values[chosen]; });
}

/// The same field, but the program does not start while it is empty.
[[nodiscard]] inline field required(field made) {
  made.required = true;
  return made;
}

}  // namespace myra::config
