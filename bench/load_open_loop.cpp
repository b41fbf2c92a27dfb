// The open loop of the load generator: messages are due at times that do not depend on replies.
//
// The gaps are exponentially distributed, as with many clients that know nothing of each other. A
// latency counts from when its message was due and not from when it went out: a server that stalls
// is charged for every message that would have come meanwhile, which a closed loop would not have
// sent (coordinated omission). The generator spins: it needs a core of its own.

#include "echo_clients.hpp"

#include <cmath>

namespace myra::bench {
namespace {

/// The times at which messages are due. The same for each run, so that pairs see the same load.
class schedule {
 public:
  schedule(std::uint64_t begin, std::uint32_t per_second)
      : next_(static_cast<double>(begin)), mean_gap_(1e9 / per_second) {}

  std::uint64_t next() const { return static_cast<std::uint64_t>(next_); }

  void advance() {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    const double uniform = (static_cast<double>(state_ >> 11U) + 0.5) * 0x1p-53;
    next_ -= std::log(uniform) * mean_gap_;
  }

 private:
  std::uint64_t state_ = 0x9e3779b97f4a7c15U;
  double next_;
  double mean_gap_;
};

class open_loop final : reply_listener {
 public:
  explicit open_loop(const load_request& request)
      : request_(request), clients_(request, under_way_max, *this) {}

  void run(std::chrono::milliseconds duration, load_result& result) {
    clients_.count_into(result);
    const std::uint64_t begin = echo_clients::now();
    const std::uint64_t end = begin + static_cast<std::uint64_t>(duration.count()) * 1'000'000U;
    schedule due(begin, request_.rate);
    while (due.next() < end || clients_.under_way() > 0) {
      clients_.set_time(echo_clients::now());
      give_out(due, std::min(end, clients_.time()));
      clients_.send_due();
      clients_.poll();
      clients_.set_time(echo_clients::now());
      clients_.collect();
    }
  }

 private:
  /// No connection has more than this many messages under way; those beyond wait for one that has
  /// room, and their latency grows.
  static constexpr std::uint32_t under_way_max = 64;

  void on_replies(std::uint32_t, std::uint32_t) override {}

  void give_out(schedule& due, std::uint64_t until) {
    std::uint32_t full = 0;
    while (due.next() < until && full < request_.connections) {
      if (clients_.under_way(turn_) < under_way_max) {
        clients_.owe(turn_, 1, due.next());
        due.advance();
        full = 0;
      } else {
        ++full;
      }
      turn_ = turn_ + 1 == request_.connections ? 0 : turn_ + 1;
    }
  }

  const load_request& request_;
  echo_clients clients_;
  std::uint32_t turn_ = 0;  // the connection whose turn it is
};

}  // namespace

load_result run_open_loop(const load_request& request, const server_probe& probe) {
  open_loop loop(request);
  load_result warm_up;
  loop.run(request.warm_up, warm_up);
  load_result result;
  const phase_meter meter(probe);
  loop.run(request.duration, result);
  meter.finish(result);
  return result;
}

}  // namespace myra::bench
