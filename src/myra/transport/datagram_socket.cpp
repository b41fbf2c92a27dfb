#include "myra/transport/datagram_socket.hpp"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include <array>
#include <cerrno>

#include "myra/io/error_table.hpp"
#include "myra/transport/mailbox.hpp"
#include "myra/transport/socket_guard.hpp"

namespace myra {
namespace {

using facts = mailbox::socket_facts;

std::unexpected<error_report> refuse(const std::string& words) {
  return report(std::make_error_code(std::errc::invalid_argument), words);
}

std::string complain(const char* field, std::int64_t found, const char* allowed) {
  return std::string("datagram.") + field + ": found " + std::to_string(found) + ", allowed " +
         allowed;
}

/// An address of the options; empty for empty text.
opened<endpoint> parse(const char* field, const std::string& text) {
  if (text.empty()) return endpoint();
  auto parsed = endpoint::parse(text);
  if (!parsed) return parsed;
  if (parsed->family() == AF_UNIX)
    return refuse(std::string("datagram.") + field + ": found " + text +
                  ", allowed is an address of IPv4 or IPv6");
  return parsed;
}

class opening {
 public:
  opening(loop& runs, const datagram_options& options)
      : runs_(runs), sockets_(runs.backend().sockets()), options_(options) {}

  opened<facts> run() {
    auto bound = parse("address", options_.address);
    if (!bound) return std::unexpected(std::move(bound.error()));
    auto peer = parse("peer", options_.peer);
    if (!peer) return std::unexpected(std::move(peer.error()));
    auto made = options_.inherited_descriptor >= 0 ? inherit() : make(*bound, *peer);
    if (!made) return std::unexpected(std::move(made.error()));
    socket_guard socket(sockets_, *made);
    facts found;
    found.descriptor = *made;
    found.peer = *peer;
    set_options(*made, found);
    if (auto named = connect_and_name(found); !named)
      return std::unexpected(std::move(named.error()));
    found.descriptor = socket.take();
    return found;
  }

 private:
  static std::unexpected<error_report> failed(const std::string& what, int status) {
    return report(kernel_error(status), "datagram socket: " + what + io::limit_words(-status));
  }

  int set(int socket, int level, int name, int value) {
    return sockets_.set_option(socket, level, name, &value, sizeof value);
  }

  opened<void> connect_and_name(facts& found) {
    const int socket = found.descriptor;
    const endpoint& peer = found.peer;
    int status = 0;
    if (peer.family() != AF_UNSPEC) status = sockets_.connect(socket, peer.address(), peer.size());
    if (status < 0) return failed("cannot connect to " + peer.to_string(), status);
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    status = sockets_.local_address(socket, address, &size);
    if (status < 0) return failed("the address of its socket", status);
    found.local = endpoint::from_kernel(address, size);
    return {};
  }

  opened<int> make(const endpoint& where, const endpoint& peer) {
    const int family = where.family() == AF_UNSPEC ? peer.family() : where.family();
    const int made = sockets_.open(family, SOCK_DGRAM, IPPROTO_UDP);
    if (made < 0) return failed("a socket for " + where.to_string(), made);
    socket_guard socket(sockets_, made);
    int status = 0;
    if (options_.reuse_address) status = set(made, SOL_SOCKET, SO_REUSEADDR, 1);
    if (status >= 0 && options_.reuse_port) status = set(made, SOL_SOCKET, SO_REUSEPORT, 1);
    if (status >= 0 && family == AF_INET6)
      status = set(made, IPPROTO_IPV6, IPV6_V6ONLY, options_.ipv6_only ? 1 : 0);
    if (status < 0) return failed("the options of " + where.to_string(), status);
    if (where.family() != AF_UNSPEC) status = sockets_.bind(made, where.address(), where.size());
    if (status < 0) return failed("cannot bind " + where.to_string(), status);
    return socket.take();
  }

  opened<int> inherit() {
    const int socket = options_.inherited_descriptor;
    const std::string name = "inherited descriptor " + std::to_string(socket);
    int protocol = 0;
    socklen_t size = sizeof protocol;
    if (const int status = sockets_.get_option(socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &size);
        status < 0)
      return failed(name, status);
    if (protocol != IPPROTO_UDP) return refuse("datagram socket: " + name + " is no UDP socket");
    if (const int status = sockets_.adopt(socket); status < 0) return failed(name, status);
    return socket;
  }

  void set_options(int socket, facts& found) {
    const io::feature_switches& features = runs_.options().features;
    // What the kernel cannot do is done without: see segments_in_kernel() and coalesces().
    found.segments =
        features.datagram_segmentation && set(socket, IPPROTO_UDP, UDP_SEGMENT, 0) >= 0;
    found.coalesces = options_.coalesce && features.datagram_coalescing &&
                      set(socket, IPPROTO_UDP, UDP_GRO, 1) >= 0;
    if (options_.send_buffer_bytes != 0)
      static_cast<void>(set(socket, SOL_SOCKET, SO_SNDBUF, options_.send_buffer_bytes));
    if (options_.receive_buffer_bytes != 0)
      static_cast<void>(set(socket, SOL_SOCKET, SO_RCVBUF, options_.receive_buffer_bytes));
  }

  loop& runs_;
  io::network& sockets_;
  const datagram_options& options_;
};

}  // namespace

std::string check(const datagram_options& options) {
  constexpr std::uint32_t queue_max = 65'536;
  if (options.address.empty() && options.peer.empty() && options.inherited_descriptor < 0)
    return "datagram.address: found nothing, allowed is an address, or a peer in its place";
  if (options.send_buffer_bytes < 0)
    return complain("send_buffer_bytes", options.send_buffer_bytes, "zero and more");
  if (options.receive_buffer_bytes < 0)
    return complain("receive_buffer_bytes", options.receive_buffer_bytes, "zero and more");
  if (options.send_queue_max == 0 || options.send_queue_max > queue_max)
    return complain("send_queue_max", options.send_queue_max, "1 to 65536");
  if (options.send_queue_low >= options.send_queue_max)
    return complain("send_queue_low", options.send_queue_low, "less than send_queue_max");
  if (options.receive_queue_max == 0 || options.receive_queue_max > queue_max)
    return complain("receive_queue_max", options.receive_queue_max, "1 to 65536");
  if (options.linger_timeout < duration::zero())
    return "datagram.linger_timeout: found a negative duration, allowed zero and more";
  return {};
}

opened<datagram_socket> datagram_socket::open(reactor& on, const datagram_options& options) {
  if (auto complaint = check(options); !complaint.empty()) return refuse(complaint);
  loop& runs = on.internals();
  const std::uint32_t slot_size = runs.pool().slot_size_bytes();
  if (slot_size < 2 * io::datagram_headroom_bytes)
    return refuse("reactor.pool.slot_size_bytes: found " + std::to_string(slot_size) +
                  ", allowed for datagram sockets " +
                  std::to_string(2 * io::datagram_headroom_bytes) + " and more");
  if (options.coalesce && slot_size < coalesced_slot_size_bytes)
    return refuse("datagram.coalesce: found true with a reactor.pool.slot_size_bytes of " +
                  std::to_string(slot_size) + ", allowed with " +
                  std::to_string(coalesced_slot_size_bytes) +
                  " and more: a row that does not fit would be truncated");
  auto made = opening(runs, options).run();
  if (!made) return std::unexpected(std::move(made.error()));
  socket_guard guard(runs.backend().sockets(), made->descriptor);
  auto owned = std::make_unique<mailbox>(runs, *made, options);
  static_cast<void>(guard.take());
  return datagram_socket(owned.release());
}

datagram_socket& datagram_socket::operator=(datagram_socket&& other) noexcept {
  if (this == &other) return *this;
  if (mailbox_ != nullptr) mailbox_->abandon();
  mailbox_ = std::exchange(other.mailbox_, nullptr);
  return *this;
}

datagram_socket::~datagram_socket() {
  if (mailbox_ != nullptr) mailbox_->abandon();
}

void datagram_socket::serve(datagram_handler& handler) noexcept { mailbox_->serve(handler); }

sent_datagram datagram_socket::send(buffer&& bytes, const endpoint& to,
                                    std::uint16_t segment_size) noexcept {
  return mailbox_->send(std::move(bytes), &to, segment_size);
}
sent_datagram datagram_socket::send_copy(byte_view bytes, const endpoint& to,
                                         std::uint16_t segment_size) noexcept {
  return mailbox_->send_copy(bytes, &to, segment_size);
}
sent_datagram datagram_socket::send(buffer&& bytes, std::uint16_t segment_size) noexcept {
  return mailbox_->send(std::move(bytes), nullptr, segment_size);
}
sent_datagram datagram_socket::send_copy(byte_view bytes, std::uint16_t segment_size) noexcept {
  return mailbox_->send_copy(bytes, nullptr, segment_size);
}

void datagram_socket::drain() noexcept { mailbox_->end_input(); }
void datagram_socket::close() noexcept { mailbox_->close(); }
void datagram_socket::abort() noexcept { mailbox_->abort(); }
void datagram_socket::pause_receive() noexcept { mailbox_->pause_receive(); }
void datagram_socket::resume_receive() noexcept { mailbox_->resume_receive(); }

datagram_state datagram_socket::state() const noexcept { return mailbox_->state(); }
std::uint32_t datagram_socket::queued_count() const noexcept { return mailbox_->queued_count(); }
const datagram_counters& datagram_socket::counters() const noexcept { return mailbox_->counters(); }
const endpoint& datagram_socket::local() const noexcept { return mailbox_->facts().local; }
const endpoint& datagram_socket::peer() const noexcept { return mailbox_->facts().peer; }
bool datagram_socket::segments_in_kernel() const noexcept { return mailbox_->facts().segments; }
bool datagram_socket::coalesces() const noexcept { return mailbox_->facts().coalesces; }
buffer datagram_socket::acquire() noexcept { return mailbox_->runs_on().pool().acquire(); }

result<std::uint32_t> datagram_socket::kernel_drop_count() const noexcept {
  if (state() == datagram_state::closed) return failure(transport_errc::closed);
  std::array<std::uint32_t, SK_MEMINFO_VARS> found{};
  socklen_t size = sizeof found;
  const int status = mailbox_->runs_on().backend().sockets().get_option(
      mailbox_->facts().descriptor, SOL_SOCKET, SO_MEMINFO, found.data(), &size);
  if (status < 0) return failure(kernel_error(status));
  return found[SK_MEMINFO_DROPS];
}

result<void> datagram_socket::set_option(int level, int name, int value) noexcept {
  if (state() == datagram_state::closed) return failure(transport_errc::closed);
  const int status = mailbox_->runs_on().backend().sockets().set_option(
      mailbox_->facts().descriptor, level, name, &value, sizeof value);
  if (status < 0) return failure(kernel_error(status));
  return {};
}

void datagram_handler::on_error(datagram_socket&, const datagram_error&) {}
void datagram_handler::on_writable(datagram_socket&) {}
void datagram_handler::on_drain(datagram_socket& on) { on.drain(); }
void datagram_handler::on_close(datagram_socket&) {}

}  // namespace myra
