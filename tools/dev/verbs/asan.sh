# asan [PATTERN]        All tests under AddressSanitizer, LeakSanitizer and UBSan.
#
#   ./dev asan
#   ./dev asan transport        only the tests whose name has "transport" in it

source "$MYRA_ROOT/tools/dev/suite.sh"

# A process is several times as slow, and four of them share the processors.
export MYRA_TIME_FACTOR=${MYRA_TIME_FACTOR:-4}
export MYRA_INSTRUMENTED=AddressSanitizer
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1
run_whole_suite asan "$@"
