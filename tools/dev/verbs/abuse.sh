# abuse [WORD...]       What abuse costs well-behaved clients: a table, a row a kind of abuse.
#
# Never-readers, tricklers, floods, storms, shortages of descriptors, buffers and memory, killed and stopped
# peers; beside each the p99 and the processor time of a client that behaves, in pairs with the same
# client alone. Exit code 1 when one is beyond its bound. Wants a quiet machine and root.
#
#   ./dev abuse
#   ./dev abuse links           a link that is down for 1, 10 and 60 s, loses, is slow; behaviour, no figures
#   ./dev abuse never-readers storm --backend epoll --pairs 3 --json abuse.json

source "$MYRA_ROOT/tools/dev/build.sh"

need_packages build test bench
build_preset release myra myra-load deny
bin=$MYRA_ROOT/build/release/bin
export MYRA=$bin/myra LOAD=$bin/myra-load DENY=$bin/deny PYTHONDONTWRITEBYTECODE=1
if [[ ${1-} == links ]]; then
  code=0
  for backend in uring epoll; do
    BACKEND=$backend LINK_SECONDS="1 10 60" python3 tests/e2e/links_test.py || code=1
  done
  exit "$code"
fi
exec python3 tests/abuse/abuse.py "$@"
