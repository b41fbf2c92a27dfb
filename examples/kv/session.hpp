// One client's connection: bytes in, commands run, replies out.
#pragma once

#include <memory>

#include "myra/transport/connection.hpp"
#include "replies.hpp"
#include "resp_parser.hpp"
#include "server.hpp"

namespace kv {

/// Myra calls a handler on the reactor's thread only, so nothing here is locked. All that arrived
/// together is answered together: one piece out for each piece in, however many commands are in it.
///
/// A client that sends commands and does not read the replies is not read from either:
///
///   reading ──replies wait──▶ stalled (paused, the rest of the bytes held)
///      ▲                                       │ on_writable, none waits
///      └───────────────────────────────────────┘
class session final : public myra::connection_handler {
 public:
  /// `on` outlives the session.
  explicit session(server& on);
  ~session() override;

  void on_open(myra::connection& peer) override;
  void on_receive(myra::connection& peer, myra::message& message) override;
  void on_writable(myra::connection& peer) override;
  void on_end(myra::connection& peer) override;

 private:
  void run_commands(myra::connection& peer);
  void stall(myra::connection& peer);

  server& server_;
  client client_;
  resp_parser parser_;
  replies replies_;
  myra::buffer held_;  // what a stalled client sent and was not run yet
  bool stalled_ = false;
  bool ended_ = false;  // the client has sent all that it will send
};

/// A session, or when there are as many as there may be, one that says so and closes.
[[nodiscard]] std::unique_ptr<myra::connection_handler> make_session(server& on);

}  // namespace kv
