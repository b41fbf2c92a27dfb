#include "myra/config/console.hpp"

#include <cstdio>
#include <string>

namespace myra::config {
namespace {

const char* word_of(log_level level) noexcept {
  switch (level) {
    case log_level::debug: return "debug: ";
    case log_level::info: return "";
    case log_level::warning: return "warning: ";
    case log_level::error: return "error: ";
  }
  return "";
}

void write_line(void* context, log_level level, std::string_view line) noexcept {
  if (level == log_level::debug) return;
  std::fprintf(stderr, "%s: %s%.*s\n", static_cast<const char*>(context), word_of(level),
               static_cast<int>(line.size()), line.data());
}

}  // namespace

int refuse(std::string_view program, std::string_view what) {
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(program.size()), program.data(),
               static_cast<int>(what.size()), what.data());
  return exit_usage;
}

int refuse(std::string_view program, const error_report& why) {
  return refuse(program, describe(why));
}

log_sink log_to_stderr(const char* program) noexcept {
  return {.write = write_line, .context = const_cast<char*>(program)};
}

void announce(const reactor& on, const endpoint& ready) {
  const bool fell_back = on.backend() == io::backend_kind::epoll;
  std::printf("listening on %s (%s%s)\n", ready.to_string().c_str(), io::name_of(on.backend()),
              fell_back ? (": " + on.reason()).c_str() : "");
  std::fflush(stdout);
}

void announce_metrics(const endpoint& ready) {
  std::printf("metrics on %s\n", ready.to_string().c_str());
  std::fflush(stdout);
}

}  // namespace myra::config
