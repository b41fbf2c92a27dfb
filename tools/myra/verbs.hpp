// The verbs of `myra`: each takes its command line from the verb on and returns the exit status.
//
// 0: it did what was asked. 1: it ran, and something went wrong. 2: it could not begin (a bad
// option, an address that cannot be bound); one line on standard error says why and what to do.
#pragma once

namespace myra::tool {

int run_probe(int argc, const char* const* argv);
int run_echo(int argc, const char* const* argv);
int run_proxy(int argc, const char* const* argv);
int run_bench(int argc, const char* const* argv);

}  // namespace myra::tool
