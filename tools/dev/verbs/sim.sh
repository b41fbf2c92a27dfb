# sim --seeds N [--from S] | --seed S [--trace]   Run the transport in simulated worlds.
#
# Every seed is a world of its own: hosts, connections, and everything that can go wrong, on a
# virtual clock. A seed that fails is printed, and made shorter: to the faults that are needed. A kind
# of fault that never struck in 200 seeds or more fails the run.
#
#   ./dev sim --seeds 2000              what ./dev test runs
#   ./dev sim --seeds 1000 --replays 1000   each twice: both have to leave the same trace
#   ./dev sim --seed 17 --trace         every moment of one seed; nothing else on standard output
#   ./dev sim --release --seeds 200000  optimised, without assertions

source "$MYRA_ROOT/tools/dev/build.sh"

preset=dev
if [[ ${1-} == --release ]]; then
  preset=release
  shift
fi
[[ $# -gt 0 ]] || set -- --seeds 2000
need_packages build test
build_preset "$preset" sim_seeds
exec "build/$preset/bin/sim_seeds" "$@"
