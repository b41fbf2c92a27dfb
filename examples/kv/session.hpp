// One client's connection: bytes in, commands run, replies out.
#pragma once

#include "resp_reply.hpp"
#include "server.hpp"

namespace kv {

/// What Myra calls for one client. It calls on the reactor's thread only, so nothing here is
/// locked. All that arrived together is answered together: one piece out for each piece in, however
/// many commands are in it.
///
/// The connection queues no more than its high-water mark. A client that sends commands and does
/// not read the replies is not read from either, and costs that mark and the rest of one reply:
///
///   reading ──replies wait──▶ stalled (paused; the bytes not run yet are held)
///      ▲                                       │ on_writable, none waits
///      └───────────────────────────────────────┘
///
/// What is not overridden does what we want: when the client has sent its end, or the server is to
/// stop, the connection closes after the replies are out.
class session final : public myra::connection_handler {
 public:
  /// `on` outlives the session.
  explicit session(server& on)
      : server_(on),
        parser_({.arguments_max = 65'536,
                 .bulk_size_max_bytes = on.bounds.value_size_max_bytes,
                 .request_size_max_bytes = std::size_t{4} * on.bounds.value_size_max_bytes}) {
    client_.id = ++on.counted.connections;
    on.clients.emplace(client_.id, &client_);
  }
  ~session() override { server_.clients.erase(client_.id); }

  void on_open(myra::connection& peer) override {
    client_.address = peer.peer().to_string();
    if (server_.clients.size() <= server_.bounds.clients_max) return;
    peer.send_copy(myra::as_bytes("-ERR max number of clients reached\r\n"));
    peer.close();
  }

  void on_receive(myra::connection& peer, myra::message& message) override {
    if (client_.quits) return;
    parser_.feed(myra::as_text(message.bytes()));
    if (run_commands(peer)) return;
    // The parser still has views of these bytes: they become ours, and go on later.
    held_ = message.detach();
    peer.pause_receive();
    ++server_.counted.stalls;
  }

  void on_writable(myra::connection& peer) override {
    if (!held_ || !run_commands(peer)) return;
    held_.release();
    peer.resume_receive();
  }

 private:
  // Runs what the parser has, while the client takes the replies. Whether it took them all.
  bool run_commands(myra::connection& peer) {
    server_.data.set_now(server_.reactor.now());
    server_.replies.clear();  // what a command that threw left there was for another client
    if (!send_replies(peer)) return false;
    while (!client_.quits) {
      const std::optional<resp_command> command = parser_.next();
      if (!command) break;
      execute(server_, client_, *command);
      if (server_.replies.size() >= piece_size_max && !send_replies(peer)) return false;
    }
    if (parser_.failed() && !client_.quits) {
      write_error(server_.replies, parser_.error());
      client_.quits = true;
    }
    if (!send_replies(peer)) return false;
    if (client_.quits) peer.close();
    return true;
  }

  // Whether the connection took all that waits from before, or else all that is new; if not, it
  // calls on_writable.
  bool send_replies(myra::connection& peer) {
    std::string& text = unsent_.empty() ? server_.replies : unsent_;
    for (; sent_size_ < text.size(); sent_size_ += piece_size_max) {
      const auto piece = std::string_view(text).substr(sent_size_, piece_size_max);
      if (peer.send_copy(myra::as_bytes(piece)) != myra::send_status::back_pressured) continue;
      if (unsent_.empty()) unsent_.swap(text);
      return false;
    }
    server_.replies.clear();
    std::string().swap(unsent_);  // a session at rest holds no memory for replies
    sent_size_ = 0;
    return true;
  }

  // Replies leave in pieces of one buffer of Myra's pool each.
  static constexpr std::size_t piece_size_max = 16 * 1024;

  server& server_;
  client client_;
  resp_parser parser_;
  // When stalled: the reply that waits, how much of it was sent, the bytes that are not run yet.
  std::string unsent_;
  std::size_t sent_size_ = 0;
  myra::buffer held_;
};

}  // namespace kv
