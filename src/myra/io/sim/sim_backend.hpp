// The backend of a simulated machine: the same operations with the same results, over a network
// that exists in this process only (simulation.hpp), with the faults of its plan.
//
// It is shaped like the one on io_uring: operations are queued, an entry takes them, completions
// come through a queue that can overflow, receives take buffers from a ring that can be empty, and
// silent sends are over when the entry that carried them returns.
//
// A zero-copy send is told of twice, the second time some moments after the first and in no order;
// that the bytes are still those that were sent is then looked at.
//
// Who waits: `wait` lets the whole world happen until this backend has something to deliver. Where
// several reactors run in one world, somebody above them all does the waiting (world.hpp): it calls
// `begin_sleep` in place of `wait`, and is called back when a real one would have returned.
//
// Beside what the contract says of results it is held to what it asks of its users: a second send
// or receive on one descriptor, a close with something in flight, or a loop that turns and turns
// without sleeping, is a complaint of the world.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "myra/io/backend.hpp"
#include "myra/io/backend_source.hpp"
#include "myra/io/datagram_operation.hpp"
#include "myra/io/sim/machine.hpp"
#include "myra/io/sim/simulation.hpp"
#include "myra/memory/buffer_pool.hpp"

namespace myra::io {

class sim_backend final : public backend, private sim::socket_user {
 public:
  [[nodiscard]] static opened<std::unique_ptr<backend>> open(sim::machine& on,
                                                             const backend_wishes& wishes,
                                                             buffer_pool& pool);
  /// Nothing may be in flight.
  ~sim_backend() override;

  [[nodiscard]] backend_kind kind() const noexcept override { return backend_kind::sim; }
  void submit(operation& submitted) noexcept override;
  void cancel(operation& unwanted) noexcept override;
  [[nodiscard]] bool zero_copy_sends() const noexcept override {
    return wishes_.features.zero_copy_sends;
  }
  [[nodiscard]] result<void> wait(time_point deadline, time_point now) noexcept override;
  void deliver() noexcept override;
  [[nodiscard]] bool pending() const noexcept override {
    return !queued_.empty() || !cancels_.empty();
  }
  void wake() noexcept override;
  [[nodiscard]] time_point now() noexcept override { return world_.now() + machine_.clock_lead(); }
  [[nodiscard]] time_point rough_now() noexcept override { return now(); }
  [[nodiscard]] int descriptor() const noexcept override;
  [[nodiscard]] std::uint32_t ready_buffer_count() const noexcept override {
    return static_cast<std::uint32_t>(ring_.size());
  }
  [[nodiscard]] network& sockets() noexcept override { return machine_; }
  [[nodiscard]] backend_counters counters() const noexcept override { return counters_; }

  // For who drives several reactors at a time.
  void on_ready(std::function<void()> call) { driver_ = std::move(call); }
  /// What `wait` would do, without the waiting: `on_ready` is called when it would have returned.
  void begin_sleep(time_point deadline);
  /// Another thread, or another reactor, may have woken this one.
  void attend();

 private:
  /// An operation that the simulated kernel has.
  struct flight {
    operation* op = nullptr;
    sim::socket* on = nullptr;
    std::uint32_t done = 0;  ///< Bytes that a send has sent.
    std::uint32_t received = 0;
    std::uint32_t serial = 0;
    bool all_is_sent = false;  ///< By a silent send, which is not taken back any more.
    /// Of a zero-copy send: what the kernel may still read, and what was there at first.
    std::vector<byte_view> held = {};
    std::uint64_t sum = 0;
  };
  struct queue_entry {
    std::uint32_t flight = 0;
    std::int32_t result = 0;
    bool more = false;
    bool more_to_read = false;
    bool notification = false;
    bool copied = false;
    slot* bytes = nullptr;
    std::shared_ptr<const sim::letter> came = {};  ///< Of a datagram: whose it was.
  };

  sim_backend(sim::machine& on, const backend_wishes& wishes, buffer_pool& pool,
              int wake_descriptor);

  // The kernel's side of an entry (sim_backend.cpp).
  void enter() noexcept;
  void refill() noexcept;
  void start(operation& begun) noexcept;
  void start_on(flight& begun) noexcept;
  void cancel_now(operation& unwanted) noexcept;
  void give_up(flight& unwanted) noexcept;
  [[nodiscard]] bool cancel_waits(flight& unwanted) noexcept;
  [[nodiscard]] static flight* find_flight(sim_backend* in, std::uint32_t serial) noexcept;
  static void on_late_cancel(sim::simulation& world, const sim::appointment& due);

  // One operation each (accept.cpp, connect.cpp ...).
  void start_accept(flight& begun) noexcept;
  void start_connect(flight& begun) noexcept;
  void start_receive(flight& begun) noexcept;
  void start_send(flight& begun) noexcept;
  void start_receive_datagram(flight& begun) noexcept;
  void run_receive_datagram(sim::socket& on) noexcept;
  [[nodiscard]] bool receive_one_datagram(flight& armed, sim::socket& on) noexcept;
  void start_send_datagram(flight& begun) noexcept;
  [[nodiscard]] std::int64_t send_row(sim::socket& on, const send_datagram_operation& send);
  void start_shutdown(flight& begun) noexcept;
  void start_close(flight& begun) noexcept;
  void start_poll(flight& begun) noexcept;
  void run_accept(sim::socket& on) noexcept;
  [[nodiscard]] bool accept_once(flight& armed, sim::socket& on) noexcept;
  void run_receive(sim::socket& on) noexcept;
  [[nodiscard]] bool receive_once(flight& armed, sim::socket& on) noexcept;
  [[nodiscard]] std::int32_t receive_fault(sim::socket& on) noexcept;
  void run_connect(sim::socket& on) noexcept;
  void run_send(sim::socket& on) noexcept;
  [[nodiscard]] std::int32_t send_fault(sim::socket& on) noexcept;
  void fail_send(flight& ended, std::int32_t status) noexcept;
  void finish_send(flight& ended, std::int32_t status) noexcept;
  void hold(flight& begun);
  void let_go_later(flight& sent);
  void let_go(flight& held);
  static void on_let_go(sim::simulation& world, const sim::appointment& due);
  void run_polls(sim::socket& on) noexcept;
  [[nodiscard]] bool look_at_real_polls(int timeout_ms) noexcept;

  // Sockets that have something for us (sim_backend.cpp).
  void readable(sim::socket& on) override;
  void writable(sim::socket& on) override;
  void forsaken(sim::socket& on) override;
  void due_read(sim::socket& on, duration delay) noexcept;
  void due_write(sim::socket& on, duration delay) noexcept;
  static void on_read_due(sim::simulation& world, const sim::appointment& due);
  static void on_write_due(sim::simulation& world, const sim::appointment& due);

  // Completions (completions.cpp).
  void complete(flight& of, std::int32_t result) noexcept {
    static_cast<void>(complete(of, {.result = result}));
  }
  /// Whether the operation stays armed, which may not be what was meant.
  bool complete(flight& of, queue_entry what) noexcept;
  void tell(flight& of, const queue_entry& what) noexcept;
  void detach(flight& ended) noexcept;
  void push(const queue_entry& told) noexcept;
  void reorder(std::vector<queue_entry>& told) noexcept;
  void hand_over(const queue_entry& told) noexcept;
  static void on_late_notice(sim::simulation& world, const sim::appointment& due);

  // Sleeping (sleeping.cpp).
  [[nodiscard]] bool awake() const noexcept {
    return !queue_.empty() || woken_.load(std::memory_order_seq_cst);
  }
  void run_world(time_point deadline) noexcept;
  [[nodiscard]] bool keep_pace(time_point until) noexcept;
  [[nodiscard]] bool sleep_for_real(int time_ms) noexcept;
  void look_for_spin();
  void go_on_at(time_point when) noexcept;
  [[nodiscard]] duration stop() noexcept;
  void after_sleep() noexcept;
  void show_whether_ready() const noexcept;
  static void on_go_on(sim::simulation& world, const sim::appointment& due);

  [[nodiscard]] static sim_backend* find(sim::simulation& world, std::uint64_t serial) noexcept;
  [[nodiscard]] flight& flight_of(const operation& op) noexcept {
    return flights_[op.backend_index];
  }
  [[nodiscard]] int chosen_failure(const flight& of, sim::socket& on) {
    return machine_.failure_of(static_cast<int>(of.op->kind()), on);
  }
  [[nodiscard]] bool strikes(sim::fault kind) { return world_.strikes(kind, site_, machine_, 0); }

  sim::machine& machine_;
  sim::simulation& world_;
  buffer_pool& pool_;
  backend_wishes wishes_;
  std::uint32_t serial_;
  sim::fault_site site_;
  sim::random chance_;
  std::vector<operation*> queued_;
  std::vector<operation*> cancels_;
  std::vector<flight> flights_;
  std::vector<std::uint32_t> free_flights_;
  std::vector<slot*> ring_;
  std::vector<queue_entry> queue_;
  std::vector<queue_entry> delivering_;
  std::map<std::uint32_t, queue_entry> late_;
  std::vector<operation*> silent_;
  std::vector<operation*> real_polls_;
  std::uint32_t late_count_ = 0;
  std::uint32_t flight_count_ = 0;
  std::uint64_t in_flight_count_ = 0;
  bool overflowed_ = false;
  std::function<void()> driver_;
  bool asleep_ = false;  ///< Between begin_sleep and the call of the driver.
  std::uint32_t sleep_count_ = 0;
  time_point stopped_until_{};
  time_point window_{};  ///< Of the count of turns, for one that spins.
  unsigned turn_count_ = 0;
  backend_counters counters_;
  int wake_descriptor_;
  mutable std::atomic<bool> shown_ = false;  ///< Somebody asked for the descriptor.
  std::atomic<bool> woken_{false};
  std::atomic<bool> blocked_{false};  ///< The thread sleeps in the real kernel.
};

}  // namespace myra::io
