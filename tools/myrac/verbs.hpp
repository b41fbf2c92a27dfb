// The verbs of `myrac`: each takes its command line from the verb on and returns the exit status.
//
// 0: it did what was asked. 1: the schema, the ledger or the bytes are wrong, or --check found a
// difference; standard error says where and what would be right. 2: it could not begin.
#pragma once

namespace myra::compiler {

int run_generate(int argc, const char* const* argv);
int run_validate(int argc, const char* const* argv);
int run_diff(int argc, const char* const* argv);
int run_lock(int argc, const char* const* argv);
int run_json(int argc, const char* const* argv);
int run_dump(int argc, const char* const* argv);
int run_random(int argc, const char* const* argv);

}  // namespace myra::compiler
