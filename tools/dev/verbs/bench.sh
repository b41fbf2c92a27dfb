# bench [SUITE...]      Measure Myra, bare loops and other libraries; all scenarios when no suite is named.
#
#   ./dev bench --quick                         under 3 minutes, without conclusions
#   ./dev bench --json new.json --html new.html table, all figures, and a page with plots
#   ./dev bench --list                          scenarios, subjects and features
#   ./dev bench compare old.json new.json       what changed beyond noise; 1 when something is worse
#   ./dev bench core                            the engine's figures beside those to reach
#   ./dev bench core --help                     what a suite can be told

source "$MYRA_ROOT/tools/dev/build.sh"

suites() {
  find bench -maxdepth 1 -name 'run_*.py' -printf '%f\n' | sed 's/^run_//; s/\.py$//' | sort
}

suite=suite
if [[ $# -gt 0 && $1 != -* ]]; then
  suite=$1
  shift
fi
[[ $suite != compare ]] || exec python3 bench/compare.py "$@"
[[ $suite != */* && -r bench/run_$suite.py ]] ||
  usage_error "there is no bench suite '$suite'. Suites: $(suites | xargs); and: compare."
need_packages build bench
build_preset release
exec python3 "bench/run_$suite.py" "$@"
