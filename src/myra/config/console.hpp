// What a server of one's own says on the console, in the words of `configure`.
#pragma once

#include <string_view>

#include "myra/core/error.hpp"
#include "myra/core/log.hpp"
#include "myra/reactor/reactor.hpp"
#include "myra/transport/listener.hpp"

namespace myra::config {

/// The exit status of a program that could not begin.
inline constexpr int exit_usage = 2;

/// Prints "program: what" in one line on standard error. Returns `exit_usage`.
int refuse(std::string_view program, std::string_view what);
int refuse(std::string_view program, const error_report& why);

/// Writes the library's words of level info and above to standard error, a line each, after
/// "program: ". `program` is a string literal.
[[nodiscard]] log_sink log_to_stderr(const char* program) noexcept;

/// Prints and flushes the line for people and for scripts that wait for it: `listening on HOST:PORT
/// (uring)`, or `(epoll: WHY)`.
void announce(const reactor& on, const endpoint& ready);
inline void announce(const reactor& on, const listener& ready) { announce(on, ready.local()); }
/// The line after it, of a server that shows its counters: `metrics on HOST:PORT`.
void announce_metrics(const endpoint& ready);

}  // namespace myra::config
