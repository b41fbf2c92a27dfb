# Runs CTest suites and sums them up. Sourced by the verbs.

source "$MYRA_ROOT/tools/dev/build.sh"

suite_reports=()

# run_suite PRESET [CTEST ARGUMENT...]: runs tests of a built preset. What failed is in the report,
# which summarize reads: one failed suite does not keep the next from running.
run_suite() {
  local preset=$1 report code=0 options
  shift
  report=$MYRA_ROOT/build/$preset/reports/ctest-${#suite_reports[@]}.xml
  # Most tests wait most of the time.
  options=(--output-on-failure --no-tests=ignore --parallel "$((2 * $(nproc)))")
  mkdir -p "build/$preset/reports"
  rm -f "$report"
  step "testing preset $preset"
  ctest --test-dir "build/$preset" "${options[@]}" --output-junit "$report" \
    --test-output-size-passed 100000 --test-output-size-failed 400000 "$@" |
    sed -u '/^ *Start *[0-9]*: /d' || code=$?
  suite_reports+=("$code:$report")
}

# Prints what passed, what failed and what was skipped and why. Exit code 1 when something failed.
summarize() { python3 tools/dev/test_summary.py "${suite_reports[@]}"; }

# run_programs PRESET: as run_suite, many tests to a process, where each process is slow to start.
run_programs() {
  local preset=$1 report code=0
  report=$MYRA_ROOT/build/$preset/reports/programs.xml
  mkdir -p "build/$preset/reports"
  rm -f "$report"
  step "testing preset $preset, many tests to a process"
  python3 tools/dev/whole_programs.py "build/$preset" "$report" || code=$?
  suite_reports+=("$code:$report")
  run_suite "$preset" -E / # what is not of GoogleTest has no program before its name
}

# run_whole_suite PRESET [PATTERN]: builds one preset and runs all its tests, or those named so.
run_whole_suite() {
  local preset=$1 pattern=${2-}
  need_packages build test
  build_preset "$preset"
  if [[ $pattern ]]; then
    run_suite "$preset" -R "$pattern"
  else
    run_programs "$preset"
  fi
  summarize
}
