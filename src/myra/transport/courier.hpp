// Carries sockets between reactors, from ring to ring.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "myra/io/inlet.hpp"
#include "myra/io/operation.hpp"
#include "myra/reactor/loop.hpp"

namespace myra {

/// What a courier tells. The socket is its client's then.
class courier_client {
 public:
  virtual void came(io::descriptor socket) noexcept = 0;
  /// One that was sent, and not taken.
  virtual void came_back(io::descriptor socket) noexcept = 0;
  /// One that was held.
  virtual void try_again(io::descriptor socket) noexcept = 0;

 protected:
  ~courier_client() = default;
};

/// One of a reactor. A socket that was sent is counted as coming by the courier that it goes to,
/// until it has come or is known not to; and a reactor does not end before nothing comes any more
/// and all that it sent is told: so none is lost in a ring that nobody looks at. Nobody may send to
/// a reactor any more when it begins to drain.
///
/// Thread: its loop's. Outlives its loop, which it leaves after `retire`.
class courier final : public drainable {
 public:
  courier(loop& runs, courier_client& client) noexcept;
  ~courier() override;

  /// From now on sockets may come and be sent. Errors: unsupported, with the reason.
  [[nodiscard]] opened<void> open_inlet();
  [[nodiscard]] bool has_inlet() const noexcept { return has_inlet_; }
  /// Sends a socket that nothing is in flight on; it may come back. The reactor of `to` must not
  /// begin to drain during the call. False: nothing was taken, since one of the two has no inlet,
  /// too many are on their way, or there is no descriptor for one that finds no room as a direct
  /// one.
  [[nodiscard]] bool send(io::descriptor socket, courier& to) noexcept;
  /// Keeps a socket for which there is no way at present, and has it tried again a little later.
  void hold(io::descriptor socket) noexcept;
  /// Nobody asks any more what came. The loop is left as soon as nothing is on its way.
  void retire() noexcept;

  void drain() noexcept override;
  /// Closes what is held.
  void cut() noexcept override;
  [[nodiscard]] bool drained() const noexcept override { return !retired_ && quiet(); }

 private:
  struct parcel : io::hand_over_operation {
    explicit parcel(courier& owner) noexcept : hand_over_operation(&on_told), from(owner) {}
    courier& from;
    courier* to = nullptr;
    parcel* next_free = nullptr;
  };
  struct entrance : io::inlet {
    explicit entrance(courier& owner) noexcept : inlet(&on_socket), at(owner) {}
    courier& at;
  };
  struct look : timer {
    explicit look(courier& owner) noexcept : timer(&on_look), at(owner) {}
    courier& at;
  };

  static void on_told(io::operation& completed, io::completion& what) noexcept;
  static void on_socket(io::inlet& into, io::descriptor socket) noexcept;
  static void on_look(timer& fired) noexcept;
  [[nodiscard]] parcel* take_parcel() noexcept;
  [[nodiscard]] bool quiet() const noexcept {
    return sending_count_ == 0 && held_.empty() && coming_.load(std::memory_order_acquire) == 0;
  }

  static constexpr std::size_t parcel_count_max = 1024;

  loop& loop_;
  courier_client& client_;
  entrance entrance_{*this};
  io::inlet_address address_;
  look look_{*this};
  std::deque<parcel> parcels_;
  parcel* free_ = nullptr;
  std::size_t sending_count_ = 0;
  std::vector<io::descriptor> held_;
  bool has_inlet_ = false;
  bool retired_ = false;
  /// Sent here and neither taken nor come back: added to by who sends, taken from by both.
  alignas(cache_line_size) std::atomic<std::uint32_t> coming_{0};
};

}  // namespace myra
