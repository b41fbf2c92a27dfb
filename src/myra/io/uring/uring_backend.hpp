// The backend on io_uring, Linux 6.1 and newer.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "myra/core/cache_line.hpp"
#include "myra/io/backend.hpp"
#include "myra/io/uring/buffer_ring.hpp"
#include "myra/io/uring/direct_table.hpp"
#include "myra/io/uring/receive_area.hpp"
#include "myra/io/uring/ring.hpp"
#include "myra/io/uring/uring.hpp"
#include "myra/io/uring/uring_network.hpp"
#include "myra/io/uring/zero_copy.hpp"

namespace myra::io {

class alignas(cache_line_size) uring_backend final : public backend {
 public:
  [[nodiscard]] static opened<std::unique_ptr<uring_backend>> open(const uring_options& options,
                                                                   buffer_pool& pool);
  /// Nothing may be in flight.
  ~uring_backend() override;

  [[nodiscard]] backend_kind kind() const noexcept override { return backend_kind::uring; }
  void submit(operation& queued) noexcept override;
  void cancel(operation& unwanted) noexcept override;
  /// None with submission polling: a thread that serves several rings takes eight entries of each
  /// in turn, which cuts a chain, and nobody tells a ring that its thread was shared.
  [[nodiscard]] std::size_t chain_length_max() const noexcept override {
    return ring_->polled() ? 0 : ring_->size();
  }
  [[nodiscard]] bool submit_chain(std::span<const chain_link> links) noexcept override;
  [[nodiscard]] opened<inlet_address> open_inlet(inlet& into) override;
  [[nodiscard]] result<void> wait(time_point deadline, time_point now) noexcept override;
  void deliver() noexcept override;
  [[nodiscard]] bool zero_copy_sends() const noexcept override { return zero_copy_.sends(); }
  [[nodiscard]] bool pending() const noexcept override;
  void wake() noexcept override;
  [[nodiscard]] time_point now() noexcept override { return clock::now(); }
  [[nodiscard]] time_point rough_now() noexcept override { return myra::rough_now(); }
  [[nodiscard]] int descriptor() const noexcept override;
  [[nodiscard]] int ring_descriptor() const noexcept override { return ring_->descriptor(); }
  [[nodiscard]] std::uint32_t ready_buffer_count() const noexcept override {
    return groups_[stream_group_]->ready_count();
  }
  [[nodiscard]] buffer_pool* receive_area_pool() noexcept override {
    return area_ == nullptr ? nullptr : &area_->pool();
  }
  [[nodiscard]] network& sockets() noexcept override { return network_; }
  [[nodiscard]] backend_counters counters() const noexcept override;

  /// What was set up, in words.
  [[nodiscard]] const std::string& description() const noexcept { return ring_->description(); }
  [[nodiscard]] const direct_table& direct() const noexcept { return direct_; }
  /// What receives without a copy bring windows of; null: they copy. Why, if it was asked for.
  [[nodiscard]] const receive_area* area() const noexcept { return area_.get(); }
  [[nodiscard]] const std::string& area_absence() const noexcept { return area_absence_; }
  [[nodiscard]] const zero_copy& copy_free() const noexcept { return zero_copy_; }
  /// What receives of streams take from.
  [[nodiscard]] const buffer_ring_options& stream_buffers() const noexcept {
    return groups_[stream_group_]->options();
  }
  [[nodiscard]] bool has_large_buffers() const noexcept { return groups_[large_group] != nullptr; }
  [[nodiscard]] bool limits_receives() const noexcept { return limits_receives_; }
  /// For questions about this ring.
  [[nodiscard]] ring& probed_ring() noexcept { return *ring_; }

 private:
  struct silent_send {
    operation* sent;  ///< Null: a completion came after all.
    std::uint32_t size;
  };

  uring_backend(const uring_options& options, std::unique_ptr<ring> made,
                int wake_descriptor) noexcept;

  [[nodiscard]] static opened<std::unique_ptr<uring_backend>> open_without_area(
      const uring_options& options, buffer_pool& pool, const error_report& why);
  void open_zero_copy(const uring_options& options, buffer_pool& pool);
  [[nodiscard]] std::optional<error_report> open_groups(const uring_options& options,
                                                        buffer_pool& pool);
  void use(std::unique_ptr<receive_area> area) noexcept;
  void refill_groups() noexcept;
  [[nodiscard]] buffer_ring& group_for(receive_operation& receive) noexcept;
  void note_silent(operation& send, std::uint32_t size) noexcept;
  template <class Send>
  void prepare_send(io_uring_sqe* entry, Send& send) noexcept;
  void prepare_entry(io_uring_sqe* entry, operation& queued) noexcept;
  void prepare_other(io_uring_sqe* entry, operation& queued) noexcept;
  void submit_to_full(operation& queued) noexcept;
  [[nodiscard]] io_uring_sqe* prepare_linked(operation& step) noexcept;
  void park(operation& queued) noexcept;
  void push_cancel(std::uint64_t user_data) noexcept;
  void submit_parked() noexcept;
  [[nodiscard]] int enter(time_point deadline, time_point now) noexcept;
  [[nodiscard]] bool has_to_enter() const noexcept;
  [[nodiscard]] int sleep(time_point deadline, time_point now) noexcept;
  [[nodiscard]] int spin_then_sleep(time_point deadline) noexcept;
  void take_completions() noexcept;
  void take_round() noexcept;
  void take(const io_uring_cqe& cqe) noexcept;
  void take_other(operation& completed, const io_uring_cqe& cqe) noexcept;
  void take_received(operation& completed, const io_uring_cqe& cqe, bool more) noexcept;
  void take_zero_copy(operation& completed, const io_uring_cqe& cqe, bool more) noexcept;
  void take_odd(buffer_ring& from, operation& completed, const io_uring_cqe& cqe) noexcept;
  void drop_received(buffer_ring& from, const io_uring_cqe& cqe) noexcept;
  void take_parts(buffer_ring& from, operation& completed, const io_uring_cqe& cqe) noexcept;
  void take_datagram(operation& completed, const io_uring_cqe& cqe, bool more) noexcept;
  [[nodiscard]] buffer buffer_of(const io_uring_cqe& cqe) noexcept;
  void take_own(const io_uring_cqe& cqe) noexcept;
  void reclaim(const operation& was, const io_uring_cqe& cqe) noexcept;
  void resolve_silent() noexcept;
  void keep_unsubmitted() noexcept;
  void arm_wake() noexcept;

  // Receives without a copy (uring_backend_area.cpp).
  void take_wide(const io_uring_cqe& cqe) noexcept;
  void take_from_area(operation& completed, const io_uring_cqe& cqe) noexcept;
  void prepare_for_area(io_uring_sqe* entry, receive_operation& receive) noexcept;
  void end_area_receive(operation& ended, std::int32_t result) noexcept;
  void receive_into_pool(receive_operation& receive) noexcept;
  void serve_waiting() noexcept;
  [[nodiscard]] std::uint32_t retry_count(bool due) noexcept;
  void nudge_last_served() noexcept;

  // Direct descriptors (uring_backend_direct.cpp).
  void arm(io_uring_sqe* entry, accept_operation& accept) noexcept;
  [[nodiscard]] bool take_accepted(accept_operation& accept, int result, bool more) noexcept;
  void take_late_call(const io_uring_cqe& cqe) noexcept;
  void close_postponed() noexcept;

  // Sockets that go from ring to ring (uring_backend_hand_over.cpp).
  void take_handed_over(const hand_over_operation& hand, int result) noexcept;
  void take_in(const io_uring_cqe& cqe) noexcept;

  void open_foreign_descriptor() const noexcept;
  void show_whether_ready() const noexcept;

  std::unique_ptr<ring> ring_;
  // Groups of receive buffers: whole ones of ordinary size, always there; ordinary ones that are
  // filled piece by piece; large ones. Receives of datagrams take from the first.
  static constexpr unsigned whole_group = 0;
  static constexpr unsigned piecewise_group = 1;
  static constexpr unsigned large_group = 2;
  std::array<std::unique_ptr<buffer_ring>, 3> groups_;
  unsigned stream_group_ = whole_group;
  bool limits_receives_ = false;
  std::unique_ptr<receive_area> area_;  ///< Null: all receives take from the groups.
  std::string area_absence_;
  operation* last_from_area_ = nullptr;  ///< Still in flight; of the present round.
  bool area_ran_out_ = false;            ///< Of pages, or of room to tell; in this round.
  bool retry_armed_ = false;             ///< A timeout, after which one that waits is tried.
  bool retry_due_ = false;
  bool area_unserved_ = false;  ///< Somebody waits whom no wait() has seen yet.
  direct_table direct_;
  zero_copy zero_copy_;
  uring_network network_{*ring_, direct_};
  waiting wait_;
  duration spin_time_;
  unsigned silent_capacity_;
  unsigned silent_count_ = 0;
  line_array<silent_send> silent_;
  line_array<silent_send> resolving_;
  int wake_descriptor_;
  /// An eventfd, made when somebody asks for a descriptor; -1 before. Written by the loop's thread.
  mutable std::atomic<int> ready_descriptor_ = -1;
  mutable int foreign_descriptor_ = -1;  ///< Made with it: what is polled.
  bool wake_armed_ = false;
  bool unresolved_ = false;  ///< The next wait must not sleep: silent sends are left, for instance.
  operation* parked_first_ =
      nullptr;  ///< Submitted while the queue was full and the kernel took nothing.
  operation* parked_last_ = nullptr;
  std::vector<std::uint64_t> parked_cancels_;
  std::vector<operation*> cancelled_connects_;  ///< Cancelled, and not completed yet.
  bool cancel_again_ = false;                   ///< A cancel found nothing to cancel.
  bool sends_messages_;                         ///< As its option says.
  std::vector<inlet*> inlets_;                  ///< By their numbers.
  backend_counters counters_;
};

}  // namespace myra::io
