# fuzz [NAME...] [--minutes N]   Fuzz parsers (all of fuzz/, one minute each, when none is named).
#
# Builds with libFuzzer, AddressSanitizer and UBSan. New inputs gather in build/fuzz/corpus/NAME;
# the committed ones in fuzz/corpus/NAME are read as well. An input that breaks the parser is
# written to build/fuzz/findings and its path printed: copy it to fuzz/corpus/NAME with the fix.
#
#   ./dev fuzz resp_parser --minutes 10
#   ./dev fuzz --replay         run the committed inputs once, without Clang; ./dev test does so too

source "$MYRA_ROOT/tools/dev/suite.sh"

fuzzer_names() {
  find fuzz -maxdepth 1 -name '*.cpp' ! -name replay_main.cpp -printf '%f\n' |
    sed 's/\.cpp$//' | sort
}

fuzz_one() {
  local name=$1 minutes=$2 corpus=build/fuzz/corpus/$1 findings=build/fuzz/findings seeds=()
  [[ -d fuzz/corpus/$name ]] && seeds=("fuzz/corpus/$name")
  mkdir -p "$corpus" "$findings"
  step "fuzzing $name for $minutes min"
  "build/fuzz/bin/fuzz_$name" -max_total_time=$((minutes * 60)) -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$findings/$name-" "$corpus" "${seeds[@]}"
}

replay=false minutes=1 names=()
while (($# > 0)); do
  case $1 in
    --replay) replay=true ;;
    --minutes)
      [[ ${2-} =~ ^[1-9][0-9]{0,3}$ ]] ||
        usage_error "--minutes wants a whole number from 1 to 9999, found '${2-}'"
      minutes=$2 && shift
      ;;
    -*) usage_error "fuzz knows --minutes N and --replay, found '$1'" ;;
    *) names+=("$1") ;;
  esac
  shift
done

mapfile -t known < <(fuzzer_names)
for name in "${names[@]}"; do
  [[ " ${known[*]} " == *" $name "* ]] ||
    usage_error "there is no fuzzer '$name'. Fuzzers: ${known[*]}."
done
((${#names[@]} > 0)) || names=("${known[@]}")

if $replay; then
  build_preset dev "${names[@]/#/fuzz_}"
  run_suite dev -L fuzz
  summarize
  exit
fi
build_preset fuzz "${names[@]/#/fuzz_}"
for name in "${names[@]}"; do
  fuzz_one "$name" "$minutes"
done
