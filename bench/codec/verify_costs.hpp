// What verifying costs by its parts, in functions that a profiler tells apart by name: what an
// element of varying size adds, and what a limit adds that the program sets itself.
#pragma once

namespace codec_bench {

/// Verifies 100 messages of each kind so many times.
void count_verify_costs(int repeats);

}  // namespace codec_bench
