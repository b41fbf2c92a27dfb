#include "myra/metrics/exporter.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "myra/metrics/http_request.hpp"
#include "myra/transport/listener.hpp"

namespace myra::metrics {
namespace {

/// How long text is.
class size_sink final : public text_sink {
 public:
  void put(std::string_view piece) override { size += piece.size(); }
  std::size_t size = 0;
};

/// Writes text to where it is sent from.
class buffer_sink final : public text_sink {
 public:
  explicit buffer_sink(connection& peer) noexcept : peer_(peer) {}

  void put(std::string_view piece) override {
    while (!piece.empty() && !short_of_buffers_) {
      if (room() == 0 && !add_buffer()) return;
      buffer& last = filled_.back();
      const std::size_t count = std::min<std::size_t>(piece.size(), room());
      const std::uint32_t at = last.size();
      last.resize(at + static_cast<std::uint32_t>(count));
      const mutable_byte_view target = last.writable().subspan(at);
      std::ranges::copy(as_bytes(piece.substr(0, count)), target.begin());
      piece.remove_prefix(count);
    }
  }

  /// False when there were not buffers enough; then nothing was sent.
  [[nodiscard]] bool send() {
    if (short_of_buffers_) return false;
    return std::ranges::all_of(filled_, [this](buffer& each) {
      return peer_.send(std::move(each)) == send_status::accepted;
    });
  }

 private:
  [[nodiscard]] std::size_t room() const {
    return filled_.empty() ? 0 : filled_.back().capacity() - filled_.back().size();
  }
  bool add_buffer() {
    buffer fresh = peer_.acquire();
    if (!fresh) {
      short_of_buffers_ = true;
      return false;
    }
    fresh.resize(0);
    filled_.push_back(std::move(fresh));
    return true;
  }

  connection& peer_;
  std::vector<buffer> filled_;
  bool short_of_buffers_ = false;
};

std::string head_of(http_verdict verdict, std::string_view type, std::size_t body_size) {
  std::string head = "HTTP/1.1 ";
  head.append(status_line(verdict.status)).append("\r\nContent-Type: ").append(type);
  head.append("\r\nContent-Length: ").append(std::to_string(body_size));
  if (verdict.status == http_status::method_not_allowed) head += "\r\nAllow: GET, HEAD";
  return head + "\r\nConnection: close\r\n\r\n";
}

std::string words_of(http_status status) {
  std::string words(status_line(status));
  if (status == http_status::not_found) words += "; try /metrics";
  if (status == http_status::method_not_allowed) words += "; allowed are GET and HEAD";
  if (status == http_status::head_too_large)
    words += "; at most " + std::to_string(request_head_max_bytes) + " bytes";
  return words + '\n';
}

/// One scrape: a head is gathered, judged and answered.
class scrape final : public connection_handler {
 public:
  scrape(std::shared_ptr<const boards> shown, duration timeout) noexcept
      : shown_(std::move(shown)), timeout_(timeout) {}

  void on_open(connection& peer) override { peer.expect_within(timeout_); }

  void on_receive(connection& peer, message& bytes) override {
    const std::string_view came = as_text(bytes.bytes());
    const std::size_t searched = head_.size();
    // One byte more than allowed tells that it is too long.
    head_.append(came.substr(0, request_head_max_bytes + 1 - head_.size()));
    if (const std::size_t size = end_of_head(head_, searched); size != 0)
      return answer(peer, judge(std::string_view(head_).substr(0, size)));
    if (head_.size() > request_head_max_bytes) answer(peer, {http_status::head_too_large});
  }

  /// The end of a request that never had one.
  void on_end(connection& peer) override {
    if (!head_.empty()) return answer(peer, {http_status::bad_request});
    peer.close();
  }

 private:
  void answer(connection& peer, http_verdict verdict) {
    peer.expect_nothing();
    buffer_sink to(peer);
    if (verdict.status == http_status::ok)
      write_counters(to, verdict);
    else
      write_words(to, verdict);
    if (!to.send()) return peer.abort();
    peer.close();
  }

  void write_counters(text_sink& to, http_verdict verdict) {
    const snapshot now = read(*shown_);
    size_sink measured;
    write(now, verdict.format, measured);
    to.put(head_of(verdict, content_type(verdict.format), measured.size));
    if (!verdict.head_only) write(now, verdict.format, to);
  }

  static void write_words(text_sink& to, http_verdict verdict) {
    const std::string words = words_of(verdict.status);
    to.put(head_of(verdict, "text/plain; charset=utf-8", words.size()));
    if (!verdict.head_only) to.put(words);
  }

  std::shared_ptr<const boards> shown_;
  duration timeout_;
  std::string head_;
};

}  // namespace

struct exporter::parts {
  // Shared with the connections, the last of which may be closed after the exporter.
  std::shared_ptr<const boards> shown;
  listener from;
  duration timeout;
};

opened<exporter> exporter::open(reactor& on, const exporter_options& options, boards shown) {
  listener_options listens{.address = options.address, .connections_max = options.connections_max};
  listens.connection.idle_timeout = options.timeout;
  listens.connection.write_timeout = options.timeout;
  // An answer is as long as there are reactors, and there is one for each connection.
  listens.connection.send_high_water_bytes = 1U << 30;
  auto from = listener::open(on, listens);
  if (!from) return std::unexpected(std::move(from.error()));
  return exporter(std::make_unique<parts>(std::make_shared<const boards>(std::move(shown)),
                                          std::move(*from), options.timeout));
}

exporter::exporter(std::unique_ptr<parts> owned) noexcept : parts_(std::move(owned)) {
  parts_->from.serve(handler_factory([shown = parts_->shown, timeout = parts_->timeout] {
    return std::make_unique<scrape>(shown, timeout);
  }));
}
exporter::exporter(exporter&&) noexcept = default;
exporter& exporter::operator=(exporter&&) noexcept = default;
exporter::~exporter() = default;

const endpoint& exporter::local() const noexcept { return parts_->from.local(); }

}  // namespace myra::metrics
