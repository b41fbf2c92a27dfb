// Request and response on Myra, in a closed loop: the next message goes out when a reply has come.

#include <algorithm>
#include <bit>
#include <memory>

#include "command_line.hpp"
#include "content.hpp"
#include "myra_client.hpp"

namespace myra::bench {
namespace {

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(clock::now().time_since_epoch().count());
}

class echo_load;

class echo_client final : public connection_handler {
 public:
  echo_client(echo_load& whole, std::uint32_t number);
  void begin(connection& peer);
  void on_receive(connection& peer, message& bytes) override;
  void on_writable(connection& peer) override { send_due(peer); }
  void on_close(connection& peer, std::error_code why) override;

 private:
  std::uint64_t& sent_at_of(std::uint64_t sequence) {
    return sent_at_[sequence & (sent_at_.size() - 1)];
  }
  void send_due(connection& peer);

  echo_load& whole_;
  echo_checker checker_;
  std::uint32_t number_;
  std::uint32_t due_ = 0;
  std::uint64_t written_ = 0;
  std::vector<std::uint64_t> sent_at_;
};

class echo_load {
 public:
  echo_load(reactor& on, const client_plan& plan)
      : on_(on), load_(plan.load), scratch_(std::size_t{load_.message_size} * load_.depth + 7) {
    for (std::uint32_t i = 0; i < load_.connections; ++i) {
      clients_.push_back(std::make_unique<echo_client>(*this, i));
    }
    open_connections(
        on, plan, load_.connections,
        [this](std::uint32_t i) -> connection_handler& { return *clients_[i]; }, peers_);
  }

  ~echo_load() {
    closing_ = true;
    for (connection& peer : peers_) peer.abort();
    static_cast<void>(on_.drain(std::chrono::seconds(1)));
  }
  echo_load(const echo_load&) = delete;
  echo_load& operator=(const echo_load&) = delete;

  void run(std::chrono::milliseconds duration, load_result& result) {
    end_ = now_ns() + static_cast<std::uint64_t>(duration.count()) * 1'000'000U;
    result_ = &result;
    for (std::uint32_t i = 0; i < load_.connections; ++i) clients_[i]->begin(peers_[i]);
    if (const auto ran = on_.run(); !ran) fail_usage("the backend failed");
  }

 private:
  friend class echo_client;

  reactor& on_;
  const load_request& load_;
  std::vector<char> scratch_;
  std::vector<std::unique_ptr<echo_client>> clients_;
  std::vector<connection> peers_;
  std::uint64_t end_ = 0;
  std::uint64_t under_way_ = 0;
  load_result* result_ = nullptr;
  bool closing_ = false;
};

echo_client::echo_client(echo_load& whole, std::uint32_t number)
    : whole_(whole),
      checker_(number, whole.load_.message_size),
      number_(number),
      sent_at_(std::bit_ceil(whole.load_.depth)) {}

void echo_client::begin(connection& peer) {
  due_ = whole_.load_.depth;
  whole_.under_way_ += due_;
  send_due(peer);
}

/// All that is due in one piece, as an application does that has several requests at hand.
void echo_client::send_due(connection& peer) {
  if (due_ == 0) return;
  const std::size_t size = whole_.load_.message_size;
  for (std::uint32_t i = 0; i < due_; ++i) {
    write_message(whole_.scratch_.data() + i * size, size, number_, written_ + i);
  }
  if (peer.send_copy(std::as_bytes(std::span(whole_.scratch_.data(), due_ * size))) !=
      send_status::accepted) {
    return;  // on_writable follows, or on_close
  }
  const std::uint64_t now = now_ns();
  for (; due_ > 0; --due_, ++written_) sent_at_of(written_) = now;
}

void echo_client::on_receive(connection& peer, message& bytes) {
  const byte_view came = bytes.bytes();
  const std::uint64_t first = checker_.sequence();
  const int completed = checker_.check(reinterpret_cast<const char*>(came.data()), came.size(),
                                       whole_.scratch_.data());
  if (completed < 0 || checker_.sequence() > written_) fail_usage("wrong content came back");
  const std::uint64_t now = now_ns();
  for (std::uint64_t i = first; i < checker_.sequence(); ++i) {
    whole_.result_->latency.add(now - sent_at_of(i));
  }
  const auto replies = static_cast<std::uint32_t>(completed);
  whole_.result_->messages += replies;
  if (now < whole_.end_) {
    due_ += replies;
    return send_due(peer);
  }
  whole_.under_way_ -= replies;
  if (whole_.under_way_ == 0) whole_.on_.stop();
}

void echo_client::on_close(connection&, std::error_code why) {
  if (!whole_.closing_) fail_usage("a connection ended: " + why.message());
}

}  // namespace

load_result run_echo_on_myra(reactor& on, const client_plan& plan, const server_probe& probe) {
  echo_load load(on, plan);
  load_result warm_up;
  load.run(plan.load.warm_up, warm_up);
  load_result result;
  const phase_meter meter(probe);
  load.run(plan.load.duration, result);
  meter.finish(result);
  return result;
}

}  // namespace myra::bench
