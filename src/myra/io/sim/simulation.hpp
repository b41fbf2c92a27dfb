// A network of machines on a virtual clock, in one thread, decided by one seed: sockets and what
// happens between them. Backends (sim_backend.hpp) and scripts use it as they would use a kernel.
//
// Results are as of the system calls: not negative, or -errno. Thread: one, for all of it, but for
// `note_wake`.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "myra/io/sim/faults.hpp"
#include "myra/io/sim/machine.hpp"
#include "myra/io/sim/socket.hpp"
#include "myra/io/sim/timeline.hpp"
#include "myra/io/sim/trace.hpp"

namespace myra::sim {

class simulation {
 public:
  simulation(std::uint64_t seed, const faults& rates);
  ~simulation();
  simulation(const simulation&) = delete;
  simulation& operator=(const simulation&) = delete;

  /// Lives as long as the simulation.
  [[nodiscard]] machine& add_machine(std::string name);

  // Time.
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] time_point start() const noexcept { return start_; }
  [[nodiscard]] time_point now() const noexcept { return timeline_.now(); }
  [[nodiscard]] time_point next() const noexcept { return timeline_.next(); }
  void advance(time_point to) noexcept { timeline_.advance(to); }
  void at(time_point when, appointed act, socket* on, std::uint64_t value = 0);
  void call_at(time_point when, std::function<void()> call);
  /// From now on threads outside of the world take part: where it would wait, so does the real
  /// world, for as long, so that what they do has its time. Such a run is not the same twice.
  void keep_pace() noexcept { keeps_pace_ = true; }
  [[nodiscard]] bool keeps_pace() const noexcept { return keeps_pace_; }
  /// Lets the next thing happen; false when nothing is left.
  bool step();

  // What sockets do.
  [[nodiscard]] socket& open(machine& on, int family);
  [[nodiscard]] int bind(socket& on, address to);
  [[nodiscard]] int listen(socket& on, int backlog);
  /// 0, -EINPROGRESS (then `writable` tells), or another -errno.
  [[nodiscard]] int connect(socket& from, const address& to);
  /// Null when nobody waits. The socket has no descriptor yet.
  [[nodiscard]] socket* accept(socket& from);
  [[nodiscard]] std::int64_t receive(socket& on, std::byte* to, std::size_t size_max);
  [[nodiscard]] std::int64_t send(socket& on, byte_view bytes);
  /// The same for datagrams. `to` without a family: the one that it is connected to.
  [[nodiscard]] int connect_datagrams(socket& from, const address& to);
  [[nodiscard]] std::int64_t send_datagram(socket& from, const address& to, byte_view bytes);
  /// The next one, of those that are there.
  [[nodiscard]] static letter receive_datagram(socket& on);
  [[nodiscard]] int shutdown(socket& on, int how);
  /// Frees the descriptor. Nobody is told of this socket afterwards.
  void close(socket& on);
  [[nodiscard]] static int take_error(socket& on) noexcept;
  /// Ends a connection with `error` at this end and a reset at the other.
  void sever(socket& on, int error);

  // What is written down.
  [[nodiscard]] fault_plan& plan() noexcept { return plan_; }
  [[nodiscard]] bool strikes(fault kind, const socket& at);
  [[nodiscard]] bool strikes(fault kind, fault_site& at, const machine& on, std::uint32_t socket);
  void note(event what, const socket& on, std::int64_t value = 0, std::int64_t extra = 0);
  void note(event what, const machine& on, std::int64_t value = 0, std::int64_t extra = 0);
  /// A promise of this library, or of its user, was broken.
  void complain(const machine& on, std::string_view words);
  [[nodiscard]] const std::vector<std::string>& complaints() const noexcept { return complaints_; }
  [[nodiscard]] trace& history() noexcept { return trace_; }
  /// A moment as a line.
  [[nodiscard]] std::string in_words(const moment& happened) const;
  [[nodiscard]] std::uint32_t next_number() noexcept { return ++numbers_; }

  /// A backend was woken, by any thread; `attend` is called before the next thing happens.
  void note_wake() noexcept { woken_.store(true, std::memory_order_release); }
  [[nodiscard]] const std::vector<std::unique_ptr<machine>>& machines() const noexcept {
    return machines_;
  }
  [[nodiscard]] std::size_t socket_count() const noexcept { return sockets_.size(); }

 private:
  [[nodiscard]] socket* find_listener(machine& on, const socket& from) noexcept;
  [[nodiscard]] machine* route(const socket& from, const address& to) noexcept;
  [[nodiscard]] int connect_unix(socket& from);
  [[nodiscard]] bool is_taken(const socket& by, const address& wanted) const noexcept;
  void name_sender(socket& from, const address& to);
  [[nodiscard]] static address sender_of(const socket& from, const address& to);
  void post(socket& from, const address& to, byte_view bytes);
  [[nodiscard]] socket* find_mailbox(const socket& from, const letter& came) noexcept;
  [[nodiscard]] socket& answer(socket& from, socket& listener);
  void try_again(socket& from);
  void fail_connect(socket& from, int error);
  void reset_other(socket& from);
  [[nodiscard]] duration latency(socket& to);
  [[nodiscard]] time_point arrival(socket& to);
  void break_link(socket& on);
  void free_if_done(socket& ended) noexcept;
  void free(socket& ended) noexcept;
  void attend_wakes();

  static void on_call(simulation& world, const appointment& due);
  static void on_syn(simulation& world, const appointment& due);
  static void on_unix_retry(simulation& world, const appointment& due);
  static void on_answer(simulation& world, const appointment& due);
  static void on_refusal(simulation& world, const appointment& due);
  static void on_bytes(simulation& world, const appointment& due);
  static void on_end(simulation& world, const appointment& due);
  static void on_reset(simulation& world, const appointment& due);
  static void on_room(simulation& world, const appointment& due);
  static void on_letter(simulation& world, const appointment& due);
  static void on_refused_letter(simulation& world, const appointment& due);
  static void on_give_up(simulation& world, const appointment& due);

  std::uint64_t seed_;
  timeline timeline_;
  time_point start_;
  fault_plan plan_;
  trace trace_;
  std::vector<std::string> complaints_;
  std::vector<std::unique_ptr<machine>> machines_;
  std::vector<std::unique_ptr<socket>> sockets_;
  std::map<std::uint64_t, std::function<void()>> calls_;
  std::uint64_t call_count_ = 0;
  std::map<std::uint64_t, letter> letters_;
  std::uint64_t letter_count_ = 0;
  std::uint32_t numbers_ = 0;
  bool keeps_pace_ = false;
  std::atomic<bool> woken_{false};
};

}  // namespace myra::sim
