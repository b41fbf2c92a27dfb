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
struct send_vector {
  static constexpr unsigned part_max = 64;
  msghdr header{};
  std::array<iovec, part_max> parts{};
  send_vector* next_free = nullptr;
};

/// Stream memory is not given back to the system while the loop lives, so that a handle may ask for
/// a stream that is gone.
class stream_table final : public drainable {
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

  [[nodiscard]] loop& runs_on() noexcept { return loop_; }
  /// A stream that the kernel has let go of; somebody may still hold its memory.
  void finished() noexcept { --open_count_; }
  [[nodiscard]] std::uint32_t open_count() const noexcept { return open_count_; }

  void drain() noexcept override;
  void cut() noexcept override;
  [[nodiscard]] bool drained() const noexcept override { return open_count_ == 0; }

 private:
  struct cell {
    alignas(stream) std::array<std::byte, sizeof(stream)> memory;
    cell* next_free;
    std::uint64_t generation;  ///< Of the stream that lives here; 0: none does.
  };
  static constexpr std::size_t chunk_cells = 64;

  loop& loop_;
  intrusive_list<stream, stream_tag> live_;
  std::vector<std::unique_ptr<cell[]>> chunks_;
  cell* free_cells_ = nullptr;
  send_vector* free_vectors_ = nullptr;
  std::vector<std::unique_ptr<send_vector>> vectors_;
  std::uint64_t generation_ = 0;
  std::uint32_t count_ = 0;       ///< With those that are finished and still held.
  std::uint32_t open_count_ = 0;  ///< Those that may have something in flight.
};

}  // namespace myra
