#include "session.hpp"

#include <memory>
#include <utility>

#include "resp_reply.hpp"

namespace kv {
namespace {

// Replies leave in pieces of one buffer of Myra's pool each.
constexpr std::size_t piece_size_max = 16 * 1024;

// Runs what the parser has until there is a piece to be sent. Whether there is something to send.
bool run_commands(server& on, client& from, resp_parser& parser) {
  on.data.set_now(on.reactor->now());
  on.replies.clear();  // what a command that threw left there was for another client
  while (!from.quits && on.replies.size() < piece_size_max) {
    const std::optional<resp_command> command = parser.next();
    if (!command) break;
    execute(on, from, *command);
  }
  if (parser.failed() && !from.quits) write_error(on.replies, parser.error());
  from.quits |= parser.failed();
  return !on.replies.empty();
}

// A request that has begun is to be complete by its time, however steadily its bytes trickle in.
void expect_rest(const server& on, myra::connection& peer, const resp_parser& parser) {
  if (parser.pending_size_bytes() == 0)
    peer.expect_nothing();
  else if (on.bounds.request_timeout != myra::duration::zero())
    peer.expect_within(on.bounds.request_timeout);
}

}  // namespace

myra::task<> talk(myra::connection peer, server& on) {
  client self{.id = ++on.counted.connections, .address = peer.peer().to_string()};
  on.clients.emplace(self.id, &self);
  const auto leave = [&on](const client* gone) { on.clients.erase(gone->id); };
  const std::unique_ptr<const client, decltype(leave)> listed(&self, leave);
  if (on.clients.size() > on.bounds.clients_max) {
    peer.send_copy(myra::as_bytes("-ERR max number of clients reached\r\n"));
    co_return;
  }
  resp_parser parser({.arguments_max = 65'536,
                      .bulk_size_max_bytes = on.bounds.value_size_max_bytes,
                      .request_size_max_bytes = on.bounds.message_size_max_bytes()});
  while (auto bytes = co_await peer.receive()) {
    parser.feed(myra::as_text(bytes->bytes()));
    while (run_commands(on, self, parser)) {
      peer.expect_nothing();  // requests were complete, and replies may take their time
      std::string replies = std::move(on.replies);  // ours while we wait: others are served then
      for (std::size_t at = 0; at < replies.size(); at += piece_size_max) {
        const auto piece = std::string_view(replies).substr(at, piece_size_max);
        const myra::sent sent = peer.send_copy(myra::as_bytes(piece));
        if (sent == myra::send_status::back_pressured) ++on.counted.stalls, peer.pause_receive();
        if (const auto taken = co_await sent; !taken) co_return;
      }
      on.replies = std::move(replies);  // for its memory
      peer.resume_receive();
    }
    if (self.quits) co_return;
    expect_rest(on, peer, parser);
  }
}

}  // namespace kv
