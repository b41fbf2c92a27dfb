#include "clients.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "content.hpp"

namespace myra::simtest {
namespace {

[[noreturn]] void fail(const client_plan& plan, const std::string& what) {
  throw std::runtime_error("connection " + std::to_string(plan.id) + ": " + what);
}

task<> send_all(reactor& on, connection& peer, const client_plan& plan) {
  sim::random chance(plan.id);
  std::size_t sent = 0;
  while (sent < plan.size) {
    const std::size_t size =
        std::min<std::size_t>(chance.between(1, plan.piece_size_max), plan.size - sent);
    const std::string piece = content(plan.id, sent, size);
    if (!co_await peer.send_copy(as_bytes(piece))) co_return;  // whoever receives tells why
    sent += size;
    if (peer.queued_bytes() >= plan.connection.send_high_water_bytes + size)
      throw std::runtime_error("more is queued than the high-water mark allows");
    if (chance.chance(100))
      static_cast<void>(co_await sleep_for(on, std::chrono::microseconds(chance.below(30'000))));
  }
  if (plan.ends == client_end::half_close) peer.half_close();
}

/// Gives the number of bytes that came, and why no more came.
task<std::pair<std::size_t, std::error_code>> receive_all(connection& peer,
                                                          const client_plan& plan) {
  std::size_t received = 0;
  for (;;) {
    auto bytes = co_await peer.receive({.deadline = plan.receive_deadline});
    if (!bytes) co_return std::pair(received, bytes.error());
    if (received + bytes->size() > plan.size) fail(plan, "more came back than was sent");
    if (!is_content(plan.id, received, bytes->bytes()))
      fail(plan, "wrong bytes came back at " + std::to_string(received));
    received += bytes->size();
    const bool enough = plan.ends != client_end::half_close && received == plan.size;
    if (enough || (plan.ends == client_end::give_up && received > plan.size / 2))
      co_return std::pair(received, std::error_code());
  }
}

/// The exception of a child is its parent's.
task<> keeping(task<> body, std::exception_ptr& thrown) {
  try {
    co_await std::move(body);
  } catch (...) {
    thrown = std::current_exception();
  }
}

task<> talk(reactor& on, connection peer, const client_plan& plan, client_tally& tally) {
  task_scope children(on);
  std::exception_ptr thrown;
  children.spawn(keeping(send_all(on, peer, plan), thrown));
  std::pair<std::size_t, std::error_code> outcome;
  try {
    outcome = co_await receive_all(peer, plan);
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown || plan.ends != client_end::half_close ||
      outcome.second != transport_errc::end_of_stream)
    children.cancel();
  co_await children.join();
  if (thrown) std::rethrow_exception(thrown);
  const bool whole = outcome.first == plan.size;
  ++(whole ? tally.complete : tally.failed);
  if (!whole) tally.errors.push_back(outcome.second);
  const bool must = plan.must_succeed && plan.ends != client_end::give_up;
  if (!whole && must && (plan.pools == nullptr || !plan.pools->excuse(outcome.second)))
    fail(plan, std::to_string(outcome.first) + " of " + std::to_string(plan.size) +
                   " bytes came back: " + outcome.second.message());
  if (plan.ends == client_end::abort) peer.abort();
}

}  // namespace

task<> run_client(reactor& on, client_plan plan, client_tally& tally) {
  const endpoint to = endpoint::parse(plan.address).value();
  std::error_code why;
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto made = co_await connect(on, to, {.connection = plan.connection});
    if (!made) {
      why = made.error();
      continue;
    }
    ++tally.connected;
    co_await talk(on, std::move(*made), plan, tally);
    co_return;
  }
  ++tally.failed;
  tally.errors.push_back(why);
  if (plan.must_succeed) fail(plan, "cannot connect: " + why.message());
}

}  // namespace myra::simtest
