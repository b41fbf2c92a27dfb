# coverage              Run all tests with coverage; lines and branches of src/myra, by folder.
#
# The row "core to transport" is of core, memory, io, reactor, transport and framing together.
# The page with every line is build/coverage/html/index.html afterwards.

source "$MYRA_ROOT/tools/dev/suite.sh"

readonly LLVM=/usr/lib/llvm-19/bin
readonly OUT=$MYRA_ROOT/build/coverage/profiles

need_packages build test clang
build_preset coverage
rm -rf "$OUT" && mkdir -p "$OUT"
export MYRA_INSTRUMENTED="counters of coverage"
export LLVM_PROFILE_FILE=$OUT/%4m.profraw # four files a program, merged as its processes end
run_programs coverage
tests_passed=true
summarize || tests_passed=false

"$LLVM/llvm-profdata" merge -sparse "$OUT"/*.profraw -o "$OUT/all.profdata"
mapfile -t programs < <(find build/coverage/bin -type f -executable | sort)
objects=("${programs[0]}" "${programs[@]/#/-object=}")
ignored='-ignore-filename-regex=(_test\.[ch]pp$|/(tests|tools|examples|fuzz|bench)/|^/usr/)'
"$LLVM/llvm-cov" export "${objects[@]}" -instr-profile="$OUT/all.profdata" "$ignored" \
  -summary-only >"$OUT/summary.json"
"$LLVM/llvm-cov" show "${objects[@]}" -instr-profile="$OUT/all.profdata" "$ignored" \
  -format=html -show-branches=count -output-dir=build/coverage/html >/dev/null
python3 tools/dev/coverage_table.py "$OUT/summary.json" "$MYRA_ROOT/src/myra"
$tests_passed
