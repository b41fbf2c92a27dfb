// Connections in pairs: what one peer sends goes to the other, in the buffers that it came in.
//
// A relay's life: accepted (the client is not read from) ──connected──▶ relaying ──both sides
// over──▶ ended
//                 accepted ──the target cannot be had, or the client is gone──▶ ended
//
// Each direction ends by itself: an end of stream is passed on as a half-close after the bytes
// before it, a reset as a reset. When a peer takes no more, its queue fills to the high-water mark,
// one buffer waits in the relay, and the other peer is not read from until the queue is down to the
// low-water mark.
//
// A drain lets relays go on: only their peers know what they still have to say. One that was
// connecting, which a drain cancels, connects anew.
//
// Thread: the reactor's.
#pragma once

#include <cstdint>
#include <list>

#include "myra/transport/connector.hpp"
#include "myra/transport/listener.hpp"

namespace myra::tool {

class relay;

struct relay_options {
  endpoint target;
  connect_options connect;
};

/// All relays of one reactor, and the handler that its listener serves. Must outlive the reactor.
class relay_set final : public connection_handler {
 public:
  relay_set(reactor& on, const relay_options& options);
  ~relay_set() override;

  /// A client came: begins a relay for it.
  void on_open(connection& client) override;
  void on_receive(connection& client, message& bytes) override;

 private:
  friend class relay;
  void retire(relay& ended) noexcept;

  reactor& on_;
  relay_options options_;
  std::list<relay> live_;
  /// The last relay to end: it may not go before the callback that ended it has returned.
  std::list<relay> ended_;
};

}  // namespace myra::tool
