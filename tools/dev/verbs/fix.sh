# fix                   Format every source in place.

source "$MYRA_ROOT/tools/dev/packages.sh"
source "$MYRA_ROOT/tools/dev/sources.sh"

[[ $# -eq 0 ]] || usage_error "fix takes no arguments"
need_packages check
sources | xargs -d '\n' clang-format-19 -i
