# build_preset PRESET [NINJA ARGUMENT OR TARGET...]: configures when needed and builds. Sourced by
# the verbs.

source "$MYRA_ROOT/tools/dev/packages.sh"

# On a terminal ninja shows its progress in one line; elsewhere only what goes wrong is printed.
ninja_options=()
[[ -t 2 ]] || ninja_options=(--quiet)

PRESETS=(dev release asan tsan writes fuzz fuzz_fast coverage)

need_preset() {
  local preset
  for preset in "${PRESETS[@]}"; do
    [[ $preset == "$1" ]] && return
  done
  usage_error "there is no preset '$1'. Presets: ${PRESETS[*]}."
}

package_groups_of_preset() {
  case $1 in
    dev | release) echo build ;;
    *) echo build clang ;;
  esac
}

# Whether a preset is configured, after the last change of all that Ninja does not know of: the
# presets and the installed packages. When a CMakeLists.txt changed, Ninja runs CMake by itself.
is_configured() {
  local stamp=build/$1/.configured input
  for input in CMakePresets.json build/.packages-*; do
    [[ $stamp -nt $input ]] || return
  done
}

configure_preset() {
  local preset=$1 log=build/$1.configure.log
  if is_configured "$preset"; then
    return
  fi
  step "configuring preset $preset"
  if ! cmake --preset "$preset" >"$log" 2>&1; then
    cat "$log" >&2
    return 1
  fi
  touch "build/$preset/.configured"
}

build_preset() {
  local preset=$1
  shift
  need_preset "$preset"
  # shellcheck disable=SC2046  # a list of words
  need_packages $(package_groups_of_preset "$preset") || return
  tools/dev/deps.sh || return
  (
    # Two builds of one preset at a time would write the same files.
    flock 9
    configure_preset "$preset" || exit
    step "building preset $preset"
    ninja -C "build/$preset" -j "$(nproc)" "${ninja_options[@]}" "$@" >&2
  ) 9>"build/.lock-$preset"
}
