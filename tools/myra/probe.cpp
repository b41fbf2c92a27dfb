// myra probe: what this kernel can do, what of it Myra uses here, and why not the rest.

#include "myra/reactor/probe.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "console.hpp"
#include "json.hpp"
#include "live.hpp"
#include "myra/config/configure.hpp"
#include "verbs.hpp"

namespace myra::tool {
namespace {

/// A limit of this process or this machine that servers meet.
struct limit {
  const char* name;
  const char* source;
  std::optional<std::uint64_t> value;  ///< Nothing: there is none.
};

/// What a reactor with these options runs on.
struct choice {
  std::string backend = "none";
  std::string why;
};

struct findings {
  io::capabilities kernel;
  choice chosen;
  std::vector<limit> limits;
};

std::optional<std::uint64_t> process_limit(__rlimit_resource resource) {
  rlimit found{};
  if (getrlimit(resource, &found) != 0 || found.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return found.rlim_cur;
}

std::optional<std::uint64_t> kernel_setting(const char* path) {
  std::uint64_t value = 0;
  std::ifstream file(path);
  if (!(file >> value)) return std::nullopt;
  return value;
}

std::vector<limit> read_limits() {
  return {
      {"open_files", "RLIMIT_NOFILE", process_limit(RLIMIT_NOFILE)},
      {"locked_memory_bytes", "RLIMIT_MEMLOCK", process_limit(RLIMIT_MEMLOCK)},
      {"listen_backlog", "net.core.somaxconn", kernel_setting("/proc/sys/net/core/somaxconn")},
      {"io_uring_disabled", "kernel.io_uring_disabled",
       kernel_setting("/proc/sys/kernel/io_uring_disabled")},
  };
}

/// By trial: a reactor is opened as a server would, and asked.
choice choose(const reactor_options& options) {
  const opened<reactor> trial = reactor::open(options);
  if (!trial) return {"none", describe(trial.error())};
  return {io::name_of(trial->backend()), trial->reason()};
}

const char* name_of(io::feature_state state) noexcept {
  switch (state) {
    case io::feature_state::used: return "used";
    case io::feature_state::available: return "available";
    case io::feature_state::absent: return "absent";
  }
  return "?";
}

colour colour_of(io::feature_state state) noexcept {
  switch (state) {
    case io::feature_state::used: return colour::green;
    case io::feature_state::available: return colour::yellow;
    case io::feature_state::absent: return colour::red;
  }
  return colour::none;
}

void print_json(const findings& found) {
  json_writer json;
  json.begin_object().text("kernel", found.kernel.kernel).text("backend", found.chosen.backend);
  json.text("backend_why", found.chosen.why).flag("uring", found.kernel.uring);
  json.text("uring_why", found.kernel.why);
  json.number("ring_features", found.kernel.ring_features);
  json.number("last_operation", found.kernel.last_operation).begin_object("limits");
  for (const limit& each : found.limits) {
    if (each.value)
      json.number(each.name, *each.value);
    else
      json.null(each.name);
  }
  json.end_object().begin_array("features");
  for (const io::feature& each : found.kernel.features) {
    json.begin_object().text("name", each.name).text("state", name_of(each.state));
    json.text("why", each.why).end_object();
  }
  std::printf("%s\n", json.end_array().end_object().str().c_str());
}

/// "uring: why", with how many of the features are in which state.
void print_short(const findings& found) {
  const auto count = [&found](io::feature_state state) {
    return std::ranges::count(found.kernel.features, state, &io::feature::state);
  };
  const bool colours = colours_wanted();
  std::printf("Linux %s, backend %s: %s\n", found.kernel.kernel.c_str(),
              paint(found.chosen.backend, colour::bold, colours).c_str(), found.chosen.why.c_str());
  std::printf(
      "features: %td used, %td available and not used, %td absent (myra probe tells which)\n",
      count(io::feature_state::used), count(io::feature_state::available),
      count(io::feature_state::absent));
}

void print_table(const findings& found) {
  const bool colours = colours_wanted();
  const auto heading = [colours](const char* text) {
    std::printf("\n%s\n", paint(text, colour::bold, colours).c_str());
  };
  std::printf("%-10s %s\n", "kernel", found.kernel.kernel.c_str());
  std::printf("%-10s %s: %s\n", "backend", found.chosen.backend.c_str(), found.chosen.why.c_str());
  std::printf("%-10s %s: %s\n", "io_uring", found.kernel.uring ? "yes" : "no",
              found.kernel.why.c_str());

  heading("limits");
  for (const limit& each : found.limits) {
    const std::string value = each.value ? count_text(*each.value) : "none";
    std::printf("  %-20s %12s  %s\n", each.name, value.c_str(), each.source);
  }

  heading("features");
  std::size_t width = 0;
  for (const io::feature& each : found.kernel.features) width = std::max(width, each.name.size());
  for (const io::feature& each : found.kernel.features) {
    const std::string state = name_of(each.state);
    const std::string gap(std::string_view("available").size() - state.size(), ' ');
    std::printf("  %-*s  %s%s  %s\n", static_cast<int>(width), each.name.c_str(),
                paint(state, colour_of(each.state), colours).c_str(), gap.c_str(),
                each.why.c_str());
  }
}

constexpr const char* examples =
    "myra probe\n"
    "myra probe --json | python3 -m json.tool\n"
    "myra probe --backend epoll       # what a server with these options would run on\n"
    "myra probe --live 127.0.0.1:9100 # counters of a server with --metrics 127.0.0.1:9100";

}  // namespace

int run_probe(int argc, const char* const* argv) {
  config::options options;
  bool as_json = false;
  bool brief = false;
  live_options live;
  config::program program = config::program_of(options, {});
  program.name = "myra probe";
  program.summary =
      "Tells what this kernel can do, what of it is used, and why not the rest. Exit status 0 when "
      "a server with these options would start, else 1. With --live it shows the counters of a "
      "server that runs instead.";
  program.examples = examples;
  program.fields.push_back(config::flag({"probe.json", "json"}, "Print one JSON object.", as_json));
  program.fields.push_back(config::flag({"probe.short", "short"}, "Print two lines.", brief));
  program.fields.push_back(config::address(
      {"probe.live", "live"}, "The metrics port of a server, to show its counters.", live.address));
  program.fields.push_back(config::flag(
      {"probe.once", "once"}, "With --live: one table, not one after the other.", live.once));
  program.fields.push_back(config::time({"probe.every", "every"},
                                        "With --live: how often the table is brought up to date.",
                                        live.every, {.least = std::chrono::milliseconds(100)}));
  if (const auto status = config::configure(argc, argv, program)) return *status;

  if (!live.address.empty()) {
    live.json = as_json;
    return run_live(live);
  }
  const findings found{probe(options.reactor), choose(options.reactor), read_limits()};
  if (as_json)
    print_json(found);
  else if (brief)
    print_short(found);
  else
    print_table(found);
  return found.chosen.backend == "none" ? 1 : 0;
}

}  // namespace myra::tool
