# build [PRESET...]     Build without running (preset release when none is named).
#
# Presets: dev, release, asan, tsan, fuzz, coverage. Programs lie in build/PRESET/bin.
#
#   ./dev build                 build/release/bin/myra and everything else
#   ./dev build dev asan        two presets, one after the other

source "$MYRA_ROOT/tools/dev/build.sh"

[[ $# -gt 0 ]] || set -- release
for preset in "$@"; do
  need_preset "$preset"
done
for preset in "$@"; do
  build_preset "$preset"
done
