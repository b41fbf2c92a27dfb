// The conversation with one client.
#pragma once

#include "myra/transport/async.hpp"
#include "server.hpp"

namespace kv {

/// Talks with one client. All that arrived together is answered together: one piece out for each
/// piece in, however many commands are in it. When this returns, the connection closes after the
/// replies are out; that is so as well when the client has sent its end or the server is to stop.
///
/// The connection queues no more than its high-water mark. A client that sends commands and does
/// not read the replies is not read from either, and costs that mark and the rest of one reply.
myra::task<> talk(myra::connection peer, server& on);

}  // namespace kv
