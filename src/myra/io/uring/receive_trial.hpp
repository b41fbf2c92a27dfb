// One trial of the self-test: whether what is sent over two connections is what is received.
#pragma once

#include <cstdint>
#include <string>

#include "myra/io/uring/self_test.hpp"

namespace myra::io {

enum class trial_outcome : std::uint8_t {
  right,
  wrong,
  untried,  ///< For want of descriptors or memory: another time it may be told.
};

struct receive_trial {
  trial_outcome outcome = trial_outcome::right;
  std::string why;  ///< What went wrong, or what there was too little of, in words.
  bool memory_short = false;
};

/// Streams a pattern through a small ring of its own with `on_trial` in place of the features of
/// `options`.
[[nodiscard]] receive_trial run_receive_trial(const uring_options& options,
                                              const feature_switches& on_trial,
                                              const trial_wire& wire);

}  // namespace myra::io
