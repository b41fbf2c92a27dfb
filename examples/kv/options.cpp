#include "options.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace kv {

const char* const help_text =
    "myra-kv: a key-value server that speaks the Redis protocol, written with Myra.\n"
    "\n"
    "  myra-kv --listen 127.0.0.1:6380\n"
    "  redis-cli -p 6380 set greeting hello\n"
    "\n"
    "  --listen HOST:PORT       where to listen; also [::1]:PORT, *:PORT, unix:PATH; port 0: any\n"
    "  --backend auto|uring|epoll   auto takes io_uring where the kernel has it\n"
    "  --key-max BYTES          longest key (65536)\n"
    "  --value-max BYTES        longest value (8388608)\n"
    "  --pending-max BYTES      replies queued for a client that does not read (131072)\n"
    "  --clients-max COUNT      clients at a time (10000)\n"
    "  --help\n"
    "\n"
    "One thread. SIGTERM and SIGINT end it once all replies are out, after 5 s at the latest.\n";

namespace {

[[nodiscard]] std::unexpected<myra::error_report> wrong(std::string_view option,
                                                        std::string_view found,
                                                        std::string_view allowed) {
  return myra::report(
      std::make_error_code(std::errc::invalid_argument),
      std::string(option) + " is '" + std::string(found) + "', must be " + std::string(allowed));
}

// An option that is a number, and its bounds.
struct number_option {
  std::string_view name;
  std::uint32_t limits::* target;
  std::uint32_t min;
  std::uint32_t max;
};

constexpr std::array number_options{
    number_option{"--key-max", &limits::key_size_max_bytes, 16, 512U << 20},
    number_option{"--value-max", &limits::value_size_max_bytes, 1024, 512U << 20},
    number_option{"--pending-max", &limits::pending_size_max_bytes, 32U << 10, 512U << 20},
    number_option{"--clients-max", &limits::clients_max, 1, 1'000'000},
};

[[nodiscard]] myra::opened<void> read_number(const number_option& option, std::string_view text,
                                             options& into) {
  std::uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < option.min || value > option.max) {
    return wrong(
        option.name, text,
        "a number from " + std::to_string(option.min) + " to " + std::to_string(option.max));
  }
  into.limits.*option.target = value;
  return {};
}

[[nodiscard]] myra::opened<void> read_backend(std::string_view text, options& into) {
  using myra::io::backend_kind;
  for (const backend_kind kind :
       {backend_kind::automatic, backend_kind::uring, backend_kind::epoll}) {
    if (text != myra::io::name_of(kind)) continue;
    into.backend = kind;
    return {};
  }
  return wrong("--backend", text, "auto, uring or epoll");
}

[[nodiscard]] myra::opened<void> read_option(std::string_view name, std::string_view value,
                                             options& into) {
  if (name == "--listen") {
    into.address = value;
    return {};
  }
  if (name == "--backend") return read_backend(value, into);
  for (const number_option& option : number_options) {
    if (name == option.name) return read_number(option, value, into);
  }
  return myra::report(std::make_error_code(std::errc::invalid_argument),
                      "there is no option '" + std::string(name) + "'; --help lists them");
}

}  // namespace

myra::opened<options> parse_options(std::span<const char* const> arguments) {
  options read;
  while (!arguments.empty()) {
    const std::string_view word = arguments.front();
    arguments = arguments.subspan(1);
    if (word == "--help" || word == "-h") {
      read.help = true;
      return read;
    }
    const std::size_t sign = word.find('=');
    std::string_view value = sign == word.npos ? std::string_view() : word.substr(sign + 1);
    if (sign == word.npos && !arguments.empty()) {
      value = arguments.front();
      arguments = arguments.subspan(1);
    }
    auto done = read_option(word.substr(0, sign), value, read);
    if (!done) return std::unexpected(std::move(done.error()));
  }
  return read;
}

}  // namespace kv
