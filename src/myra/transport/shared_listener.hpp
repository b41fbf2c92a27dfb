// One address that all reactors of a group serve.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "myra/reactor/reactor_group.hpp"
#include "myra/transport/courier.hpp"
#include "myra/transport/listener.hpp"

namespace myra {

enum class port_sharing {
  /// A listening socket each (SO_REUSEPORT): the kernel spreads by a hash of the addresses, and
  /// accepting scales. TCP only; a socket that is inherited is one, and shared as below.
  reuse_port,
  /// The first reactor accepts and hands the connections out in turn: every reactor gets as many,
  /// and Unix sockets can be shared. When the first one drains no more are accepted. They go
  /// through the other's inbox, or from ring to ring where reactor_options::features has
  /// `ring_messages` and both are on io_uring.
  one_acceptor,
};

/// Made before the group, and outlives it. Each reactor joins from its own thread, in the order of
/// their indices. A reactor that leaves gives what waits for it in the kernel, and what was on its
/// way to it, to the others.
class shared_listener {
 public:
  shared_listener(listener_options options, port_sharing how, std::uint32_t reactor_count);
  shared_listener(const shared_listener&) = delete;
  shared_listener& operator=(const shared_listener&) = delete;

  /// The listener of one reactor, on which to call `serve`; ours. Errors: as of listener::open. The
  /// last in `resident_maker` that may fail: a reactor that has joined ends by `leave` and `end`.
  [[nodiscard]] opened<listener*> join(reactor& on, std::uint32_t index);
  /// The reactor is about to drain (resident::leave): nothing is handed to it any more.
  void leave(std::uint32_t index) noexcept;
  /// The reactor has drained (resident::end): its listener goes.
  void end(std::uint32_t index) noexcept;

  /// How a reactor that has joined is handed connections, and where not from ring to ring, why.
  /// From the thread that opened the group, or its own.
  [[nodiscard]] const std::string& way_to(std::uint32_t index) const noexcept;

  /// Bound to, with the port that the kernel chose; once the first has joined.
  [[nodiscard]] const endpoint& local() const noexcept { return local_; }

 private:
  /// What a reactor has here.
  struct seat final : courier_client {
    void came(io::descriptor socket) noexcept override;
    void came_back(io::descriptor socket) noexcept override;
    void try_again(io::descriptor socket) noexcept override;
    void keep(io::descriptor left) noexcept;

    shared_listener* of = nullptr;
    std::unique_ptr<listener> at;
    reactor* on = nullptr;             ///< Null before it has joined and after it has left.
    loop* runs = nullptr;              ///< For its own thread.
    std::unique_ptr<courier> carrier;  ///< Null: there is nobody else.
    std::string way;
  };
  enum class carriage { by_any, by_inbox };

  [[nodiscard]] opened<listener> open(reactor& on, std::uint32_t index) const;
  void open_courier(seat& taken, reactor& on);
  [[nodiscard]] io::descriptor pass_on(io::descriptor socket, seat& from, carriage how) noexcept;
  [[nodiscard]] static bool make_ordinary(io::descriptor& socket, const seat& at) noexcept;
  [[nodiscard]] static bool post(const seat& to, int socket) noexcept;

  listener_options options_;
  port_sharing how_;
  endpoint local_;
  std::mutex lock_;  ///< Guards what follows.
  std::deque<seat> seats_;
  std::uint32_t next_ = 0;
};

}  // namespace myra
