// What the kernel under us can do, asked without opening a reactor.
#pragma once

#include "myra/io/capabilities.hpp"
#include "myra/reactor/options.hpp"

namespace myra {

/// What io_uring can do here, and which features a reactor opened with `options` would use or
/// leave, and why. The backend that it would choose is io_uring when `uring` is set (unless
/// `options` ask for epoll), else epoll.
[[nodiscard]] io::capabilities probe(const reactor_options& options);

}  // namespace myra
