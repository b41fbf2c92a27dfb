// Request and response on Myra, in a closed loop: the next message goes out when a reply has come.

#include <memory>

#include "echo_flow.hpp"
#include "myra_client.hpp"

namespace myra::bench {
namespace {

class echo_load;

class echo_client final : public connection_handler {
 public:
  echo_client(echo_load& whole, std::uint32_t number);
  void begin(connection& peer) {
    unsent_ = flow_.begin();
    send(peer);
  }
  void on_receive(connection& peer, message& bytes) override;
  void on_writable(connection& peer) override {
    send(peer);
    if (unsent_.empty()) peer.resume_receive();
  }
  void on_close(connection& peer, std::error_code why) override;

 private:
  void send(connection& peer) {
    if (peer.send_copy(std::as_bytes(unsent_)) == send_status::accepted) {
      unsent_ = {};
    } else {
      peer.pause_receive();  // a reply would make more to send
    }
  }

  echo_load& whole_;
  echo_flow flow_;
  std::span<const char> unsent_;  // waits for on_writable
};

class echo_load {
 public:
  echo_load(reactor& on, const client_plan& plan) : on_(on), load_(plan.load) {
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
    phase_.begin(duration, result);
    for (std::uint32_t i = 0; i < load_.connections; ++i) clients_[i]->begin(peers_[i]);
    if (const auto ran = on_.run(); !ran) fail_run("the backend failed");
  }

 private:
  friend class echo_client;

  reactor& on_;
  const load_request& load_;
  echo_phase phase_;
  std::vector<std::unique_ptr<echo_client>> clients_;
  std::vector<connection> peers_;
  bool closing_ = false;
};

echo_client::echo_client(echo_load& whole, std::uint32_t number)
    : whole_(whole), flow_(number, whole.load_, whole.phase_) {}

void echo_client::on_receive(connection& peer, message& bytes) {
  const byte_view came = bytes.bytes();
  const auto next = flow_.take(reinterpret_cast<const char*>(came.data()), came.size());
  if (whole_.phase_.is_over()) return whole_.on_.stop();
  if (next.empty()) return;
  unsent_ = next;
  send(peer);
}

void echo_client::on_close(connection&, std::error_code why) {
  if (!whole_.closing_) fail_run("a connection ended: " + why.message());
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
