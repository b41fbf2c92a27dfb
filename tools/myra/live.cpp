#include "live.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <thread>

#include "console.hpp"
#include "json.hpp"
#include "live_counters.hpp"

namespace myra::tool {
namespace {

std::string grouped(double value) {
  return count_text(static_cast<unsigned long long>(std::llround(std::max(value, 0.0))));
}

std::string seconds_text(double seconds) {
  if (seconds < 0) return "-";
  if (std::isinf(seconds)) return "> 1 s";
  char text[32];
  if (seconds < 1e-3)
    std::snprintf(text, sizeof text, "%.1f us", seconds * 1e6);
  else
    std::snprintf(text, sizeof text, "%.1f ms", seconds * 1e3);
  return text;
}

/// A ratio of two counters, since `before` if there is one.
void print_ratio(const char* words, const live_counters& now, const live_counters* before,
                 const char* of, const char* per) {
  const auto since = [&](const char* name) {
    return now.sum(name) - (before == nullptr ? 0 : before->sum(name));
  };
  const double divisor = since(per);
  if (divisor > 0)
    std::printf("  %-38s %20.4f\n", words, since(of) / divisor);
  else
    std::printf("  %-38s %20s\n", words, "-");
}

void print_histogram(const char* words, const char* name, const live_counters& now,
                     const live_counters* before) {
  if (now.quantile(name, 0.5, nullptr) < 0) return;
  std::printf("  %-38s p50 %s, p99 %s, p99.9 %s\n", words,
              seconds_text(now.quantile(name, 0.5, before)).c_str(),
              seconds_text(now.quantile(name, 0.99, before)).c_str(),
              seconds_text(now.quantile(name, 0.999, before)).c_str());
}

struct table {
  const live_counters& now;
  const live_counters* before;  ///< Null: nothing to compare with.
  duration elapsed;
};

std::string shown_name(const figure_name& of) {
  std::string_view name = of.first;
  if (name.starts_with("myra_")) name.remove_prefix(5);
  if (name.ends_with("_total")) name.remove_suffix(6);
  return std::string(name) + (of.second.empty() ? "" : " " + of.second);
}

void print_table(const std::string& address, const table& shown, bool colours) {
  std::string reactors;
  for (const auto& [reactor, backend] : shown.now.reactors())
    reactors.append(reactors.empty() ? "" : ", ").append(reactor).append(" ").append(backend);
  std::printf("%s: reactors %s\n\n", paint(address, colour::bold, colours).c_str(),
              reactors.c_str());
  std::printf("  %-38s %20s %15s\n", "all reactors together", "since the start",
              shown.before == nullptr ? "" : "a second");
  const double seconds = std::chrono::duration<double>(shown.elapsed).count();
  for (const auto& [name, value] : shown.now.sums()) {
    std::string rate;
    if (shown.before != nullptr && name.first.ends_with("_total")) {
      const auto was = shown.before->sums().find(name);
      rate = grouped((value - (was == shown.before->sums().end() ? 0 : was->second)) / seconds);
    }
    std::printf("  %-38s %20s %15s\n", shown_name(name).c_str(), grouped(value).c_str(),
                rate.c_str());
  }
  std::printf("\n");
  print_ratio("kernel entries a message", shown.now, shown.before, "myra_kernel_entries_total",
              "myra_received_messages_total");
  print_ratio("bytes copied a byte received", shown.now, shown.before, "myra_copied_bytes_total",
              "myra_received_bytes_total");
  print_histogram("turn", "myra_turn_seconds", shown.now, shown.before);
  print_histogram("message", "myra_message_seconds", shown.now, shown.before);
}

void print_json(const std::string& address, const scraped& from) {
  json_writer json;
  json.begin_object().text("address", address).begin_array("samples");
  for (const metrics::sample& each : from.samples) {
    json.begin_object().text("name", each.name).begin_object("labels");
    for (const auto& [name, value] : each.labels) json.text(name, value);
    json.end_object().real("value", each.value).end_object();
  }
  std::printf("%s\n", json.end_array().end_object().str().c_str());
}

int fail(const error_report& why) {
  std::fprintf(stderr, "myra probe: %s\n", describe(why).c_str());
  return 1;
}

}  // namespace

int run_live(const live_options& options) {
  const bool refreshes = !options.once && !options.json && ::isatty(STDOUT_FILENO) != 0;
  std::optional<live_counters> before;
  time_point before_when;
  while (true) {
    const auto found = scrape(options.address);
    if (!found) return fail(found.error());
    if (options.json) {
      print_json(options.address, *found);
      return 0;
    }
    live_counters now(*found);
    if (refreshes) std::printf("\033[H\033[J");  // from the top, the rest cleared
    print_table(options.address, {now, before ? &*before : nullptr, found->when - before_when},
                colours_wanted());
    if (!refreshes) return 0;
    std::fflush(stdout);
    before = std::move(now);
    before_when = found->when;
    std::this_thread::sleep_for(options.every);
  }
}

}  // namespace myra::tool
