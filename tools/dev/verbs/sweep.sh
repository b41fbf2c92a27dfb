# sweep [--every N] [NAME...] | --kernel [--every N]   Fail each operation with each errno.
#
# In simulated worlds: for each scenario (all, or those named), each operation that could go on, each
# of 14 errnos, once and for ever; and each allocation of a server under traffic. On the real kernel:
# each system call of an echo server, on both backends, by strace. Each run has to end by its deadline, in success or in an error that is told, with
# nothing left over. Prints what was run, and for a run that is wrong how to see it again.
#
#   ./dev sweep                            all scenarios: minutes
#   ./dev sweep --every 10 zero_copy       each tenth operation of one of them
#   ./dev sweep zero_copy --at 17 --error 104 --for-ever    one run
#   ./dev sweep --kernel                   each system call: minutes

source "$MYRA_ROOT/tools/dev/build.sh"

need_packages build test
if [[ ${1-} == --kernel ]]; then
  shift
  command -v strace >/dev/null || install_packages strace
  build_preset release myra
  code=0
  for backend in epoll uring; do
    python3 tests/e2e/system_call_sweep.py build/release/bin/myra --backend "$backend" "$@" || code=1
  done
  exit "$code"
fi
build_preset release sim_sweep allocation_sweep
build/release/bin/sim_sweep "$@"
(($# > 0)) || build/release/bin/allocation_sweep
