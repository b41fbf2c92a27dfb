# run [--serve]         Show the key-value server on io_uring, on epoll, and beside redis-server.
#
# Prints what io_uring can do here, drives the server with redis-benchmark on each backend and
# Debian's redis-server for reference, and prints one table.
#
#   ./dev run
#   ./dev run --serve           leaves the server up, for redis-cli

source "$MYRA_ROOT/tools/dev/build.sh"

need_packages build run
build_preset release myra myra-kv
exec python3 tools/dev/run_demo.py "$@"
