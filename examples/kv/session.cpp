#include "session.hpp"

#include <optional>
#include <string>

#include "command.hpp"
#include "resp_reply.hpp"

namespace kv {
namespace {

[[nodiscard]] resp_limits parser_limits(const limits& from) {
  resp_limits bounds;
  bounds.arguments_max = from.arguments_max;
  bounds.bulk_size_max_bytes = from.value_size_max_bytes;
  bounds.request_size_max_bytes = std::size_t{4} * from.value_size_max_bytes;
  return bounds;
}

// Tells a client that there are too many.
class refusal final : public myra::connection_handler {
 public:
  void on_open(myra::connection& peer) override {
    peer.send_copy(myra::as_bytes("-ERR max number of clients reached\r\n"));
    peer.close();
  }
  void on_receive(myra::connection&, myra::message&) override {}
};

}  // namespace

session::session(server& on) : server_(on), parser_(parser_limits(on.bounds)), replies_(on.batch) {
  client_.id = ++on.last_client_id;
  on.clients.emplace(client_.id, &client_);
}

session::~session() { server_.clients.erase(client_.id); }

void session::on_open(myra::connection& peer) {
  client_.address = peer.peer().to_string();
  client_.opened = server_.reactor.now();
}

void session::on_receive(myra::connection& peer, myra::message& message) {
  if (client_.quits) return;
  parser_.feed(myra::as_text(message.bytes()));
  run_commands(peer);
  // The parser still has views of these bytes: they become ours, and go on later.
  if (stalled_) held_ = message.detach();
}

void session::on_writable(myra::connection& peer) {
  if (!stalled_ || !replies_.send(peer)) return;
  stalled_ = false;
  run_commands(peer);
  if (stalled_) return;
  held_.release();
  peer.resume_receive();
}

// Runs what the parser has, while the client takes the replies.
void session::run_commands(myra::connection& peer) {
  server_.data.set_now(server_.reactor.now());
  server_.batch.size = 0;  // what a command left there that threw was for another client
  while (!client_.quits) {
    const std::optional<resp_command> command = parser_.next();
    if (!command) break;
    execute({server_, client_, replies_, *command});
    if (replies_.waiting() && !replies_.send(peer)) return stall(peer);
  }
  if (parser_.failed() && !client_.quits) {
    write_error(replies_, parser_.error());
    client_.quits = true;
  }
  if (!replies_.send(peer)) return stall(peer);
  if (client_.quits || ended_) peer.close();
}

void session::stall(myra::connection& peer) {
  stalled_ = true;
  ++server_.counted.stalls;
  peer.pause_receive();
}

// The client may have sent its commands and its end at once, and wait for the replies.
void session::on_end(myra::connection& peer) {
  ended_ = true;
  if (!stalled_) peer.close();
}

std::unique_ptr<myra::connection_handler> make_session(server& on) {
  if (on.clients.size() >= on.bounds.clients_max) {
    ++on.counted.refused_connections;
    return std::make_unique<refusal>();
  }
  ++on.counted.connections;
  return std::make_unique<session>(on);
}

}  // namespace kv
