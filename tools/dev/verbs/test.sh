# test [PATTERN]        Build, and run every test.
#
# Unit, conformance and fuzz-replay tests run on the preset dev, where assertions are on; the tests
# with real traffic (label e2e) on the preset release, which is what users run. Ends with the count
# of what passed, failed and was skipped, and the reason of each skip. Exit code 1 on any failure.
#
#   ./dev test
#   ./dev test framing          only the tests whose name has "framing" in it

source "$MYRA_ROOT/tools/dev/suite.sh"

[[ $# -le 1 ]] || usage_error "test takes at most one pattern"
pattern=${1-}
need_packages build test vm
build_preset dev
run_suite dev -LE e2e ${pattern:+-R "$pattern"}
build_preset release myra_programs
run_suite release -L e2e ${pattern:+-R "$pattern"}
summarize
