#include <gtest/gtest.h>

#include <memory>

#include "myra/io/operation.hpp"

namespace myra::io {
namespace {

TEST(operation_death, one_that_is_destroyed_in_flight) {
#ifdef NDEBUG
  GTEST_SKIP() << "assertions are off in this build";
#else
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const operation_state state : {operation_state::queued, operation_state::in_flight}) {
    auto receive = std::make_unique<receive_operation>([](operation&, completion&) noexcept {});
    receive->state = state;
    EXPECT_DEATH(receive.reset(), "operation destroyed in flight");
    receive->state = operation_state::idle;
  }
#endif
}

}  // namespace
}  // namespace myra::io
