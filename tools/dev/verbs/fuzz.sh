# fuzz [NAME...] [--minutes N]   Fuzz parsers (all of fuzz/, one minute each, when none is named).
#
# Builds with libFuzzer, AddressSanitizer and UBSan. New inputs gather in build/fuzz/corpus/NAME;
# the committed ones in fuzz/corpus/NAME are read as well. An input that breaks the parser is
# written to build/fuzz/findings and its path printed: copy it to fuzz/corpus/NAME with the fix.
# At the end a table: executions, their rate, findings, and what of the parser all inputs reach: at
# least 95 % of its regions, without those that fuzz/out_of_reach.txt says no input can reach.
#
#   ./dev fuzz resp_parser --minutes 10
#   ./dev fuzz --all --minutes 10   one after the other, ten minutes each, as all that are named
#   ./dev fuzz endpoint --executions 100000000     the long form, below
#   ./dev fuzz schema --coverage    no fuzzing: only what the inputs reach
#   ./dev fuzz schema --unreached   the same, and each line and condition that they do not
#   ./dev fuzz schema --minimise    only the inputs that reach something, small ones first, to fuzz/corpus
#   ./dev fuzz --replay             run the committed inputs once, without Clang; ./dev test does so too
#
# The long form goes on until there have been so many executions, by programs without sanitizers, which are
# several times as fast; each minute what there is of inputs is run by those with sanitizers as well.
#
# --workers N: processes at a time (2). --json FILE: what the table says, for programs.

source "$MYRA_ROOT/tools/dev/suite.sh"

fuzzer_names() {
  find fuzz -maxdepth 1 -name '*.cpp' ! -name replay_main.cpp -printf '%f\n' |
    sed 's/\.cpp$//' | sort
}

# Merges what was found here into the committed inputs, and keeps of both what is needed to come by every
# edge once. Inputs with a name of their own stay: each is there for something that was wrong.
minimise() {
  local name=$1 merged=build/fuzz/merged/$1 found=build/fuzz/corpus/$1
  rm -rf "$merged" && mkdir -p "$merged" "$found" "fuzz/corpus/$name"
  find "fuzz/corpus/$name" -type f -regextype egrep ! -regex '.*/[0-9a-f]{40}' -exec cp -t "$merged" {} +
  "build/fuzz/bin/fuzz_$name" -set_cover_merge=1 -use_counters=0 "$merged" "fuzz/corpus/$name" "$found" \
    >"build/fuzz/merge-$name.log" 2>&1 || { tail -5 "build/fuzz/merge-$name.log" >&2; return 1; }
  rm -rf "fuzz/corpus/$name" && mv "$merged" "fuzz/corpus/$name"
  echo "$name: $(find "fuzz/corpus/$name" -type f | wc -l) inputs"
}

wants_number() {
  [[ $2 =~ ^[1-9][0-9]{0,$(($3 - 1))}$ ]] || usage_error "$1 wants a whole number of 1 to $3 digits, found '$2'"
}

action=both minutes=1 names=() all=false long=false options=()
while (($# > 0)); do
  case $1 in
    --replay | --coverage | --minimise) action=${1#--} ;;
    --unreached) action=coverage options+=(--unreached) ;;
    --all) all=true ;;
    --minutes) wants_number --minutes "${2-}" 4 && minutes=$2 && shift ;;
    --executions) wants_number --executions "${2-}" 12 && long=true options+=(--executions "$2") && shift ;;
    --workers) wants_number --workers "${2-}" 4 && options+=(--workers "$2") && shift ;;
    --json)
      [[ -n ${2-} ]] || usage_error "--json wants a file's name"
      options+=(--json "$2") && shift
      ;;
    -*)
      usage_error "fuzz knows --all, --minutes N, --executions N, --workers N, --coverage, --unreached," \
        "--json FILE, --minimise and --replay, found '$1'"
      ;;
    *) names+=("$1") ;;
  esac
  shift
done

mapfile -t known < <(fuzzer_names)
for name in "${names[@]}"; do
  [[ " ${known[*]} " == *" $name "* ]] ||
    usage_error "there is no fuzzer '$name'. Fuzzers: ${known[*]}."
done
if $all && ((${#names[@]} > 0)); then
  usage_error "--all and '${names[0]}' are one too many"
fi
((${#names[@]} > 0)) || names=("${known[@]}")

if [[ $action == replay ]]; then
  build_preset dev "${names[@]/#/fuzz_}"
  either="${names[*]}"
  run_suite dev -R "^fuzz_replay_(${either// /|})\$"
  summarize
  exit
fi
[[ $action == coverage ]] || build_preset fuzz "${names[@]/#/fuzz_}"
if [[ $action == minimise ]]; then
  for name in "${names[@]}"; do minimise "$name"; done
  exit
fi
! $long || build_preset fuzz_fast "${names[@]/#/fuzz_}"
build_preset coverage "${names[@]/#/fuzz_}"
exec python3 tools/dev/fuzz.py "$action" "${names[@]}" --minutes "$minutes" "${options[@]}"
