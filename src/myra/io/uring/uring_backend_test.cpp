// The cases for every backend, on io_uring, and again with each of its features left unused.
#include "myra/io/uring/uring_backend.hpp"

#include <vector>

#include "myra/io/backend_connect_test.hpp"
#include "myra/io/backend_control_test.hpp"
#include "myra/io/backend_fixture_test.hpp"
#include "myra/io/backend_receive_test.hpp"
#include "myra/io/backend_send_test.hpp"

namespace myra::io {
namespace {

backend_maker with(std::string name, const uring_options& options) {
  return {std::move(name), [options](buffer_pool& pool) -> opened<std::unique_ptr<backend>> {
            auto made = uring_backend::open(options, pool);
            if (!made) return std::unexpected(std::move(made.error()));
            return std::unique_ptr<backend>(std::move(*made));
          }};
}

backend_maker without(bool feature_switches::* feature, std::string name) {
  uring_options options;
  options.receive_buffer_count = 16;
  options.features.*feature = false;
  return with("uring_without_" + std::move(name), options);
}

std::vector<backend_maker> makers() {
  uring_options ordinary;
  ordinary.receive_buffer_count = 16;
  return {with("uring", ordinary), without(&feature_switches::silent_sends, "silent_sends"),
          without(&feature_switches::registered_ring, "registered_ring"),
          without(&feature_switches::deferred_task_run, "deferred_task_run")};
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(uring, backend_test, testing::ValuesIn(makers()), name_of_maker);

}  // namespace myra::io
