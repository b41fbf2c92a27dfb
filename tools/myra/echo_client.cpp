#include "echo_client.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "console.hpp"
#include "myra/config/console.hpp"
#include "myra/transport/async.hpp"

namespace myra::tool {
namespace {

constexpr const char* program = "myra echo";

/// A piece of a message: no more than one slot of the smallest usual size.
constexpr std::size_t piece_size_max = 16 * 1024;

/// The bytes to send: random, with a prime period, so that bytes that are lost, doubled, swapped or
/// another connection's do not fit where they arrive.
class pattern {
 public:
  pattern() : bytes_(period + piece_size_max) {
    std::uint64_t state = 0x9e3779b97f4a7c15;
    for (std::size_t at = 0; at < period; ++at) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      bytes_[at] = static_cast<std::byte>(state >> 56);
    }
    std::copy_n(bytes_.begin(), piece_size_max, bytes_.begin() + period);
  }

  /// At most `size` bytes of the stream of connection `index` from `offset` on; at least one.
  [[nodiscard]] byte_view at(std::uint32_t index, std::uint64_t offset,
                             std::uint64_t size) const noexcept {
    const std::size_t start = (offset + std::uint64_t{index} * 7919) % period;
    return byte_view(bytes_).subspan(start, std::min<std::uint64_t>(size, piece_size_max));
  }

 private:
  static constexpr std::size_t period = 65521;
  std::vector<std::byte> bytes_;
};

/// What the connections of a run share; it outlives the reactor.
struct run_state {
  reactor* on = nullptr;
  endpoint target;
  connect_options connect;
  std::uint32_t message_size = 0;
  duration answer_deadline = duration::zero();
  pattern expected;
  std::uint32_t running = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::string failure;  ///< The first; the others stop then.
};

/// The index of the first of `bytes` that is not as sent, or their number.
std::uint64_t first_mismatch(const pattern& expected, std::uint32_t index, std::uint64_t offset,
                             byte_view bytes) {
  for (std::uint64_t done = 0; done < bytes.size();) {
    const byte_view want = expected.at(index, offset + done, bytes.size() - done);
    const byte_view have = bytes.subspan(done, want.size());
    if (std::memcmp(want.data(), have.data(), want.size()) != 0) {
      return done +
             static_cast<std::uint64_t>(std::ranges::mismatch(have, want).in1 - have.begin());
    }
    done += want.size();
  }
  return bytes.size();
}

task<std::error_code> send_message(run_state* run, connection* peer, std::uint32_t index,
                                   std::uint64_t offset, std::uint64_t size) {
  for (std::uint64_t done = 0; done < size;) {
    const byte_view piece = run->expected.at(index, offset + done, size - done);
    const auto accepted = co_await peer->send_copy(piece);
    if (!accepted) co_return accepted.error();
    done += piece.size();
  }
  co_return std::error_code{};
}

/// Receives what was sent from `offset` on; empty, or what was wrong.
task<std::string> verify_message(run_state* run, connection* peer, std::uint32_t index,
                                 std::uint64_t offset, std::uint64_t size) {
  for (std::uint64_t done = 0; done < size;) {
    const result<buffer> bytes = co_await peer->receive({.deadline = run->answer_deadline});
    const std::string where = "byte " + std::to_string(offset + done);
    if (!bytes)
      co_return where + " did not come back: " + describe(peer->report(bytes.error(), run->target));
    if (bytes->size() > size - done)
      co_return "more came back than was sent, from " + where + " on";
    const std::uint64_t right = first_mismatch(run->expected, index, offset + done, bytes->bytes());
    if (right < bytes->size())
      co_return "byte " + std::to_string(offset + done + right) + " came back changed";
    done += bytes->size();
  }
  co_return std::string{};
}

/// One connection, to the end of the stream; empty, or what was wrong.
task<std::string> talk(run_state* run, std::uint32_t index, std::uint64_t share) {
  std::vector<connect_failure> failures;
  connect_options how = run->connect;
  how.failures = &failures;
  result<connection> peer = co_await connect(*run->on, run->target, how);
  if (!peer) co_return describe(connect_report(peer.error(), failures, how));
  for (std::uint64_t offset = 0; offset < share && run->failure.empty();) {
    const std::uint64_t size = std::min<std::uint64_t>(run->message_size, share - offset);
    if (const auto error = co_await send_message(run, &*peer, index, offset, size)) {
      co_return "byte " + std::to_string(offset) +
          " could not be sent: " + describe(peer->report(error, run->target));
    }
    std::string wrong = co_await verify_message(run, &*peer, index, offset, size);
    if (!wrong.empty()) co_return wrong;
    offset += size;
    run->bytes += size;
    ++run->messages;
  }
  peer->half_close();
  const result<buffer> last = co_await peer->receive({.deadline = run->answer_deadline});
  if (last) co_return "bytes came back that were never sent";
  if (last.error() != transport_errc::end_of_stream) {
    co_return "the stream did not end as it should: " +
        describe(peer->report(last.error(), run->target));
  }
  co_return std::string{};
}

task<> drive(run_state* run, std::uint32_t index, std::uint64_t share) {
  const std::string wrong = co_await talk(run, index, share);
  if (!wrong.empty() && run->failure.empty()) {
    run->failure = "connection " + std::to_string(index) + ": " + wrong;
  }
  if (--run->running == 0) run->on->stop();
}

void print_rates(const run_state& run, const echo_load& load, io::backend_kind backend,
                 double seconds) {
  std::printf(
      "verified %s in %s messages of %s over %s connections in %.2f s: "
      "%s messages/s, %s/s each way (%s)\n",
      size_text(static_cast<double>(run.bytes)).c_str(), count_text(run.messages).c_str(),
      size_text(load.message_size).c_str(), count_text(load.connections).c_str(), seconds,
      count_text(static_cast<unsigned long long>(static_cast<double>(run.messages) / seconds))
          .c_str(),
      size_text(static_cast<double>(run.bytes) / seconds).c_str(), io::name_of(backend));
}

}  // namespace

int run_echo_client(const config::options& options, const echo_load& load) {
  run_state run;
  auto target = endpoint::parse(options.connect_to);
  if (!target) return config::refuse(program, target.error());
  auto reactor = myra::reactor::open(options.reactor);
  if (!reactor) return config::refuse(program, reactor.error());
  run.on = &*reactor;
  run.target = *target;
  run.connect = options.connect;
  run.message_size = load.message_size;
  run.answer_deadline = load.answer_deadline;
  run.running = load.connections;

  const auto started = clock::now();
  for (std::uint32_t index = 0; index < load.connections; ++index) {
    const bool takes_more = index < load.bytes_total % load.connections;
    const std::uint64_t share = load.bytes_total / load.connections + (takes_more ? 1 : 0);
    spawn(*reactor, drive(&run, index, share));
  }
  const result<void> ran = reactor->run();
  const std::chrono::duration<double> took = clock::now() - started;
  if (!ran && run.failure.empty()) run.failure = "the backend failed: " + ran.error().message();
  if (!run.failure.empty()) {
    std::fprintf(stderr, "%s: %s\n", program, run.failure.c_str());
    return 1;
  }
  print_rates(run, load, reactor->backend(), took.count());
  return 0;
}

}  // namespace myra::tool
