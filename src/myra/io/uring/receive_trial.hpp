// One trial of the self-test: whether what is sent over two connections is what is received.
#pragma once

#include <string>

#include "myra/io/uring/self_test.hpp"

namespace myra::io {

/// Streams a pattern through a small ring of its own with `on_trial` in place of the features of
/// `options`. What went wrong, in words; empty when nothing did, or when there is nothing to try it
/// with.
[[nodiscard]] std::string run_receive_trial(const uring_options& options,
                                            const feature_switches& on_trial,
                                            const trial_wire& wire);

}  // namespace myra::io
