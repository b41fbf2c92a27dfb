#include "myra/metrics/text.hpp"

#include <charconv>
#include <cstdio>
#include <span>
#include <utility>

#include "myra/metrics/figure.hpp"

namespace myra::metrics {
namespace {

// Half a power of two apart, from 1 µs to 1 s; each is a bucket's bound, so that the counts are
// exact.
constexpr unsigned shortest_bits = 10;
constexpr unsigned longest_bits = 30;

std::string_view type_of(figure_kind kind) noexcept {
  return kind == figure_kind::counter ? "counter" : "gauge";
}

class writer {
 public:
  writer(const snapshot& from, text_format as, text_sink& to) noexcept
      : from_(from), as_(as), to_(to) {}

  void write_all() {
    write_reactors();
    const auto all = figures();
    for (std::size_t first = 0; first < all.size();) {
      std::size_t end = first + 1;
      while (end < all.size() && all[end].name == all[first].name) ++end;
      write_family(all.subspan(first, end - first));
      first = end;
    }
    write_histogram(turns_name, "Work of a turn of the loop, without its wait.",
                    &snapshot::reactor::turns);
    write_histogram(messages_name,
                    "From the end of the wait that found a message to the return of its handler.",
                    &snapshot::reactor::messages);
    if (as_ == text_format::open_metrics) put("# EOF\n");
  }

 private:
  void write_reactors() {
    // An info in OpenMetrics; the older form knows none.
    const bool plain = as_ == text_format::plain;
    put_head(reactor_name, plain ? "_info" : "", plain ? "gauge" : "info", "",
             "The reactors, and the backend that each runs on.");
    for (std::size_t i = 0; i < from_.reactors.size(); ++i)
      put_sample(reactor_name, "_info", i, "backend", io::name_of(from_.reactors[i].backend), 1);
  }

  void write_family(std::span<const figure> family) {
    const figure& first = family.front();
    const std::string_view suffix = first.kind == figure_kind::counter ? "_total" : "";
    put_head(first.name, as_ == text_format::plain ? suffix : "", type_of(first.kind), first.unit,
             first.help);
    for (std::size_t i = 0; i < from_.reactors.size(); ++i)
      for (const figure& each : family)
        put_sample(first.name, suffix, i, each.label, each.label_value,
                   each.value(from_.reactors[i].counters));
  }

  void write_histogram(std::string_view name, std::string_view help,
                       std::optional<latency_snapshot> snapshot::reactor::* which) {
    bool announced = false;
    for (std::size_t i = 0; i < from_.reactors.size(); ++i) {
      const auto& measured = from_.reactors[i].*which;
      if (!measured) continue;
      if (!std::exchange(announced, true)) put_head(name, "", "histogram", "seconds", help);
      write_buckets(name, i, *measured);
    }
  }

  void write_buckets(std::string_view name, std::size_t reactor, const latency_snapshot& measured) {
    for (unsigned bits = shortest_bits; bits <= longest_bits; ++bits) {
      const std::uint64_t bound = std::uint64_t{1} << bits;
      put_bucket(name, reactor, bound, measured);
      if (bits != longest_bits) put_bucket(name, reactor, bound + bound / 2, measured);
    }
    put_sample(name, "_bucket", reactor, "le", "+Inf", measured.count);
    put_sample(name, "_count", reactor, "", "", measured.count);
    put_name(name, "_sum", reactor, "", "");
    put_seconds(measured.sum_ns);
    put("\n");
  }

  void put_bucket(std::string_view name, std::size_t reactor, std::uint64_t bound_ns,
                  const latency_snapshot& measured) {
    char text[32];
    const int size = std::snprintf(text, sizeof text, "%.9g", static_cast<double>(bound_ns) / 1e9);
    put_sample(name, "_bucket", reactor, "le", {text, static_cast<std::size_t>(size)},
               measured.count_up_to(bound_ns));
  }

  void put_head(std::string_view name, std::string_view suffix, std::string_view type,
                std::string_view unit, std::string_view help) {
    for (const auto piece : {std::string_view("# TYPE "), name, suffix, std::string_view(" "), type,
                             std::string_view("\n")})
      put(piece);
    if (!unit.empty() && as_ == text_format::open_metrics)
      for (const auto piece :
           {std::string_view("# UNIT "), name, std::string_view(" "), unit, std::string_view("\n")})
        put(piece);
    for (const auto piece : {std::string_view("# HELP "), name, suffix, std::string_view(" "), help,
                             std::string_view("\n")})
      put(piece);
  }

  void put_sample(std::string_view name, std::string_view suffix, std::size_t reactor,
                  std::string_view label, std::string_view label_value, std::uint64_t value) {
    put_name(name, suffix, reactor, label, label_value);
    put_number(value);
    put("\n");
  }

  void put_name(std::string_view name, std::string_view suffix, std::size_t reactor,
                std::string_view label, std::string_view label_value) {
    put(name);
    put(suffix);
    put("{reactor=\"");
    put_number(reactor);
    if (!label.empty()) {
      put("\",");
      put(label);
      put("=\"");
      put(label_value);  // ours: nothing in it is to be escaped
    }
    put("\"} ");
  }

  void put_number(std::uint64_t value) {
    char text[20];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    put({text, static_cast<std::size_t>(end - text)});
  }

  void put_seconds(std::uint64_t ns) {
    char text[40];
    const int size = std::snprintf(text, sizeof text, "%llu.%09llu",
                                   static_cast<unsigned long long>(ns / 1'000'000'000),
                                   static_cast<unsigned long long>(ns % 1'000'000'000));
    put({text, static_cast<std::size_t>(size)});
  }

  void put(std::string_view piece) { to_.put(piece); }

  const snapshot& from_;
  text_format as_;
  text_sink& to_;
};

class string_sink final : public text_sink {
 public:
  void put(std::string_view piece) override { text.append(piece); }
  std::string text;
};

}  // namespace

snapshot read(const boards& from) {
  snapshot now;
  now.reactors.reserve(from.size());
  for (const auto& board : from) {
    snapshot::reactor& made = now.reactors.emplace_back(board->backend(), board->counters());
    if (board->timing() != latency_timing::off) made.turns = board->turns();
    if (board->timing() == latency_timing::messages) made.messages = board->messages();
  }
  return now;
}

std::string_view content_type(text_format of) noexcept {
  return of == text_format::open_metrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

void write(const snapshot& from, text_format as, text_sink& to) {
  writer(from, as, to).write_all();
}

std::string to_text(const snapshot& from, text_format as) {
  string_sink sink;
  write(from, as, sink);
  return std::move(sink.text);
}

}  // namespace myra::metrics
