// A simulated machine: a name, an address, descriptors, a clock; the calls on its sockets that do
// not wait; and where reactors get their backends.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "myra/io/backend_source.hpp"
#include "myra/io/network.hpp"
#include "myra/io/sim/address.hpp"
#include "myra/io/sim/faults.hpp"

namespace myra::io {
class sim_backend;
}

namespace myra::sim {

class simulation;
struct socket;

class machine final : public io::network, public io::backend_source {
 public:
  /// Descriptors begin here, so that none is one of the real process.
  static constexpr int first_descriptor = 1 << 20;

  machine(simulation& of, std::string name, unsigned number);
  ~machine() override;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// The n in 10.0.0.n.
  [[nodiscard]] unsigned number() const noexcept { return number_; }
  [[nodiscard]] simulation& world() noexcept { return world_; }

  /// The socket of a descriptor; null when there is none.
  [[nodiscard]] socket* find(io::descriptor of) noexcept;
  /// Gives `found` the lowest free descriptor: its number, or -EMFILE at the limit.
  [[nodiscard]] int install(socket& found);
  /// Gives it the lowest free place in the table of direct descriptors.
  [[nodiscard]] int install_direct(socket& found);
  void uninstall(socket& closed) noexcept;
  [[nodiscard]] std::size_t open_descriptor_count() const noexcept { return open_count_; }
  void set_descriptor_limit(std::size_t limit) noexcept { descriptor_limit_ = limit; }

  [[nodiscard]] std::uint16_t free_port() noexcept { return next_port_++; }
  /// Files that Unix sockets were bound to and that were not removed.
  std::vector<address> paths;

  /// From now on; what was counted before is forgotten.
  void fail(const failure& chosen) noexcept { chosen_ = chosen, failed_ = {}; }
  [[nodiscard]] const failure_count& failed() const noexcept { return failed_; }
  /// An operation of this kind could go on: with which errno it fails instead, 0 for none. One that
  /// the network would bring ends the connection for both ends.
  [[nodiscard]] int failure_of(int kind, socket& on);

  /// How far this machine's clock is before the world's.
  [[nodiscard]] duration clock_lead() const noexcept { return clock_lead_; }
  void jump(duration ahead) noexcept { clock_lead_ += ahead; }

  [[nodiscard]] std::vector<io::sim_backend*>& backends() noexcept { return backends_; }
  [[nodiscard]] opened<std::unique_ptr<io::backend>> open_backend(const io::backend_wishes& wishes,
                                                                  buffer_pool& pool) override;

  // io::network.
  int open(int family, int type, int protocol) noexcept override;
  int bind(io::descriptor socket, const sockaddr* to, socklen_t size) noexcept override;
  int listen(io::descriptor socket, int backlog) noexcept override;
  int set_option(io::descriptor socket, int level, int name, const void* value,
                 socklen_t size) noexcept override;
  int get_option(io::descriptor socket, int level, int name, void* value,
                 socklen_t* size) noexcept override;
  int local_address(io::descriptor socket, sockaddr* to, socklen_t* size) noexcept override;
  int peer_address(io::descriptor socket, sockaddr* to, socklen_t* size) noexcept override;
  int connect(io::descriptor socket, const sockaddr* to, socklen_t size) noexcept override;
  /// -EOPNOTSUPP: a descriptor of the real process cannot stand for what exists here only.
  int duplicate(io::descriptor socket) noexcept override;
  int adopt(int socket) noexcept override;
  void close(io::descriptor socket) noexcept override;
  [[nodiscard]] std::uint64_t entries() const noexcept override { return entries_; }

 private:
  [[nodiscard]] int shortage();
  [[nodiscard]] int put(std::vector<socket*>& table, socket& found);

  simulation& world_;
  std::string name_;
  unsigned number_;
  fault_site site_;
  std::vector<socket*> table_;
  std::vector<socket*> direct_;
  std::size_t open_count_ = 0;
  std::size_t descriptor_limit_ = 20000;
  std::uint16_t next_port_ = 32768;
  duration clock_lead_ = duration::zero();
  std::uint64_t entries_ = 0;
  std::vector<io::sim_backend*> backends_;
  failure chosen_;
  failure_count failed_;
};

}  // namespace myra::sim
