#include "myra/reactor/choose_backend.hpp"

#include <cstdlib>
#include <string_view>

#include "myra/io/epoll/epoll_backend.hpp"
#include "myra/io/uring/uring.hpp"

namespace myra {
namespace {

bool self_test_wanted(const reactor_options& options) {
  const char* said = std::getenv("MYRA_SELF_TEST");
  return options.self_test && (said == nullptr || std::string_view(said) != "off");
}

}  // namespace

io::uring_options uring_options_of(const reactor_options& options) {
  io::uring_options wanted;
  wanted.submission_entries = options.submission_entries;
  wanted.completion_entries = options.completion_entries;
  wanted.receive_buffer_count = options.receive_buffer_count;
  wanted.large_buffer_count = options.large_buffers.ready_count;
  wanted.self_test = self_test_wanted(options);
  wanted.direct_descriptor_count = options.direct_descriptor_count;
  wanted.registered_buffers = options.zero_copy.registered_buffers;
  wanted.wait = options.wait;
  wanted.spin_time = options.spin_time;
  wanted.busy_poll = options.busy_poll;
  wanted.prefer_busy_poll = options.prefer_busy_poll;
  wanted.ring = options.ring;
  wanted.zero_copy_receive = options.zero_copy_receive;
  wanted.features = options.features;
  return wanted;
}

result<buffer_pool::owner> open_large_pool(const reactor_options& options) {
  const large_buffer_options& large = options.large_buffers;
  if (!options.features.large_buffers || large.size_bytes <= options.pool.slot_size_bytes ||
      options.source != nullptr)
    return buffer_pool::owner();
  pool_options made = options.pool;
  made.slot_size_bytes = large.size_bytes;
  made.slot_count_initial = 0;
  made.slot_count_max = large.count_max;
  return buffer_pool::open(made);
}

namespace {

opened<chosen_backend> open_given(const reactor_options& options, buffer_pool& pool) {
  io::backend_wishes wishes;
  wishes.submission_entries = options.submission_entries;
  wishes.completion_entries = options.completion_entries;
  wishes.receive_buffer_count = options.receive_buffer_count;
  wishes.features = options.features;
  auto made = options.source->open_backend(wishes, pool);
  if (!made) return std::unexpected(std::move(made.error()));
  return chosen_backend{std::move(*made), "given", options.features};
}

opened<chosen_backend> open_uring(const reactor_options& options, buffer_pool& pool,
                                  buffer_pool* large_pool) {
  io::uring_options wanted = uring_options_of(options);
  wanted.large_pool = large_pool;
  auto made = io::open_uring(wanted, pool);
  if (!made) return std::unexpected(std::move(made.error()));
  return chosen_backend{std::move(made->made), std::move(made->description), made->features};
}

opened<chosen_backend> open_epoll(const reactor_options& options, buffer_pool& pool,
                                  buffer_pool* large_pool, std::string reason) {
  io::epoll_options wanted;
  wanted.wait = options.wait;
  wanted.spin_time = options.spin_time;
  wanted.busy_poll = options.busy_poll;
  wanted.prefer_busy_poll = options.prefer_busy_poll;
  wanted.large_pool = large_pool;
  auto made = io::epoll_backend::open(wanted, pool);
  if (!made) return std::unexpected(std::move(made.error()));
  if (options.busy_poll != duration::zero())
    reason += (*made)->busy_polling()
                  ? ", busy polling of network cards"
                  : ", no busy polling (the kernel refuses EPIOCSPARAMS, which needs Linux 6.9)";
  if (options.zero_copy_receive.mode != io::zero_copy_receive_mode::off)
    reason += ", no zero-copy receive (only io_uring has it)";
  return chosen_backend{std::move(*made), std::move(reason), options.features};
}

}  // namespace

opened<chosen_backend> choose_backend(const reactor_options& options, buffer_pool& pool,
                                      buffer_pool* large_pool) {
  if (options.source != nullptr) return open_given(options, pool);
  if (options.backend == io::backend_kind::epoll)
    return open_epoll(options, pool, large_pool, "asked for");
  auto uring = open_uring(options, pool, large_pool);
  if (uring || options.backend == io::backend_kind::uring) return uring;
  return open_epoll(options, pool, large_pool, describe(uring.error()));
}

}  // namespace myra
