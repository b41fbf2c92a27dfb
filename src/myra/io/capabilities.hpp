// What the kernel under us can do, what of it is in use, and why not the rest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace myra::io {

/// `sim`: a simulated machine; never chosen, only given (reactor_options::source).
enum class backend_kind { automatic, uring, epoll, sim };

[[nodiscard]] constexpr const char* name_of(backend_kind kind) noexcept {
  switch (kind) {
    case backend_kind::automatic: return "auto";
    case backend_kind::uring: return "uring";
    case backend_kind::epoll: return "epoll";
    case backend_kind::sim: return "sim";
  }
  return "?";
}

enum class feature_state { used, available, absent };

struct feature {
  std::string name;
  feature_state state = feature_state::absent;
  std::string why;  ///< One sentence: what it is used for, or why it is not.
};

/// One line of `myra probe` a feature.
struct capabilities {
  std::string kernel;                ///< uname(2), release.
  bool uring = false;                ///< io_uring can carry the transport here.
  std::string why;                   ///< Why it cannot, or on which flags it runs.
  std::uint32_t ring_features = 0;   ///< As io_uring_setup(2) tells them; zero without io_uring.
  std::uint32_t last_operation = 0;  ///< As io_uring_get_probe(3) tells it; zero likewise.
  std::vector<feature> features;
};

}  // namespace myra::io
