#include "myra/io/sim/machine.hpp"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "myra/io/sim/errors.hpp"
#include "myra/io/sim/sim_backend.hpp"
#include "myra/io/sim/simulation.hpp"

namespace myra::sim {
namespace {

int read_int(const void* value, socklen_t size) noexcept {
  int read = 0;
  std::memcpy(&read, value, std::min<std::size_t>(size, sizeof read));
  return read;
}

}  // namespace

machine::machine(simulation& of, std::string name, unsigned number)
    : world_(of), name_(std::move(name)), number_(number) {
  site_.number = of.next_number();
}

machine::~machine() = default;

socket* machine::find(io::descriptor of) noexcept {
  if (!of.valid()) return nullptr;
  const std::vector<socket*>& table = of.is_direct() ? direct_ : table_;
  const int first = of.is_direct() ? 0 : first_descriptor;
  const int index = static_cast<int>(of.number_or_slot()) - first;
  return index >= 0 && index < static_cast<int>(table.size())
             ? table[static_cast<std::size_t>(index)]
             : nullptr;
}

int machine::install(socket& found) {
  if (open_count_ >= descriptor_limit_) return -EMFILE;
  const int number = first_descriptor + put(table_, found);
  found.descriptor = number;
  return number;
}

int machine::install_direct(socket& found) {
  const int slot = put(direct_, found);
  found.descriptor = io::descriptor::direct(static_cast<std::uint32_t>(slot));
  return slot;
}

int machine::put(std::vector<socket*>& table, socket& found) {
  const auto free = std::ranges::find(table, nullptr);
  const auto index = free - table.begin();
  if (free == table.end()) table.push_back(nullptr);
  table[static_cast<std::size_t>(index)] = &found;
  ++open_count_;
  return static_cast<int>(index);
}

void machine::uninstall(socket& closed) noexcept {
  const io::descriptor gone = std::exchange(closed.descriptor, {});
  if (!gone.valid()) return;
  const auto index = gone.number_or_slot();
  if (gone.is_direct())
    direct_[index] = nullptr;
  else
    table_[index - first_descriptor] = nullptr;
  --open_count_;
}

opened<std::unique_ptr<io::backend>> machine::open_backend(const io::backend_wishes& wishes,
                                                           buffer_pool& pool) {
  return io::sim_backend::open(*this, wishes, pool);
}

int machine::failure_of(int kind, socket& on) {
  const std::uint64_t ordinal = ++failed_.asked;
  if (chosen_.ordinal == 0 || ordinal < chosen_.ordinal) return 0;
  if (ordinal == chosen_.ordinal) {
    failed_.kind = kind;
    failed_.socket = on.number;
  } else if (!chosen_.for_ever || failed_.kind != kind || failed_.socket != on.number) {
    return 0;
  }
  constexpr std::uint64_t not_now_max = 100;
  if (failed_.struck == not_now_max && means_not_now(chosen_.error)) return 0;
  ++failed_.struck;
  if (ends_connection(chosen_.error)) {
    world_.sever(on, chosen_.error);
    on.error = 0;
  }
  return chosen_.error;
}

/// An error of socket(2), accept(2) or bind(2) when the machine is short of something; 0: it is
/// not.
int machine::shortage() {
  if (!world_.strikes(fault::call_error, site_, *this, 0)) return 0;
  constexpr int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
  return -errors[site_.asked[static_cast<std::size_t>(fault::call_error)] % std::size(errors)];
}

int machine::open(int family, int type, int) noexcept {
  ++entries_;
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) return -EAFNOSUPPORT;
  const int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
  const bool datagrams = kind == SOCK_DGRAM && family != AF_UNIX;
  if (kind != SOCK_STREAM && !datagrams) return -EPROTONOSUPPORT;
  if (const int short_of = shortage(); short_of < 0) return short_of;
  if (open_count_ >= descriptor_limit_) return -EMFILE;
  socket& made = world_.open(*this, family);
  made.datagrams = datagrams;
  return install(made);
}

int machine::bind(io::descriptor socket, const sockaddr* to, socklen_t size) noexcept {
  ++entries_;
  sim::socket* found = find(socket);
  if (found == nullptr) return -EBADF;
  return world_.bind(*found, address(to, size));
}

int machine::listen(io::descriptor socket, int backlog) noexcept {
  ++entries_;
  sim::socket* found = find(socket);
  return found == nullptr ? -EBADF : world_.listen(*found, backlog);
}

int machine::set_option(io::descriptor socket, int level, int name, const void* value,
                        socklen_t size) noexcept {
  ++entries_;
  sim::socket* found = find(socket);
  if (found == nullptr) return -EBADF;
  if (level == SOL_SOCKET && name == SO_LINGER) {
    linger asked{};
    std::memcpy(&asked, value, std::min<std::size_t>(size, sizeof asked));
    // Unix sockets do not linger (unix(7)).
    found->resets_at_close = asked.l_onoff != 0 && asked.l_linger == 0 && found->family != AF_UNIX;
    return 0;
  }
  if (level == IPPROTO_TCP && found->family == AF_UNIX) return -EOPNOTSUPP;
  // What comes is given one by one.
  if (level == IPPROTO_UDP && name == UDP_GRO) return -ENOPROTOOPT;
  const int number = read_int(value, size);
  // socket(7): the kernel doubles both.
  if (level == SOL_SOCKET && name == SO_SNDBUF)
    found->send_buffer = static_cast<unsigned>(number) * 2;
  if (level == SOL_SOCKET && name == SO_RCVBUF)
    found->receive_buffer = static_cast<unsigned>(number) * 2;
  if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) found->six_only = number != 0;
  const int key = level << 16 | name;
  std::erase_if(found->flags, [key](const auto& each) { return each.first == key; });
  found->flags.emplace_back(key, number);
  return 0;
}

int machine::get_option(io::descriptor socket, int level, int name, void* value,
                        socklen_t* size) noexcept {
  ++entries_;
  sim::socket* found = find(socket);
  if (found == nullptr) return -EBADF;
  if (level == SOL_SOCKET && name == SO_MEMINFO) {
    std::array<std::uint32_t, SK_MEMINFO_VARS> all{};
    all[SK_MEMINFO_DROPS] = found->dropped;
    std::memcpy(value, all.data(), std::min<std::size_t>(*size, sizeof all));
    return 0;
  }
  int number = 0;
  const int key = level << 16 | name;
  for (const auto& [kept, set] : found->flags)
    if (kept == key) number = set;
  if (level == SOL_SOCKET && name == SO_ERROR) number = -simulation::take_error(*found);
  if (level == SOL_SOCKET && name == SO_ACCEPTCONN) number = found->phase == phase::listening;
  if (level == SOL_SOCKET && name == SO_SNDBUF) number = static_cast<int>(found->send_buffer);
  if (level == SOL_SOCKET && name == SO_RCVBUF) number = static_cast<int>(found->receive_buffer);
  std::memcpy(value, &number, std::min<std::size_t>(*size, sizeof number));
  *size = sizeof number;
  return 0;
}

int machine::local_address(io::descriptor socket, sockaddr* to, socklen_t* size) noexcept {
  ++entries_;
  const sim::socket* found = find(socket);
  if (found == nullptr) return -EBADF;
  found->local.store(to, size);
  return 0;
}

int machine::peer_address(io::descriptor socket, sockaddr* to, socklen_t* size) noexcept {
  ++entries_;
  const sim::socket* found = find(socket);
  if (found == nullptr) return -EBADF;
  if (found->phase != phase::connected) return -ENOTCONN;
  found->remote.store(to, size);
  return 0;
}

int machine::connect(io::descriptor socket, const sockaddr* to, socklen_t size) noexcept {
  ++entries_;
  sim::socket* found = find(socket);
  if (found == nullptr) return -EBADF;
  if (!found->datagrams) return -EOPNOTSUPP;  // a stream's waits
  return world_.connect_datagrams(*found, address(to, size));
}

int machine::duplicate(io::descriptor) noexcept {
  ++entries_;
  return -EOPNOTSUPP;
}

int machine::adopt(int socket) noexcept {
  ++entries_;
  return find(socket) == nullptr ? -EBADF : 0;
}

void machine::close(io::descriptor socket) noexcept {
  ++entries_;
  sim::socket* found = find(socket);
  if (found == nullptr) return world_.complain(*this, "close of a descriptor that is not open");
  if (found->in_flight != 0)
    world_.complain(*this, "close of #" + std::to_string(found->number) +
                               " while an operation is in flight on it");
  world_.close(*found);
}

}  // namespace myra::sim
