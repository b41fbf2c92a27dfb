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
  return io::probe_uring(uring_options_of(options), **pool);
}

}  // namespace myra
