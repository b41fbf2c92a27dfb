// The part of a probe that is about how a ring is set up and how it waits.
#pragma once

#include "myra/io/uring/feature_list.hpp"
#include "myra/io/uring/ring.hpp"
#include "myra/io/uring/uring.hpp"

namespace myra::io {

/// Adds a line for each, found by what `on`, opened with `options`, uses, and by trial rings.
void list_ring_features(feature_list& list, const uring_options& options, ring& on);

/// What two rings can send each other here.
struct message_trial {
  bool data = false;
  bool files = false;  ///< Direct descriptors into places that the kernel finds.
};
[[nodiscard]] message_trial try_messages();

}  // namespace myra::io
