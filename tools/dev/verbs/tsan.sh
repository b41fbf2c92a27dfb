# tsan [PATTERN]        All tests under ThreadSanitizer.
#
#   ./dev tsan
#   ./dev tsan inbox            only the tests whose name has "inbox" in it

source "$MYRA_ROOT/tools/dev/suite.sh"

# A process is several times as slow, and four of them share the processors.
export MYRA_TIME_FACTOR=${MYRA_TIME_FACTOR:-4}
export MYRA_INSTRUMENTED=ThreadSanitizer
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
run_whole_suite tsan "$@"
