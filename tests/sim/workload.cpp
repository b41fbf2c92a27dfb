#include "workload.hpp"

#include <bit>
#include <exception>
#include <memory>
#include <optional>

#include "clients.hpp"
#include "content.hpp"
#include "servers.hpp"

namespace myra::simtest {
namespace {

using namespace std::chrono_literals;
using sim::fault;

const sim::world* running = nullptr;

/// Everything that a seed chooses, and what the hosts share.
struct scene {
  explicit scene(std::uint64_t seed) : chance(sim::mix(seed) ^ 0x5ce7e) {}
  sim::random chance;
  bool harmless = false;
  pool_watcher pools;  ///< Outlives the connections that it watches.
  server_options server;
  connection_options connection;
  sim::world* world = nullptr;
  client_tally tally;
  std::uint64_t next_id = 0;
  std::vector<std::string> addresses;
  sim::host* server_host = nullptr;
  std::unique_ptr<listener> listening;
  bool serves = false;  ///< The server has opened all that clients come to.
  bool over = false;    ///< No listener is opened any more.
};

/// The server's machine may stand still before it has opened anything.
task<> until_it_serves(reactor& on, const scene& of) {
  while (!of.serves) static_cast<void>(co_await sleep_for(on, 1ms));
}

task<> reopen(reactor& on, scene& of) {
  of.listening.reset();
  // The port is the old one's until it is closed, in a turn to come; and descriptors may be short.
  while (!of.listening && co_await sleep_for(on, 100ms)) {
    if (of.over) co_return;
    try {
      of.listening = std::make_unique<listener>(open_echo(on, of.server));
    } catch (const std::runtime_error&) {
      continue;
    }
  }
}

/// Closes the listener while clients are on their way to it, and opens another.
void restart(scene& of) {
  reactor& on = of.server_host->reactor();
  if (on.post([&on, &of]() noexcept { spawn(on, reopen(on, of)); }) != post_status::accepted)
    throw std::runtime_error("the inbox is full");
}

reactor_options draw_reactor(sim::random& chance) {
  reactor_options made = sim::world_options::small_reactor();
  made.pool.slot_size_bytes = 64U << chance.below(6);
  made.pool.slot_count_initial = 16U << chance.below(3);
  made.pool.slot_count_max = made.pool.slot_count_initial * 4;
  made.receive_buffer_count = 4U << chance.below(3);
  made.submission_entries = 8U << chance.below(4);
  made.completion_entries = made.submission_entries << chance.below(3);
  made.features.multishot_accept = !chance.chance(250);
  made.features.multishot_receive = !chance.chance(250);
  made.features.silent_sends = !chance.chance(250);
  made.features.zero_copy_sends = !chance.chance(100);
  made.zero_copy.threshold_bytes = 64U << chance.below(8);
  if (chance.chance(500)) made.zero_copy.free_slots_min = 1;
  return made;
}

connection_options draw_connection(sim::random& chance) {
  connection_options made;
  made.idle_timeout = 20s;
  made.write_timeout = 10s;
  made.send_high_water_bytes = 1024U << chance.below(6);
  made.send_low_water_bytes = made.send_high_water_bytes / 4;
  made.receive_high_water_bytes = 1024U << chance.below(6);
  made.receive_low_water_bytes = made.receive_high_water_bytes / 4;
  if (chance.chance(500)) made.send_buffer_bytes = static_cast<int>(512U << chance.below(5));
  if (chance.chance(500)) made.receive_buffer_bytes = static_cast<int>(512U << chance.below(5));
  if (chance.chance(200)) made.receive = receive_mode::one_shot;
  made.zero_copy = static_cast<zero_copy_mode>(chance.below(3));
  return made;
}

client_plan draw_client(scene& of) {
  client_plan plan;
  plan.id = ++of.next_id;
  plan.address = of.addresses[of.chance.below(of.addresses.size())];
  plan.size = of.chance.between(0, 8000);
  plan.piece_size_max = std::size_t{1} << of.chance.between(4, 10);
  plan.ends = static_cast<client_end>(of.chance.below(4));
  plan.must_succeed = of.harmless;
  plan.pools = &of.pools;
  plan.connection = of.connection;
  if (!of.harmless && of.chance.chance(100)) plan.receive_deadline = 100ms;
  return plan;
}

std::uint64_t completions_of(sim::world& in) {
  std::uint64_t count = 0;
  for (const char* name : {"server", "client", "other client"})
    count += in.host(name).reactor().counters().backend.completions;
  return count;
}

/// Rounds of clients, until there were enough.
task<> run_clients(reactor& on, scene& of) {
  co_await until_it_serves(on, of);
  for (int round = 0; round < 200; ++round) {
    task_scope children(on);
    std::vector<std::exception_ptr> thrown;
    const std::uint64_t count = of.chance.between(2, 8);
    const auto one = [](reactor& runs, client_plan plan, scene& in,
                        std::vector<std::exception_ptr>& failures) -> task<> {
      try {
        co_await run_client(runs, std::move(plan), in.tally);
      } catch (...) {
        failures.push_back(std::current_exception());
      }
    };
    for (std::uint64_t i = 0; i < count; ++i) children.spawn(one(on, draw_client(of), of, thrown));
    if (!of.harmless && of.chance.chance(300)) restart(of);
    co_await children.join();
    if (!thrown.empty()) std::rethrow_exception(thrown.front());
    if (of.tally.connected >= connection_count_min &&
        completions_of(*of.world) >= completion_count_min)
      co_return;
  }
  throw std::runtime_error("200 rounds of clients were not enough");
}

/// A client of its own, that knocks on a socket which nobody accepts from.
task<> knock(reactor& on, scene& of, std::string address) {
  co_await until_it_serves(on, of);
  const endpoint to = endpoint::parse(address).value();
  for (int i = 0; i < 3; ++i) {
    auto made = co_await connect(on, to, {.deadline = 2s});
    static_cast<void>(co_await sleep_for(on, 1ms));
  }
}

/// What comes back to whoever sent it.
std::unique_ptr<datagram_socket> answer_datagrams(reactor& on) {
  struct answering final : datagram_handler {
    void on_datagram(datagram_socket& to, lent_datagram& came) override {
      const endpoint peer = came.peer();
      static_cast<void>(to.send(came.detach(), peer));
    }
    void on_error(datagram_socket&, const datagram_error&) override {}
  };
  static answering answers;
  for (int attempt = 0; attempt < 10; ++attempt) {
    auto made = datagram_socket::open(on, {.address = "0.0.0.0:7002"});
    if (!made) continue;
    auto kept = std::make_unique<datagram_socket>(std::move(*made));
    kept->serve(answers);
    return kept;
  }
  throw std::runtime_error("the datagram socket cannot be opened");
}

/// Sends datagrams that say what they are, until some were answered: each may be lost or come
/// twice, none may be another.
task<> ask_by_datagrams(reactor& on, scene& of, std::string address) {
  co_await until_it_serves(on, of);
  constexpr int answer_count_min = 5;
  std::optional<datagram_socket> from;
  for (int attempt = 0; attempt < 10 && !from; ++attempt)
    if (auto made = datagram_socket::open(on, {.peer = address})) from.emplace(std::move(*made));
  if (!from) throw std::runtime_error("a datagram socket cannot be opened");
  int answered = 0;
  for (std::uint64_t id = 1; id <= 200 && answered < answer_count_min; ++id) {
    const std::string asked = content(id, 0, 1 + id * 7 % 30);
    if (!co_await from->send_copy(as_bytes(asked))) continue;
    auto came = co_await from->receive({.deadline = 50ms});
    if (!came) continue;
    const std::string_view text = as_text(came->bytes.bytes());
    bool known = false;
    for (std::uint64_t each = 1; each <= id && !known; ++each)
      known = text == content(each, 0, 1 + each * 7 % 30);
    if (!known) throw std::runtime_error("a datagram came that nobody sent");
    ++answered;
  }
  if (answered < answer_count_min) throw std::runtime_error("datagrams are not answered");
}

bool has_room_for_datagrams(sim::host& on) {
  return on.reactor().internals().pool().slot_size_bytes() >= 2 * io::datagram_headroom_bytes;
}

sim::world_options world_of(const seed_options& options, scene& of) {
  of.harmless = of.chance.chance(250);
  sim::world_options made;
  made.seed = options.seed;
  made.faults = of.harmless ? sim::faults::harmless() : sim::faults::all();
  return made;
}

void start_hosts(sim::world& world, scene& of) {
  of.connection = draw_connection(of.chance);
  of.server.style = static_cast<server_style>(of.chance.below(4));
  of.server.connections_max = of.chance.chance(500) ? 4 : 0;
  of.server.connection = draw_connection(of.chance);
  of.server.seed = of.chance.next();
  sim::host& server = world.host("server", draw_reactor(of.chance));
  sim::host& client = world.host("client", draw_reactor(of.chance));
  sim::host& other = world.host("other client", draw_reactor(of.chance));
  for (sim::host* each : {&server, &client}) of.pools.watch(each->reactor().internals());
  of.connection.watcher = &of.pools;
  of.addresses = {server.address(7000)};
  of.server_host = &server;
  if (of.chance.chance(300)) server.machine().set_descriptor_limit(of.chance.between(4, 8));
  const bool asks_by_datagrams = has_room_for_datagrams(server) && has_room_for_datagrams(other);
  server.serve(
      [&of](reactor& on) { of.listening = std::make_unique<listener>(open_echo(on, of.server)); });
  if (asks_by_datagrams) server.serve([](reactor& on) { return answer_datagrams(on); });
  server.serve([&of](reactor& on) {
    of.serves = true;
    return std::make_unique<watcher>(on, 7001);
  });
  client.run([&of](reactor& on) { return run_clients(on, of); });
  other.run([&of, to = server.address(7001)](reactor& on) { return knock(on, of, to); });
  if (!asks_by_datagrams) return;
  other.run([&of, to = server.address(7002)](reactor& on) { return ask_by_datagrams(on, of, to); });
}

void report_on(sim::world& world, const seed_options& options, seed_report& made) {
  auto& inside = world.internals();
  made.hash = inside.history().hash();
  made.virtual_time = inside.now() - inside.start();
  made.struck = inside.plan().struck();
  for (std::size_t i = 0; i < sim::fault_count; ++i)
    made.counts[i] = inside.plan().count(static_cast<fault>(i));
  made.why = world.failures();
  for (const std::string& each : inside.complaints()) made.why.push_back(each);
  if (!made.passed) made.story = world.story();
  if (!options.keep_all) return;
  for (const sim::moment& each : inside.history().kept())
    made.trace += inside.in_words(each) + "\n";
}

}  // namespace

const sim::world* running_world() noexcept { return running; }

seed_report run_seed(const seed_options& options) {
  scene of(options.seed);
  sim::world world(world_of(options, of));
  of.world = &world;
  sim::fault_plan& plan = world.internals().plan();
  if (options.allowed) plan.allow_only(*options.allowed);
  if (options.on_strike) plan.on_strike(options.on_strike);
  running = &world;
  world.internals().history().keep(options.keep_all ? SIZE_MAX : 200);
  seed_report made;
  start_hosts(world, of);
  made.passed = world.run_until_idle({.virtual_time = 1h});
  made.connections = of.tally.connected;
  made.completions = completions_of(world);
  of.pools.watch_none();
  of.over = true;
  of.listening.reset();
  made.passed = world.end() && made.passed;
  running = nullptr;
  report_on(world, options, made);
  return made;
}

}  // namespace myra::simtest
