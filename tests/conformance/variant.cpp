#include "variant.hpp"

#include <cstdlib>

namespace myra::conformance {
namespace {

variant on(io::backend_kind backend, std::string name) {
  variant made;
  made.name = std::move(name);
  made.options.backend = backend;
  return made;
}

variant without(bool io::feature_switches::*feature, const char* name) {
  variant made = on(io::backend_kind::uring, std::string("uring_without_") + name);
  made.options.features.*feature = false;
  return made;
}

}  // namespace

std::vector<variant> variants() {
  const char* forced = std::getenv("MYRA_CONFORMANCE_BACKEND");
  if (forced != nullptr && std::string_view(forced) == "automatic")
    return {on(io::backend_kind::automatic, "automatic")};
  using features = io::feature_switches;
  return {on(io::backend_kind::uring, "uring"),
          on(io::backend_kind::epoll, "epoll"),
          without(&features::multishot_accept, "multishot_accept"),
          without(&features::multishot_receive, "multishot_receive"),
          without(&features::silent_sends, "silent_sends"),
          without(&features::registered_ring, "registered_ring"),
          without(&features::deferred_task_run, "deferred_task_run")};
}

}  // namespace myra::conformance
