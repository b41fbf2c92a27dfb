// The cases for every backend, on io_uring, and again with each of its features left unused.
#include "myra/io/uring/uring_backend.hpp"

#include <vector>

#include "myra/io/backend_connect_test.hpp"
#include "myra/io/backend_control_test.hpp"
#include "myra/io/backend_datagram_receive_test.hpp"
#include "myra/io/backend_datagram_send_test.hpp"
#include "myra/io/backend_fixture_test.hpp"
#include "myra/io/backend_receive_test.hpp"
#include "myra/io/backend_send_test.hpp"
#include "myra/io/backend_waiting_test.hpp"
#include "myra/io/uring/receive_limit.hpp"
#include "myra/io/uring/self_test.hpp"

namespace myra::io {
namespace {

backend_maker with(std::string name, const uring_options& options) {
  backend_maker made;
  made.name = std::move(name);
  made.open = [options](buffer_pool& pool) -> opened<std::unique_ptr<backend>> {
    auto opened = uring_backend::open(options, pool);
    if (!opened) return std::unexpected(std::move(opened.error()));
    return std::unique_ptr<backend>(std::move(*opened));
  };
  // Nobody but the self-test knows, and a reactor heeds it.
  made.sleeps_over_resets = [] {
    feature_switches features;
    return avoid_failed(features, *self_test({}));
  };
  return made;
}

backend_maker without(bool feature_switches::* feature, std::string name) {
  uring_options options;
  options.receive_buffer_count = 16;
  options.features.*feature = false;
  return with("uring_without_" + std::move(name), options);
}

/// With features that are off by default, on kernels that have them.
backend_maker with_features(std::string name, bool incremental, bool bundles) {
  uring_options options;
  options.receive_buffer_count = 16;
  options.features.incremental_buffers = incremental;
  options.features.receive_bundles = bundles;
  return with("uring_with_" + std::move(name), options);
}

backend_maker without_receive_limit() {
  backend_maker made = without(&feature_switches::receive_limit, "receive_limit");
  made.counts_turn_bytes = false;
  return made;
}

backend_maker spinning(duration spin_time) {
  uring_options options;
  options.receive_buffer_count = 16;
  options.wait = waiting::spin_then_block;
  options.spin_time = spin_time;
  return with("uring", options);
}

backend_maker spinning_before_every_sleep() {
  backend_maker made = spinning(50us);
  made.name = "uring_spin_then_block";
  return made;
}

backend_maker polled() {
  uring_options options;
  options.receive_buffer_count = 16;
  options.ring.submission_polling = {.on = true, .idle = 20ms};
  backend_maker made = with("uring_submission_polling", options);
  made.submission_polling = true;
  return made;
}

backend_maker for_sockets_only() {
  uring_options options;
  options.receive_buffer_count = 16;
  options.ring.sockets_only = true;
  return with("uring_sockets_only", options);
}

backend_maker with_ring_messages() {
  uring_options options;
  options.receive_buffer_count = 16;
  options.features.ring_messages = true;
  return with("uring_with_ring_messages", options);
}

std::vector<backend_maker> makers() {
  uring_options ordinary;
  ordinary.receive_buffer_count = 16;
  return {with("uring", ordinary),
          without(&feature_switches::silent_sends, "silent_sends"),
          without(&feature_switches::registered_ring, "registered_ring"),
          without(&feature_switches::deferred_task_run, "deferred_task_run"),
          without(&feature_switches::direct_descriptors, "direct_descriptors"),
          with_ring_messages(),
          without(&feature_switches::registered_waits, "registered_waits"),
          without(&feature_switches::no_iowait, "no_iowait"),
          without_receive_limit(),
          with_features("incremental_buffers", true, false),
          with_features("bundles", false, true),
          with_features("incremental_buffers_and_bundles", true, true),
          spinning_before_every_sleep(),
          polled(),
          for_sockets_only()};
}

static_assert(alignof(uring_backend) == cache_line_size && alignof(ring) == cache_line_size &&
                  alignof(buffer_ring) == cache_line_size,
              "what two reactors write lies in lines of their own");

std::vector<backend_maker> makers_here() {
  std::vector<backend_maker> all = makers();
  if (!kernel_limits_receives())
    for (backend_maker& each : all) each.counts_turn_bytes = false;
  return all;
}

class late_completion_test : public backend_test {};

TEST_P(late_completion_test, one_of_an_earlier_use_does_not_reach_the_operation) {
  auto [socket, other] = unix_pair();
  recorded<receive_operation> receive(socket);
  receive.multishot = false;
  submit(receive);
  const std::uint64_t earlier = user_data_of(receive);
  other.send("x");
  ASSERT_TRUE(until([&] { return receive.idle(); }));
  submit(receive);
  auto& backend = static_cast<uring_backend&>(*engine);
  io_uring_sqe* entry = backend.probed_ring().entry_or_flush();
  ASSERT_NE(entry, nullptr);
  io_uring_prep_nop(entry);  // its result is that of the stream's end
  io_uring_sqe_set_data64(entry, earlier);
  ASSERT_TRUE(until([&] { return backend.counters().late_completions == 1; }));
  EXPECT_FALSE(receive.idle());
  other.send("y");
  ASSERT_TRUE(until([&] { return receive.idle(); }));
  EXPECT_EQ(receive.bytes, "xy");
}

class uring_spin_test : public backend_test {};

TEST_P(uring_spin_test, deferred_work_that_is_found_costs_one_kernel_entry) {
  auto [socket, other] = unix_pair();
  recorded<receive_operation> receive(socket);
  submit(receive);
  turn(1ms);
  const std::uint64_t before = engine->counters().kernel_entries;
  std::thread later([&] {
    std::this_thread::sleep_for(5ms);
    other.send("x");
  });
  turn(4s);
  later.join();
  EXPECT_EQ(receive.bytes, "x");
  EXPECT_EQ(engine->counters().kernel_entries - before, 1U);
  stop(receive);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(uring, late_completion_test, testing::Values(makers().front()),
                         name_of_maker);
INSTANTIATE_TEST_SUITE_P(uring, uring_spin_test, testing::Values(spinning(2s)), name_of_maker);
INSTANTIATE_TEST_SUITE_P(uring, long_spin_test, testing::Values(spinning(2s)), name_of_maker);
INSTANTIATE_TEST_SUITE_P(uring, short_spin_test, testing::Values(spinning(1ms)), name_of_maker);
INSTANTIATE_TEST_SUITE_P(uring, backend_test, testing::ValuesIn(makers_here()), name_of_maker);
INSTANTIATE_TEST_SUITE_P(uring, datagram_receive_test, testing::ValuesIn(makers_here()),
                         name_of_maker);
INSTANTIATE_TEST_SUITE_P(uring, datagram_send_test, testing::ValuesIn(makers_here()),
                         name_of_maker);
INSTANTIATE_TEST_SUITE_P(uring, full_datagram_socket_test, testing::ValuesIn(makers_here()),
                         name_of_maker);

}  // namespace myra::io
