# soak [--minutes N]    Churn against an echo server; at the end nothing may be left of it.
#
# 500 connections a second that end by a close, a half-close, a reset or with bytes unread, clients that
# are killed, every byte verified. Prints a table; exit code 1 when descriptors, buffers or
# connections are left, a byte was wrong, or memory grows.
#
#   ./dev soak --minutes 30
#   ./dev soak --minutes 30 --backend epoll --rate 800 --json soak.json
#   ./dev soak --help-all              all options

source "$MYRA_ROOT/tools/dev/build.sh"

[[ ${1-} != --help-all ]] || exec python3 tests/soak/soak.py --help
need_packages build test
build_preset release myra soak-client
export MYRA=$MYRA_ROOT/build/release/bin/myra SOAK_CLIENT=$MYRA_ROOT/build/release/bin/soak-client
export PYTHONDONTWRITEBYTECODE=1
exec python3 tests/soak/soak.py "$@"
