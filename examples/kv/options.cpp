#include "options.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>

namespace kv {

const char* const help_text =
    "myra-kv: a key-value server that speaks the Redis protocol, written with Myra.\n"
    "\n"
    "  myra-kv --listen 127.0.0.1:6380\n"
    "  redis-cli -p 6380 set greeting hello\n"
    "\n"
    "  --listen HOST:PORT          also [::1]:PORT, *:PORT, unix:PATH; port 0: any free one\n"
    "  --backend auto|uring|epoll  auto takes io_uring where the kernel has it\n"
    "  --key-max BYTES             longest key (65536)\n"
    "  --value-max BYTES           longest value (8388608)\n"
    "  --pending-max BYTES         replies queued for a client that does not read (131072)\n"
    "  --clients-max COUNT         clients at a time (10000)\n"
    "\n"
    "One thread. SIGTERM and SIGINT end it once all replies are out, after 5 s at the latest.\n";

namespace {

struct number_option {
  std::string_view name;
  std::uint32_t limits::*target;
  std::uint32_t min;
  std::uint32_t max;
};

constexpr std::array number_options{
    number_option{"--key-max", &limits::key_size_max_bytes, 16, 512U << 20},
    number_option{"--value-max", &limits::value_size_max_bytes, 1024, 512U << 20},
    number_option{"--pending-max", &limits::pending_size_max_bytes, 32U << 10, 512U << 20},
    number_option{"--clients-max", &limits::clients_max, 1, 1'000'000},
};

// What is wrong with an option; empty when nothing is.
std::string read_option(std::string_view name, std::string_view text, options& into) {
  using myra::io::backend_kind;
  const std::string found = std::string(name) + " is '" + std::string(text) + "', must be ";
  if (name == "--listen") {
    into.address = text;
    return {};
  }
  if (name == "--backend") {
    for (const auto kind : {backend_kind::automatic, backend_kind::uring, backend_kind::epoll}) {
      if (text != myra::io::name_of(kind)) continue;
      into.backend = kind;
      return {};
    }
    return found + "auto, uring or epoll";
  }
  for (const number_option& known : number_options) {
    if (name != known.name) continue;
    std::uint32_t& value = into.limits.*known.target;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && stop == end && value >= known.min && value <= known.max) return {};
    return found + "a number from " + std::to_string(known.min) + " to " +
           std::to_string(known.max);
  }
  return "there is no option '" + std::string(name) + "'; --help lists them";
}

}  // namespace

std::expected<options, std::string> parse_options(std::span<const char* const> arguments) {
  options read;
  for (std::size_t at = 0; at < arguments.size(); at += 2) {
    const std::string_view name = arguments[at];
    read.help = name == "--help" || name == "-h";
    if (read.help) return read;
    const std::string_view text = at + 1 < arguments.size() ? arguments[at + 1] : "";
    std::string complaint = read_option(name, text, read);
    if (!complaint.empty()) return std::unexpected(std::move(complaint));
  }
  return read;
}

}  // namespace kv
