#include "datagram_fixture.hpp"

#include <sys/socket.h>
#include <unistd.h>

namespace myra::conformance {
namespace {

/// Whether nobody has the address. With submission polling the kernel says that it closed a socket,
/// and still delivers to it until its thread has done what it was given with that.
bool is_free(const endpoint& at) {
  if (at.family() == AF_UNIX) return true;
  const int socket = ::socket(at.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool free = ::bind(socket, at.address(), at.size()) == 0;
  ::close(socket);
  return free;
}

}  // namespace

void mail::on_datagram(datagram_socket& on, lent_datagram& came) {
  ++calls;
  if (came.segment_size() != 0) ++rows;
  if (came.truncated()) ++truncated;
  for (const byte_view each : segments(came.bytes(), came.segment_size())) {
    received.emplace_back(as_text(each));
    peers.push_back(came.peer());
  }
  if (when_received) when_received(on, came);
}

void mail::on_error(datagram_socket&, const datagram_error& what) { errors.push_back(what); }

void mail::on_writable(datagram_socket& on) {
  ++writables;
  if (when_writable) when_writable(on);
}

void mail::on_drain(datagram_socket& on) {
  if (when_drained)
    when_drained(on);
  else
    datagram_handler::on_drain(on);
}

void mail::on_close(datagram_socket& on) {
  ++closes;
  if (when_closed) when_closed(on);
}

void datagram_case::TearDown() {
  sockets_.clear();
  conformance_test::TearDown();
}

datagram_socket& datagram_case::open(datagram_options options) {
  if (options.address.empty() && options.inherited_descriptor < 0)
    options.address = near().to_string();
  auto made = datagram_socket::open(on(), options);
  if (!made) throw std::runtime_error(describe(made.error()));
  return *sockets_.emplace_back(std::make_unique<datagram_socket>(std::move(*made)));
}

datagram_socket& datagram_case::open(mail& by, datagram_options options) {
  datagram_socket& made = open(std::move(options));
  made.serve(by);
  return made;
}

void datagram_case::destroy(datagram_socket& gone) {
  std::erase_if(sockets_, [&](const auto& each) { return each.get() == &gone; });
}

datagram_options datagram_case::towards(const datagram_socket& to) {
  datagram_options made;
  made.peer = to.local().to_string();
  return made;
}

std::string datagram_case::nowhere() {
  datagram_socket& made = open();
  const endpoint at = made.local();
  destroy(made);
  turn_for(5ms);
  if (!simulated()) turn_until([&] { return is_free(at); });
  return at.to_string();
}

void datagram_case::send_raw(const datagram_socket& to, std::string_view text) {
  EXPECT_TRUE(host().send_datagram(to.local(), text));
}

void datagram_case::open_with_large_slots() {
  auto large = options();
  large.pool.slot_size_bytes = 66 * 1024;
  large.pool.slot_count_initial = 16;
  large.pool.slot_count_max = 128;
  large.receive_buffer_count = 32;
  open_reactor(large);
}

void datagram_case::open_with_slots(std::uint32_t count, std::uint32_t lent, std::uint32_t size,
                                    std::optional<io::waiting> wait) {
  auto few = options();
  few.pool.slot_size_bytes = size;
  few.pool.slot_count_initial = few.pool.slot_count_max = count;
  few.receive_buffer_count = lent;
  few.wait = wait.value_or(few.wait);
  open_reactor(few);
}

}  // namespace myra::conformance
