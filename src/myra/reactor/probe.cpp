#include "myra/reactor/probe.hpp"

#include "myra/reactor/choose_backend.hpp"

namespace myra {

io::capabilities probe(const reactor_options& options) {
  auto pool = buffer_pool::open(options.pool);
  if (!pool) {
    io::capabilities none;
    none.why = "no memory for the buffer pool: " + pool.error().message();
    return none;
  }
  const auto large_pool = open_large_pool(options);
  io::uring_options wanted = uring_options_of(options);
  if (large_pool) wanted.large_pool = large_pool->get();
  return io::probe_uring(wanted, **pool);
}

}  // namespace myra
