// Errors. The kernel's are std::error_code in the system category, made from -errno by
// `kernel_error` and nowhere else; each layer has one category of its own. Callers ask with
// portable conditions:
//
//   if (error == myra::condition::timed_out) ...
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace myra {

/// Questions that a caller may ask of any error of any layer.
enum class condition {
  disconnected = 1,    ///< The peer is gone: reset, aborted, broken pipe, end of stream.
  timed_out,           ///< A deadline passed.
  refused,             ///< Nobody listens there.
  unreachable,         ///< No route, host or network to that address.
  resource_exhausted,  ///< A limit of descriptors, memory or buffers was met; may work later.
  cancelled,           ///< The operation was cancelled by its owner.
  invalid,             ///< The caller asked for something that is not allowed.
  unsupported,         ///< The kernel or the build cannot do this.
  permission_denied,   ///< The process may not do this.
};

std::error_condition make_error_condition(condition value) noexcept;

/// The error code of a kernel result. `result` is a negative errno, as completions carry it.
[[nodiscard]] inline std::error_code kernel_error(int result) noexcept {
  return {-result, std::system_category()};
}

/// An error with words: the code, and what it was about (address, limit, field), for a person.
struct error_report {
  std::error_code code;
  std::string what;
};

/// What is opened from options or addresses: the thing, or an error with words.
template <class T>
using opened = std::expected<T, error_report>;

[[nodiscard]] inline std::unexpected<error_report> report(std::error_code code, std::string what) {
  return std::unexpected<error_report>(error_report{code, std::move(what)});
}

/// "what: reason" in one line.
[[nodiscard]] std::string describe(const error_report& report);

}  // namespace myra

template <>
struct std::is_error_condition_enum<myra::condition> : std::true_type {};
