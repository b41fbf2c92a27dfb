#include "myra/transport/listener.hpp"

#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <utility>

#include "myra/io/error_table.hpp"
#include "myra/io/task.hpp"
#include "myra/transport/acceptor.hpp"
#include "myra/transport/socket_guard.hpp"

namespace myra {
namespace {

int kernel_backlog() {
  int most = 0;
  std::ifstream("/proc/sys/net/core/somaxconn") >> most;
  return most > 0 ? most : SOMAXCONN;
}

int set_flag(io::network& sockets, int socket, int level, int name, bool wanted) {
  const int value = wanted ? 1 : 0;
  return sockets.set_option(socket, level, name, &value, sizeof value);
}

int set_options(io::network& sockets, int socket, int family, const listener_options& options) {
  if (family == AF_UNIX) return 0;
  int status = 0;
  if (options.reuse_address) status = set_flag(sockets, socket, SOL_SOCKET, SO_REUSEADDR, true);
  if (status >= 0 && options.reuse_port)
    status = set_flag(sockets, socket, SOL_SOCKET, SO_REUSEPORT, true);
  if (status >= 0 && family == AF_INET6)
    status = set_flag(sockets, socket, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only);
  return status;
}

/// A socket file that nobody listens on is in the way of bind(2): left over from a process that was
/// killed.
void remove_stale(const endpoint& where) {
  const std::string path = where.unix_path();
  struct stat found{};
  if (path.empty() || ::stat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return;
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return;
  const bool refused = ::connect(probe, where.address(), where.size()) < 0 && errno == ECONNREFUSED;
  ::close(probe);
  if (refused) ::unlink(path.c_str());
}

opened<endpoint> local_of(io::network& sockets, int socket) {
  sockaddr_storage storage{};
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  socklen_t size = sizeof storage;
  if (const int status = sockets.local_address(socket, address, &size); status < 0)
    return report(kernel_error(status), "listener: the address of its socket");
  return endpoint::from_kernel(address, size);
}

opened<int> inherit(io::network& sockets, int descriptor) {
  const std::string name = "listener: inherited descriptor " + std::to_string(descriptor);
  int listening = 0;
  socklen_t size = sizeof listening;
  if (const int status =
          sockets.get_option(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size);
      status < 0)
    return report(kernel_error(status), name);
  if (listening == 0)
    return report(std::make_error_code(std::errc::invalid_argument),
                  name + " is not a listening stream socket");
  if (const int status = sockets.adopt(descriptor); status < 0)
    return report(kernel_error(status), name);
  return descriptor;
}

opened<int> bind_and_listen(io::network& sockets, const endpoint& where,
                            const listener_options& options) {
  const auto failed = [&](const char* call, int status) {
    return report(kernel_error(status), "listener: " + std::string(call) + " " + where.to_string() +
                                            io::limit_words(-status));
  };
  const int made = sockets.open(where.family(), SOCK_STREAM, 0);
  if (made < 0) return failed("a socket for", made);
  socket_guard socket(sockets, made);
  if (const int status = set_options(sockets, made, where.family(), options); status < 0)
    return failed("the options of", status);
  if (where.family() == AF_UNIX && options.unlink_stale_socket) remove_stale(where);
  if (const int status = sockets.bind(made, where.address(), where.size()); status < 0)
    return failed("cannot bind", status);
  const int backlog = options.backlog > 0 ? options.backlog : kernel_backlog();
  if (const int status = sockets.listen(made, backlog); status < 0)
    return failed("cannot listen on", status);
  return socket.take();
}

opened<int> open_socket(io::network& sockets, const listener_options& options) {
  if (options.inherited_descriptor >= 0) return inherit(sockets, options.inherited_descriptor);
  auto where = endpoint::parse(options.address);
  if (!where) return std::unexpected(std::move(where.error()));
  return bind_and_listen(sockets, *where, options);
}

}  // namespace

opened<listener> listener::open(reactor& on, const listener_options& options) {
  if (auto complaint = check(options.connection); !complaint.empty())
    return report(std::make_error_code(std::errc::invalid_argument), std::move(complaint));
  if (options.backlog < 0)
    return report(
        std::make_error_code(std::errc::invalid_argument),
        "listener.backlog: found " + std::to_string(options.backlog) + ", allowed zero and more");
  loop& runs = on.internals();
  io::network& sockets = runs.backend().sockets();
  auto socket = open_socket(sockets, options);
  if (!socket) return std::unexpected(std::move(socket.error()));
  socket_guard guard(sockets, *socket);
  static_cast<void>(apply(options.connection, sockets, *socket));
  auto local = local_of(sockets, *socket);
  if (!local) return std::unexpected(std::move(local.error()));
  static_cast<void>(stream_table::of(runs));  // made before the listener, so that it ends after it
  return listener(new acceptor(runs, guard.take(), options, *local));
}

opened<listener> listener::open_fed(reactor& on, const listener_options& options,
                                    const endpoint& accepts_elsewhere) {
  if (auto complaint = check(options.connection); !complaint.empty())
    return report(std::make_error_code(std::errc::invalid_argument), std::move(complaint));
  loop& runs = on.internals();
  static_cast<void>(stream_table::of(runs));
  return listener(new acceptor(runs, -1, options, accepts_elsewhere));
}

void listener::retire::operator()(acceptor* owned) const noexcept { owned->abandon(); }

listener::listener(acceptor* owned) noexcept : acceptor_(owned) {}
listener::listener(listener&&) noexcept = default;
listener& listener::operator=(listener&&) noexcept = default;
listener::~listener() = default;

void listener::serve(connection_handler& shared) { acceptor_->serve(shared); }
void listener::serve(handler_factory factory) { acceptor_->serve(std::move(factory)); }
void listener::serve_coroutine(connection_coroutine coroutine) {
  acceptor_->serve(std::move(coroutine));
}
void listener::divert(diversion which, socket_taker elsewhere) noexcept {
  acceptor_->divert(which, std::move(elsewhere));
}
void listener::take(int socket) noexcept { acceptor_->take(socket); }
void listener::take_in(io::descriptor socket) noexcept { acceptor_->take_in(socket); }
void listener::close() noexcept { acceptor_->close(); }
const endpoint& listener::local() const noexcept { return acceptor_->local(); }
listener_counters listener::counters() const noexcept { return acceptor_->counters(); }
std::uint32_t listener::connection_count() const noexcept { return acceptor_->connection_count(); }

}  // namespace myra
