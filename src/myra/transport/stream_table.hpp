// All streams of one loop: their memory, their count, their common end.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <memory>
#include <vector>

#include "myra/reactor/loop.hpp"
#include "myra/transport/stream.hpp"

namespace myra {

/// A sendmsg(2) of several slots; stays until its completion.
struct alignas(cache_line_size) send_vector {
  static constexpr unsigned part_max = 64;
  msghdr header{};
  std::array<iovec, part_max> parts{};
  send_vector* next_free = nullptr;
};

/// A send without a copy: after its result it goes on without its stream's further attention, and
/// holds the slots until the kernel has let go of them.
struct zero_copy_send : io::zero_copy_send_operation {
  explicit zero_copy_send(io::completion_handler handler) noexcept
      : io::zero_copy_send_operation(handler) {}
  stream* of = nullptr;
  slot_queue slots;
  send_vector* parts = nullptr;  ///< What `vector` points into.
  std::uint32_t sent_bytes = 0;
  bool told = false;  ///< The result has come.
  zero_copy_send* next_free = nullptr;
};

/// Stream memory is not given back to the system while the loop lives, so that a handle may ask for
/// a stream that is gone.
class alignas(cache_line_size) stream_table final : public drainable {
 public:
  /// The table of `runs`, made when it is first asked for.
  [[nodiscard]] static stream_table& of(loop& runs);
  explicit stream_table(loop& runs) noexcept : loop_(runs) {}
  ~stream_table() override;

  /// Takes over a connected socket; null when there is no memory (the socket is closed then).
  [[nodiscard]] stream* adopt(io::descriptor socket, const connection_options& options) noexcept;
  void free(stream& ended) noexcept;

  /// Whether the stream that was at `address` in its generation is still there. Any address that
  /// `adopt` ever returned.
  [[nodiscard]] static bool alive(const stream* address, std::uint64_t generation) noexcept {
    return reinterpret_cast<const cell*>(address)->generation == generation;
  }

  [[nodiscard]] send_vector* acquire_vector() noexcept;
  void release_vector(send_vector& used) noexcept;
  /// Of `of`, with nothing in it; null when there is no memory.
  [[nodiscard]] zero_copy_send* acquire_zero_copy(stream& of,
                                                  io::completion_handler handler) noexcept;
  void release_zero_copy(zero_copy_send& used) noexcept;
  /// Logged once.
  void tell_of_locked_memory() noexcept;

  [[nodiscard]] loop& runs_on() noexcept { return loop_; }
  /// A stream that the kernel has let go of; somebody may still hold its memory.
  void finished() noexcept {
    --open_count_;
    ++loop_.tally().connections_closed;
  }
  [[nodiscard]] std::uint32_t open_count() const noexcept { return open_count_; }

  void drain() noexcept override;
  void cut() noexcept override;
  [[nodiscard]] bool drained() const noexcept override { return open_count_ == 0; }
  void relieve(time_point since, const deferred* only_waiter) noexcept override;
  /// A stream is held back for want of buffers.
  void look_at_held_back_later() noexcept;

 private:
  struct hold_back_timer : timer {
    explicit hold_back_timer(stream_table& owner) noexcept;
    stream_table& self;
  };
  void look_at_held_back() noexcept;

  struct cell {
    alignas(stream) std::array<std::byte, sizeof(stream)> memory;
    cell* next_free;
    std::uint64_t generation;  ///< Of the stream that lives here; 0: none does.
  };
  static constexpr std::size_t chunk_cells = 64;

  loop& loop_;
  intrusive_list<stream, stream_tag> live_;
  std::vector<line_array<cell>> chunks_;
  cell* free_cells_ = nullptr;
  send_vector* free_vectors_ = nullptr;
  std::vector<std::unique_ptr<send_vector>> vectors_;
  zero_copy_send* free_zero_copies_ = nullptr;
  std::vector<std::unique_ptr<zero_copy_send>> zero_copies_;
  hold_back_timer hold_back_timer_{*this};  ///< Armed while a stream may be held back.
  bool told_of_locked_memory_ = false;
  std::uint64_t generation_ = 0;
  std::uint32_t count_ = 0;       ///< With those that are finished and still held.
  std::uint32_t open_count_ = 0;  ///< Those that may have something in flight.
};

}  // namespace myra
