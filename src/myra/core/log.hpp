// Where the library's words go: a callback that the user hands in with the options. The library
// prints nothing itself.
#pragma once

#include <string_view>

namespace myra {

enum class log_level { debug, info, warning, error };

/// A receiver of log lines, without a newline at their end. Called on the thread that has something
/// to say; a reactor's watchdog calls it from its own thread, and a reactor group from the one that
/// waits for signals. Copyable; `context` is borrowed and must outlive the reactor.
struct log_sink {
  void (*write)(void* context, log_level level, std::string_view line) noexcept = nullptr;
  void* context = nullptr;

  void operator()(log_level level, std::string_view line) const noexcept {
    if (write != nullptr) write(context, level, line);
  }
};

}  // namespace myra
