// The closed loop of the load generator, on io_uring with silent sends: it must cost less CPU per
// message than any server it drives, or it would be the load generator that is measured.
//
// What makes it cheaper than a server is that it may wait. A server answers as soon as it can; the
// generator sleeps until a batch of replies is there, and so pays for one wake-up per batch. It
// sleeps without a time limit, because arming a short timer costs more than all that is saved.

#include "echo_clients.hpp"

namespace myra::bench {
namespace {

class closed_loop final : reply_listener {
 public:
  explicit closed_loop(const load_request& request)
      : request_(request),
        clients_(request, request.depth, *this),
        active_(request.active > 0 ? request.active : request.connections),
        batch_(request.batch > 0 ? request.batch : std::max(1U, active_ * 3 / 5)) {}

  /// Sends until the duration is over or `count` messages (when not 0) went out, and then takes
  /// all replies that are missing.
  void run(std::chrono::milliseconds duration, std::uint64_t count, load_result& result) {
    const std::uint64_t begin = echo_clients::now();
    const std::uint64_t end = begin + static_cast<std::uint64_t>(duration.count()) * 1'000'000U;
    left_ = count > 0 ? count : UINT64_MAX;
    clients_.count_into(result);
    clients_.set_time(begin);
    // The active ones lie evenly among all.
    for (std::uint64_t i = 0; i < active_; ++i) {
      owe(static_cast<std::uint32_t>(i * request_.connections / active_), request_.depth);
    }
    clients_.send_due();
    while (clients_.under_way() > 0) {
      clients_.wait(batch_);
      clients_.set_time(echo_clients::now());
      if (count == 0 && clients_.time() >= end) left_ = 0;
      clients_.collect();
      clients_.send_due();
    }
  }

 private:
  void on_replies(std::uint32_t number, std::uint32_t taken) override { owe(number, taken); }

  void owe(std::uint32_t number, std::uint32_t messages) {
    const auto granted = static_cast<std::uint32_t>(std::min<std::uint64_t>(messages, left_));
    if (granted == 0) return;
    left_ -= granted;
    clients_.owe(number, granted, clients_.time());
  }

  const load_request& request_;
  echo_clients clients_;
  std::uint32_t active_;
  std::uint32_t batch_;
  std::uint64_t left_ = 0;  // messages that may still be sent
};

}  // namespace

load_result run_closed_loop(const load_request& request, const server_probe& probe) {
  closed_loop loop(request);
  load_result warm_up;
  loop.run(request.warm_up, 0, warm_up);
  load_result result;
  const phase_meter meter(probe);
  loop.run(request.duration, request.message_count, result);
  meter.finish(result);
  return result;
}

}  // namespace myra::bench
