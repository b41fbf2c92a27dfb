# check [STEP...]       Everything CI checks beside the tests.
#
# Steps: format, layers, copies, scripts, headers, tidy, consumers; all of them when none is named.
# One more runs only when named, as it takes as long as all the others: tidy_rest, which is clang-tidy
# for tests, benchmarks and fuzzers. Every step runs, and the exit code is 1 when one failed.
# ./dev fix repairs what format complains of.
#
#   ./dev check
#   ./dev check format layers

source "$MYRA_ROOT/tools/dev/build.sh"
source "$MYRA_ROOT/tools/dev/sources.sh"

check_format() {
  local path unformatted=0
  while IFS= read -r path; do
    clang-format-19 "$path" | cmp -s - "$path" && continue
    printf '%s: not formatted; ./dev fix does it\n' "$path"
    unformatted=$((unformatted + 1))
  done < <(sources)
  ((unformatted == 0))
}

check_layers() { python3 tools/check_layers.py; }

# Payload is copied by one function, which counts.
check_copies() { python3 tools/check_copies.py; }

# The scripts that judge the others are tested themselves.
check_scripts() {
  local path
  for path in tools/*_test.py tools/dev/*_test.py tools/vm/*_test.py tests/abuse/*_test.py \
    bench/core/*_test.py bench/suite/*_test.py; do
    python3 "$path" --quiet || return
  done
}

# Every header of src/ compiles alone.
check_headers() { build_preset dev -k 0 header_check; }

run_tidy() {
  need_packages build && tools/dev/deps.sh && configure_preset dev &&
    python3 tools/dev/tidy.py build/dev "$(nproc)" "$1"
}

check_tidy() { run_tidy shipped; }
check_tidy_rest() { run_tidy rest; }

# build_consumer NAME CMAKE_ARGUMENT...: configures, builds and runs tests/consumer/NAME.
build_consumer() {
  local name=$1 folder=build/consumer/$1
  shift
  rm -rf "$folder" || return
  cmake -S "tests/consumer/$name" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release "$@" \
    >"$folder.log" 2>&1 || { cat "$folder.log" >&2 && return 1; }
  ninja -C "$folder" -j "$(nproc)" "${ninja_options[@]}" && "$folder/consumer"
}

# What a user of the installed package, and of the source tree, gets.
check_consumers() {
  local prefix=$MYRA_ROOT/build/consumer/prefix
  build_preset release myra_programs || return
  rm -rf "$prefix" && mkdir -p build/consumer &&
    cmake --install build/release --prefix "$prefix" >build/consumer/install.log || return
  build_consumer find_package "-DCMAKE_PREFIX_PATH=$prefix" && build_consumer add_subdirectory &&
    build_consumer generate "-DCMAKE_PREFIX_PATH=$prefix"
}

readonly STEPS=(format layers copies scripts headers tidy consumers)
for name in "$@"; do
  [[ " ${STEPS[*]} tidy_rest " == *" $name "* ]] ||
    usage_error "check has no step '$name'. Steps: ${STEPS[*]} tidy_rest."
done
[[ $# -gt 0 ]] || set -- "${STEPS[@]}"

need_packages check
failed=()
for name in "$@"; do
  step "check $name"
  "check_$name" || failed+=("$name")
done
if ((${#failed[@]} > 0)); then
  step "failed: ${failed[*]}"
  exit 1
fi
step "all checks passed: $*"
