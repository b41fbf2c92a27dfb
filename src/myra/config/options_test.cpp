#include "myra/config/options.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "myra/config/command_line.hpp"
#include "myra/config/configure.hpp"

namespace myra::config {
namespace {

using namespace std::chrono_literals;

constexpr offered everything{.threads = true, .listener = true, .connect = true, .metrics = true};

// When a struct gets another member this stops compiling: the member wants a field (or a reason not
// to have one), a place in the count and a sample below.
TEST(options, every_member_has_a_field) {
  [[maybe_unused]] const auto& [threads, group_cpus, local, sharing, reactor, listener, connect_to,
                                connect, shutdown, metrics_address] = options{};
  [[maybe_unused]] const auto& [backend, wait, spin, busy, prefer, pool, zero_copy, into_area,
                                receives, large, self_test, submission, completion, direct,
                                patience, inbox, stall, watchdog, publish, latency, ring, features,
                                log_without_a_field, source_without_a_field] = reactor;
  [[maybe_unused]] const auto& [area_mode, interface, queue, area_bytes, huge_area] = into_area;
  [[maybe_unused]] const auto& [large_size, large_ready, large_max] = large;
  [[maybe_unused]] const auto& [zero_mode, threshold, free_min, registered_slots] = zero_copy;
  [[maybe_unused]] const auto& [tasks, polling, workers, minimum, sockets_only, io_polling] = ring;
  [[maybe_unused]] const auto& [on, polling_idle, cpu, share_with_without_a_field] = polling;
  [[maybe_unused]] const auto& [bounded, unbounded, cpus] = workers;
  [[maybe_unused]] const auto& [minimum_time, minimum_completions] = minimum;
  [[maybe_unused]] const auto& [slot_size, slot_initial, slot_max, huge] = pool;
  [[maybe_unused]] const auto& [accept, receive, silent, zero_sends, registered, deferred, in_table,
                                segmentation, coalescing, messages, waits, iowait, limit,
                                incremental, bundles, large_ones] = features;
  [[maybe_unused]] const auto& [address, backlog, reuse_address, reuse_port, ipv6, inherited,
                                unlink, connections, accepted] = listener;
  [[maybe_unused]] const auto& [no_delay, keep_alive, send_buffer, receive_buffer, idle, first_byte,
                                write, linger, send_high, send_low, receive_high, receive_low,
                                receive_high_count, turn_bytes, mode, copies,
                                watcher_without_a_field] = accepted;
  [[maybe_unused]] const auto& [deadline, delay, local_address, made_connection_shares_its_fields,
                                bytes_without_a_field, of_those_bytes, failures_without_a_field] =
      connect;
  [[maybe_unused]] const auto& [drain, callback_without_a_field] = shutdown;
  constexpr std::size_t top = 6;  // threads, cpus, local_memory, sharing, connect_to, metrics
  constexpr std::size_t of_reactor =
      24 - 8 + 4 + 4 + 5 + 3 + 11 + 16;  // without pool, zero_copy, zero_copy_receive,
                                         // large_buffers, ring, features, log and source, with
                                         // their members
  constexpr std::size_t of_listener = 9 - 1 + 16;
  constexpr std::size_t of_connect = 3;
  constexpr std::size_t of_shutdown = 1;
  options bound;
  EXPECT_EQ(fields_of(bound, everything).size(),
            top + of_reactor + of_listener + of_connect + of_shutdown);
}

TEST(options, each_name_is_there_once_and_reads_as_a_key) {
  options bound;
  std::set<std::string> seen;
  for (const field& each : fields_of(bound, everything)) {
    EXPECT_TRUE(seen.insert(each.name.full).second) << each.name.full;
    EXPECT_EQ(each.name.full.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_."),
              std::string::npos);
    if (!each.name.brief.empty()) {
      EXPECT_TRUE(seen.insert(each.name.brief).second) << each.name.brief;
    }
    EXPECT_TRUE(each.help.ends_with('.')) << each.name.full;
    EXPECT_FALSE(each.allowed.empty()) << each.name.full;
  }
}

TEST(options, a_program_is_offered_what_it_uses) {
  options bound;
  const auto has = [&](const offered& parts, const std::string& table) {
    for (const field& each : fields_of(bound, parts))
      if (each.name.full.starts_with(table)) return true;
    return false;
  };
  EXPECT_TRUE(has({}, "reactor."));
  for (const char* table :
       {"threads", "listener.", "connection.", "connect.", "shutdown.", "metrics."})
    EXPECT_FALSE(has({}, table)) << table;
  EXPECT_TRUE(has({.connect = true}, "connection."));
  EXPECT_FALSE(has({.connect = true}, "shutdown."));
  EXPECT_TRUE(has({.listener = true}, "shutdown."));
  EXPECT_FALSE(has({.listener = true}, "connect."));
  EXPECT_TRUE(has({.metrics = true}, "metrics."));
}

TEST(options, the_defaults_are_allowed_and_go_together) {
  options defaults;
  for (const field& each : fields_of(defaults, everything))
    EXPECT_TRUE(each.set(each.get())) << each.name.full;
  EXPECT_EQ(check(defaults, everything), "");
}

/// A value for each field that is allowed and is not the default, and one that is not allowed.
struct sample {
  std::string right;
  std::string wrong;
};

const std::map<std::string, sample>& samples() {
  static const std::map<std::string, sample> all = {
      {"threads", {"3", "0"}},
      {"cpus", {"0-1", "0-"}},
      {"local_memory", {"true", "x"}},
      {"sharing", {"one_acceptor", "both"}},
      {"reactor.backend", {"epoll", "kqueue"}},
      {"reactor.wait", {"spin_then_block", "sleep"}},
      {"reactor.spin_time", {"200us", "0s"}},
      {"reactor.busy_poll", {"30us", "2s"}},
      {"reactor.prefer_busy_poll", {"true", "x"}},
      {"reactor.ring.tasks", {"interrupting", "lazy"}},
      {"reactor.ring.submission_polling.on", {"true", "x"}},
      {"reactor.ring.submission_polling.idle", {"20ms", "0s"}},
      {"reactor.ring.submission_polling.cpu", {"1", "-2"}},
      {"reactor.ring.workers.bounded_max", {"4", "-1"}},
      {"reactor.ring.workers.unbounded_max", {"64", "-1"}},
      {"reactor.ring.workers.cpus", {"0-1", "0-"}},
      {"reactor.ring.minimum_wait.time", {"50us", "2s"}},
      {"reactor.ring.minimum_wait.completions", {"8", "0"}},
      {"reactor.ring.sockets_only", {"true", "x"}},
      {"reactor.ring.io_polling", {"true", "x"}},
      {"reactor.receive_buffer_count", {"512", "500"}},
      {"reactor.submission_entries", {"2048", "65536"}},
      {"reactor.direct_descriptor_count", {"512", "-1"}},
      {"reactor.completion_entries", {"16384", "2"}},
      {"reactor.inbox_capacity", {"17", "0"}},
      {"reactor.shortage_patience", {"50ms", "50"}},
      {"reactor.stall_threshold", {"50ms", "50"}},
      {"reactor.watchdog", {"true", "yes"}},
      {"reactor.publish_counters", {"true", "x"}},
      {"reactor.latency", {"turns", "all"}},
      {"reactor.pool.slot_size_bytes", {"4KiB", "100"}},
      {"reactor.pool.slot_count_initial", {"10", "32769"}},
      {"reactor.pool.slot_count_max", {"100", "0"}},
      {"reactor.pool.huge_pages", {"true", "2"}},
      {"reactor.features.multishot_accept", {"false", "off!"}},
      {"reactor.features.multishot_receive", {"false", "maybe"}},
      {"reactor.features.silent_sends", {"false", "none"}},
      {"reactor.features.registered_ring", {"false", "0.5"}},
      {"reactor.features.deferred_task_run", {"false", "never"}},
      {"reactor.features.direct_descriptors", {"false", "no"}},
      {"reactor.features.datagram_segmentation", {"false", "2"}},
      {"reactor.features.datagram_coalescing", {"false", "2"}},
      {"reactor.features.ring_messages", {"true", "x"}},
      {"reactor.features.registered_waits", {"false", "x"}},
      {"reactor.features.no_iowait", {"false", "x"}},
      {"reactor.features.receive_limit", {"false", "x"}},
      {"reactor.features.incremental_buffers", {"true", "x"}},
      {"reactor.features.receive_bundles", {"true", "x"}},
      {"reactor.features.large_buffers", {"false", "x"}},
      {"reactor.large_buffers.size_bytes", {"128KiB", "100"}},
      {"reactor.large_buffers.ready_count", {"64", "63"}},
      {"reactor.large_buffers.count_max", {"100", "0"}},
      {"reactor.self_test", {"false", "x"}},
      {"reactor.zero_copy.mode", {"always", "sometimes"}},
      {"reactor.zero_copy.threshold_bytes", {"64KiB", "x"}},
      {"reactor.zero_copy.free_slots_min", {"16", "x"}},
      {"reactor.zero_copy.registered_buffers", {"true", "x"}},
      {"reactor.zero_copy_receive.mode", {"no_device", "on"}},
      {"reactor.zero_copy_receive.interface", {"eth0", "a-name-that-is-too-long"}},
      {"reactor.zero_copy_receive.queue", {"3", "-1"}},
      {"reactor.zero_copy_receive.area_bytes", {"1MiB", "100"}},
      {"reactor.zero_copy_receive.huge_pages", {"true", "x"}},
      {"reactor.features.zero_copy_sends", {"false", "x"}},
      {"listener.address", {"[::1]:7000", "::1"}},
      {"listener.backlog", {"10", "-1"}},
      {"listener.reuse_address", {"false", "x"}},
      {"listener.reuse_port", {"true", "x"}},
      {"listener.ipv6_only", {"true", "x"}},
      {"listener.inherited_descriptor", {"3", "-2"}},
      {"listener.unlink_stale_socket", {"false", "x"}},
      {"listener.connections_max", {"1000", "-1"}},
      {"connection.no_delay", {"false", "x"}},
      {"connection.keep_alive", {"true", "x"}},
      {"connection.send_buffer_bytes", {"64KiB", "2GiB"}},
      {"connection.receive_buffer_bytes", {"100", "-1"}},
      {"connection.idle_timeout", {"1min", "1m"}},
      {"connection.first_byte_timeout", {"10s", "-1s"}},
      {"connection.write_timeout", {"1500ms", "-5s"}},
      {"connection.linger_timeout", {"0s", "soon"}},
      {"connection.send_high_water_bytes", {"2MiB", "0"}},
      {"connection.send_low_water_bytes", {"1000", "x"}},
      {"connection.receive_high_water_bytes", {"1MiB", "5GiB"}},
      {"connection.receive_low_water_bytes", {"0", "1KB"}},
      {"connection.receive_high_water_buffers", {"10", "0"}},
      {"connection.receive_turn_bytes", {"64KiB", "0"}},
      {"connection.receive", {"one_shot", "sometimes"}},
      {"connection.zero_copy", {"never", "sometimes"}},
      {"connect.address", {"unix:@peer", "unix:"}},
      {"connect.deadline", {"1s", "1"}},
      {"connect.attempt_delay", {"300ms", "0.3s"}},
      {"connect.local", {"127.0.0.1:0", "127.0.0.1"}},
      {"metrics.address", {"127.0.0.1:9100", "9100"}},
      {"shutdown.drain_deadline", {"9s", "forever"}},
  };
  return all;
}

TEST(options, what_differs_between_accepted_and_made_connections_is_printed_and_stays) {
  options defaults;
  const std::string printed = print(fields_of(defaults, everything));
  EXPECT_NE(printed.find("# idle_timeout: \"5min\" of those accepted, \"0s\" of those made\n"),
            std::string::npos)
      << printed;
  options again;
  ASSERT_TRUE(read_text(printed, "printed", fields_of(again, everything)));
  EXPECT_EQ(again.connect.connection.idle_timeout, duration::zero());
  EXPECT_EQ(again.connect.connection.first_byte_timeout, duration::zero());
  EXPECT_EQ(again.listener.connection.idle_timeout, defaults.listener.connection.idle_timeout);
  const auto fields = fields_of(again, everything);
  ASSERT_TRUE(read_text("[connection]\nidle_timeout = \"1min\"\n", "set", fields));
  EXPECT_NE(print(fields).find("\nidle_timeout = \"1min\"\n"), std::string::npos);
  EXPECT_EQ(again.connect.connection.idle_timeout, std::chrono::minutes(1));
}

std::vector<value> values_of(const std::vector<field>& fields) {
  std::vector<value> all;
  for (const field& each : fields) all.push_back(each.get());
  return all;
}

TEST(options,
     each_field_can_be_set_on_the_command_line_and_printed_as_a_file_that_reads_back_equal) {
  options changed;
  const std::vector<field> fields = fields_of(changed, everything);
  ASSERT_EQ(samples().size(), fields.size());
  for (const field& each : fields) {
    const value before = each.get();
    const auto set = set_from_text(each, samples().at(each.name.full).right);
    ASSERT_TRUE(set) << set.error().what;
    EXPECT_NE(each.get(), before) << each.name.full;
  }
  EXPECT_NE(check(changed, everything).find("is for storage"), std::string::npos);
  changed.reactor.ring.io_polling = false;
  EXPECT_NE(check(changed, everything).find("zero_copy_receive.interface: found \"eth0\" without"),
            std::string::npos);
  changed.reactor.zero_copy_receive = {};
  EXPECT_EQ(check(changed, everything), "");

  options again;
  const std::vector<field> fields_again = fields_of(again, everything);
  EXPECT_NE(values_of(fields_again), values_of(fields));
  const std::string file = print(fields);
  const auto read = read_text(file, "printed.toml", fields_again);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(values_of(fields_again), values_of(fields));
  EXPECT_EQ(print(fields_again), file);
}

TEST(options, each_field_refuses_what_is_not_allowed_and_says_what_is) {
  options target;
  for (const field& each : fields_of(target, everything)) {
    const value before = each.get();
    const std::string& wrong = samples().at(each.name.full).wrong;
    const auto on_command_line = set_from_text(each, wrong);
    ASSERT_FALSE(on_command_line) << each.name.full;
    const std::string& what = on_command_line.error().what;
    EXPECT_TRUE(what.starts_with(option_of(each) + ": found ")) << what;
    EXPECT_NE(what.find(wrong), std::string::npos) << what;
    EXPECT_TRUE(what.ends_with(", allowed " + each.allowed)) << what;

    const auto in_file = read_text("\n" + each.name.full + " = \"" + wrong + "\"\n", "x.toml",
                                   fields_of(target, everything));
    ASSERT_FALSE(in_file) << each.name.full;
    const std::string column = std::to_string(each.name.full.size() + 4);
    EXPECT_EQ(in_file.error().what, "x.toml:2:" + column + ": " + each.name.full + ": found \"" +
                                        wrong + "\", allowed " + each.allowed);
    EXPECT_EQ(each.get(), before) << each.name.full;
  }
}

TEST(options, what_a_field_allows_at_its_bounds_the_layers_allow_too) {
  options target;
  EXPECT_TRUE(
      read_text("reactor.submission_entries = 32768\nreactor.completion_entries = 65536\n"
                "reactor.receive_buffer_count = 1\nreactor.pool.slot_size_bytes = \"1MiB\"\n"
                "reactor.pool.slot_count_initial = 0\nreactor.pool.slot_count_max = 1\n",
                "x.toml", fields_of(target, everything)));
  EXPECT_EQ(check(target, everything), "");
}

TEST(options, connection_fields_are_those_of_both_directions) {
  options target;
  ASSERT_TRUE(read_text("connection.no_delay = false\nconnection.idle_timeout = \"3s\"\n", "x.toml",
                        fields_of(target, everything)));
  for (const connection_options* each : {&target.listener.connection, &target.connect.connection}) {
    EXPECT_FALSE(each->no_delay);
    EXPECT_EQ(each->idle_timeout, 3s);
  }
  options client;
  ASSERT_TRUE(
      read_text("connection.no_delay = false\n", "x.toml", fields_of(client, {.connect = true})));
  EXPECT_FALSE(client.connect.connection.no_delay);
  EXPECT_TRUE(client.listener.connection.no_delay);
}

TEST(options, what_does_not_go_together_is_named) {
  options target;
  target.listener.connection.send_low_water_bytes = 5;
  target.listener.connection.send_high_water_bytes = 4;
  EXPECT_NE(check(target, everything).find("connection.send_low_water_bytes: found 5"),
            std::string::npos);
  EXPECT_EQ(check(target, {}), "");
  target = {};
  target.connect.connection.receive_low_water_bytes =
      target.connect.connection.receive_high_water_bytes;
  EXPECT_NE(check(target, everything).find("connection.receive_low_water_bytes"),
            std::string::npos);
  EXPECT_EQ(check(target, {.listener = true}), "");
  target = {};
  target.reactor.completion_entries = 512;
  EXPECT_NE(check(target, {}).find("reactor.completion_entries: found 512"), std::string::npos);
  target.reactor.completion_entries = 8192;
  target.reactor.spin_time = 2s;
  EXPECT_NE(check(target, {}).find("reactor.spin_time: found 2000000000 ns"), std::string::npos);
  const auto complaint = [&](const char* lines) {
    options read;
    EXPECT_TRUE(read_text(lines, "x.toml", fields_of(read, {}))) << lines;
    return check(read, {});
  };
  EXPECT_TRUE(
      complaint("reactor.ring.submission_polling.on = true\nreactor.ring.tasks = \"deferred\"")
          .starts_with("reactor.ring.tasks: found deferred with ring.submission"));
  EXPECT_TRUE(
      complaint("reactor.ring.tasks = \"deferred\"\nreactor.features.deferred_task_run = false")
          .starts_with("reactor.ring.tasks: found deferred with reactor.features."));
  EXPECT_TRUE(complaint("reactor.wait = \"spin\"\nreactor.busy_poll = \"50us\"")
                  .starts_with("reactor.busy_poll: found 50000 ns with reactor.wait = spin"));
  EXPECT_TRUE(complaint("reactor.wait = \"spin\"\nreactor.ring.minimum_wait.time = \"50us\"")
                  .starts_with("reactor.ring.minimum_wait.time: found 50000 ns with reactor.wait"));
  EXPECT_TRUE(complaint("reactor.prefer_busy_poll = true")
                  .starts_with("reactor.prefer_busy_poll: found true with reactor.busy_poll"));
}

}  // namespace
}  // namespace myra::config
