// The cases for every backend, on epoll; then what is epoll's own.
#include "myra/io/epoll/epoll_backend.hpp"

#include "myra/io/backend_connect_test.hpp"
#include "myra/io/backend_control_test.hpp"
#include "myra/io/backend_fixture_test.hpp"
#include "myra/io/backend_receive_test.hpp"
#include "myra/io/backend_send_test.hpp"

namespace myra::io {
namespace {

opened<std::unique_ptr<backend>> open_epoll(buffer_pool& pool) {
  return epoll_backend::open({}, pool);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(epoll, backend_test, testing::Values(backend_maker{"epoll", &open_epoll}),
                         name_of_maker);

}  // namespace myra::io
