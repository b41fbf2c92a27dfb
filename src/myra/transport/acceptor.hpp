// What stands behind a listener: the accepting socket and its one operation.
#pragma once

#include <string>
#include <vector>

#include "myra/io/operation.hpp"
#include "myra/transport/listener.hpp"
#include "myra/transport/stream.hpp"
#include "myra/transport/stream_table.hpp"

namespace myra {

/// Lives until the listener is gone, nothing is in flight and the last of its connections has
/// ended.
///
///   accepting ──an error to back off from (io/error_table.hpp)──▶ backing off ──timer──▶ accepting
///   accepting ──connections_max──▶ full ──a connection ends──▶ accepting
///   any ──close()──▶ closing ──operation ended──▶ closed
class listener::acceptor final : public drainable, public stream_parent {
 public:
  acceptor(loop& runs, io::descriptor socket, const listener_options& options,
           const endpoint& local) noexcept;
  ~acceptor() override;

  void serve(connection_handler& shared) noexcept;
  void serve(handler_factory factory) noexcept;
  void serve(connection_coroutine coroutine) noexcept;
  void divert(diversion which, socket_taker elsewhere) noexcept;
  void take(int socket) noexcept;
  void take_in(io::descriptor socket) noexcept;
  void close() noexcept;
  /// The listener is gone.
  void abandon() noexcept;

  [[nodiscard]] const endpoint& local() const noexcept { return local_; }
  [[nodiscard]] const listener_counters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::uint32_t connection_count() const noexcept { return connection_count_; }

  void drain() noexcept override { close(); }
  void cut() noexcept override { close(); }
  [[nodiscard]] bool drained() const noexcept override { return closed_; }
  void stream_ended() noexcept override;

 private:
  struct accepting : io::accept_operation {
    explicit accepting(acceptor& owner) noexcept : accept_operation(&on_accept), self(owner) {}
    acceptor& self;
  };
  struct closing : io::close_operation {
    explicit closing(acceptor& owner) noexcept : close_operation(&on_closed), self(owner) {}
    acceptor& self;
  };
  struct pause : timer {
    explicit pause(acceptor& owner) noexcept : timer(&on_pause_over), self(owner) {}
    acceptor& self;
  };

  static void on_accept(io::operation& completed, io::completion& what) noexcept;
  static void on_closed(io::operation& completed, io::completion& what) noexcept;
  static void on_pause_over(timer& fired) noexcept;
  void accepted(io::descriptor socket) noexcept;
  void begin_connection(io::descriptor socket) noexcept;
  void keep_waiting(io::descriptor socket) noexcept;
  /// Serves what waits, as far as the limit allows.
  void admit_waiting() noexcept;
  /// What is left of it here.
  [[nodiscard]] io::descriptor offer(io::descriptor socket) noexcept;
  void end_socket() noexcept;
  void divert_waiting() noexcept;
  void remove_file() noexcept;
  void start(stream& made);
  void failed(int result) noexcept;
  void arm() noexcept;
  void free_if_done() noexcept;
  [[nodiscard]] bool full() const noexcept {
    return options_.connections_max != 0 && connection_count_ >= options_.connections_max;
  }

  loop& loop_;
  listener_options options_;
  endpoint local_;
  accepting accept_;
  closing close_;
  pause pause_;
  connection_handler* shared_ = nullptr;
  handler_factory factory_;
  connection_coroutine coroutine_;
  socket_taker elsewhere_;
  diversion diverts_ = diversion::at_close;
  duration back_off_;
  /// Accepted while the listener was full, in order: an accept that is cancelled brings what the
  /// kernel has taken from its queue until then, at most all of that queue.
  std::vector<io::descriptor> waiting_;
  unsigned errors_in_row_ = 0;  ///< Since a connection came.
  listener_counters counters_;
  std::uint32_t connection_count_ = 0;
  arm_reason arms_for_ = arm_reason::first;  ///< Why the next accept will be armed.
  bool closing_ = false;
  bool closed_ = false;
  bool abandoned_ = false;
};

}  // namespace myra
