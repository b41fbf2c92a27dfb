// The coroutine form of the transport.
//
//   task<> echo(connection peer) {
//     while (auto bytes = co_await peer.receive())
//       if (!co_await peer.send(std::move(*bytes))) break;
//   }
#pragma once

#include "myra/io/task.hpp"
#include "myra/transport/connection.hpp"
#include "myra/transport/connector.hpp"
#include "myra/transport/listener.hpp"

namespace myra {
// Filled in by the transport: operator co_await(receiving) gives result<buffer>; operator co_await(sent) gives
// result<void>; `co_await connect(reactor, endpoint or endpoints, options)` gives result<connection>;
// `co_await sleep_for(reactor, duration)`; `spawn(reactor, task<>)`.
}  // namespace myra
