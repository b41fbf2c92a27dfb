#include "live_counters.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <span>

#include "myra/transport/blocking.hpp"

namespace myra::tool {
namespace {

constexpr std::size_t answer_max_bytes = std::size_t{64} * 1024 * 1024;
constexpr duration patience = std::chrono::seconds(10);

std::unexpected<error_report> wrong(const std::string& address, const std::string& what) {
  return report(std::make_error_code(std::errc::bad_message), address + ": " + what);
}

opened<std::string> ask(const std::string& address) {
  auto peer = blocking_connection::connect(address, {.deadline = patience});
  if (!peer) return std::unexpected(std::move(peer.error()));
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: " + address +
                              "\r\nAccept: application/openmetrics-text\r\n\r\n";
  if (auto sent = peer->send(as_bytes(request), patience); !sent)
    return report(sent.error(), address);
  std::string answer;
  std::array<std::byte, 16 * 1024> piece{};
  while (true) {
    const auto count = peer->receive(piece, patience);
    if (!count) return report(count.error(), address);
    if (*count == 0) return answer;
    if (answer.size() + *count > answer_max_bytes)
      return wrong(address,
                   "found an answer of more than " + std::to_string(answer_max_bytes) + " bytes");
    answer += as_text(std::span(piece).first(*count));
  }
}

double number(std::string_view text) noexcept {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The label that tells figures of one name apart, beside the reactor's.
std::string own_label(const metrics::sample& of) {
  for (const auto& [name, value] : of.labels)
    if (name != "reactor") return value;
  return {};
}

}  // namespace

opened<scraped> scrape(const std::string& address) {
  auto answer = ask(address);
  if (!answer) return std::unexpected(std::move(answer.error()));
  const time_point now = clock::now();
  constexpr std::string_view well = "HTTP/1.1 200 ";
  if (!answer->starts_with(well))
    return wrong(address, "found \"" +
                              answer->substr(0, answer->find_first_of("\r\n")).substr(0, 80) +
                              "\", expected " + std::string(well) +
                              "OK; is it the port that the server prints as \"metrics on\"?");
  const std::size_t end = answer->find("\r\n\r\n");
  auto samples = metrics::parse_text(
      end == std::string::npos ? "" : std::string_view(*answer).substr(end + 4));
  if (!samples) return wrong(address, samples.error().what);
  return scraped{now, std::move(*samples)};
}

live_counters::live_counters(const scraped& from) {
  for (const metrics::sample& each : from.samples) {
    if (each.name == "myra_reactor_info")
      reactors_.emplace(each.label("reactor"), each.label("backend"));
    else if (each.name.ends_with("_bucket"))
      histograms_[each.name.substr(0, each.name.size() - 7)][number(each.label("le"))] +=
          each.value;
    else if (!each.name.ends_with("_seconds_sum") && !each.name.ends_with("_seconds_count"))
      sums_[{each.name, own_label(each)}] += each.value;
  }
}

double live_counters::sum(std::string_view name) const {
  const auto found = sums_.find({std::string(name), ""});
  return found == sums_.end() ? 0 : found->second;
}

double live_counters::quantile(std::string_view histogram, double part,
                               const live_counters* before) const {
  const auto found = histograms_.find(histogram);
  if (found == histograms_.end() || found->second.empty()) return -1;
  const auto earlier = [&](double bound) {
    if (before == nullptr) return 0.0;
    const auto was = before->histograms_.find(histogram);
    if (was == before->histograms_.end()) return 0.0;
    const auto at = was->second.find(bound);
    return at == was->second.end() ? 0.0 : at->second;
  };
  const auto& [last_bound, total] = *found->second.rbegin();
  const double wanted = part * (total - earlier(last_bound));
  if (wanted <= 0) return -1;
  for (const auto& [bound, count] : found->second)
    if (count - earlier(bound) >= wanted) return bound;
  return last_bound;
}

}  // namespace myra::tool
