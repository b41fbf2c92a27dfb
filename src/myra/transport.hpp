// Everything of the transport: servers, clients, callbacks, coroutines.
#pragma once

#include "myra/reactor/reactor.hpp"
#include "myra/reactor/reactor_group.hpp"
#include "myra/reactor/task_scope.hpp"
#include "myra/transport/async.hpp"
#include "myra/transport/blocking.hpp"
#include "myra/transport/connection.hpp"
#include "myra/transport/connector.hpp"
#include "myra/transport/datagram_async.hpp"
#include "myra/transport/datagram_socket.hpp"
#include "myra/transport/endpoint.hpp"
#include "myra/transport/listener.hpp"
#include "myra/transport/shared_listener.hpp"
