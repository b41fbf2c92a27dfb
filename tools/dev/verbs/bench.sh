# bench [SUITE...]      Measure against the baselines (suite core when none is named).
#
#   ./dev bench core            prints each figure beside the one to reach
#   ./dev bench core --help     what the suite can be told

source "$MYRA_ROOT/tools/dev/build.sh"

suites() {
  find bench -maxdepth 1 -name 'run_*.py' -printf '%f\n' | sed 's/^run_//; s/\.py$//' | sort
}

suite=${1:-core}
shift || true
[[ $suite != */* && -r bench/run_$suite.py ]] ||
  usage_error "there is no bench suite '$suite'. Suites: $(suites | xargs)."
need_packages build bench
build_preset release
exec python3 "bench/run_$suite.py" "$@"
