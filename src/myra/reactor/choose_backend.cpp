#include "myra/reactor/choose_backend.hpp"

#include "myra/io/epoll/epoll_backend.hpp"
#include "myra/io/uring/known_bad.hpp"
#include "myra/io/uring/uring.hpp"

namespace myra {

io::uring_options uring_options_of(const reactor_options& options) {
  io::uring_options wanted;
  wanted.submission_entries = options.submission_entries;
  wanted.completion_entries = options.completion_entries;
  wanted.receive_buffer_count = options.receive_buffer_count;
  wanted.direct_descriptor_count = options.direct_descriptor_count;
  wanted.registered_buffers = options.zero_copy.registered_buffers;
  wanted.wait = options.wait;
  wanted.spin_time = options.spin_time;
  wanted.busy_poll = options.busy_poll;
  wanted.prefer_busy_poll = options.prefer_busy_poll;
  wanted.ring = options.ring;
  wanted.features = options.features;
  return wanted;
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

opened<chosen_backend> open_uring(const reactor_options& options, buffer_pool& pool) {
  io::uring_options wanted = uring_options_of(options);
  const std::string unused = io::avoid_known_bad(wanted.features);
  auto made = io::open_uring(wanted, pool);
  if (!made) return std::unexpected(std::move(made.error()));
  if (!unused.empty()) made->description += ", " + unused;
  return chosen_backend{std::move(made->made), std::move(made->description), wanted.features};
}

opened<chosen_backend> open_epoll(const reactor_options& options, buffer_pool& pool,
                                  std::string reason) {
  io::epoll_options wanted;
  wanted.wait = options.wait;
  wanted.spin_time = options.spin_time;
  wanted.busy_poll = options.busy_poll;
  wanted.prefer_busy_poll = options.prefer_busy_poll;
  auto made = io::epoll_backend::open(wanted, pool);
  if (!made) return std::unexpected(std::move(made.error()));
  if (options.busy_poll != duration::zero())
    reason += (*made)->busy_polling()
                  ? ", busy polling of network cards"
                  : ", no busy polling (the kernel refuses EPIOCSPARAMS, which needs Linux 6.9)";
  return chosen_backend{std::move(*made), std::move(reason), options.features};
}

}  // namespace

opened<chosen_backend> choose_backend(const reactor_options& options, buffer_pool& pool) {
  if (options.source != nullptr) return open_given(options, pool);
  if (options.backend == io::backend_kind::epoll) return open_epoll(options, pool, "asked for");
  auto uring = open_uring(options, pool);
  if (uring || options.backend == io::backend_kind::uring) return uring;
  return open_epoll(options, pool, describe(uring.error()));
}

}  // namespace myra
