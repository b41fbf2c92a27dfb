# vm --kernel 6.1 CMD...   Run a program of the release build on another kernel.
#
# Boots one of Debian's kernels in a virtual machine (QEMU, software emulation: needs no rights and
# no KVM), runs the command in it, brings its output and exit status back, and shows the kernel's
# log when it fails. Kernels are pinned in tools/vm/kernels.txt, fetched and verified through apt,
# and kept in ~/.cache/myra-vm; nothing of them is installed.
#
#   ./dev vm --kernel 6.1 myra probe
#   ./dev vm --kernel 7.3 --user conformance_test --gtest_filter='*echo*'
#   ./dev vm --kernel 5.10 sh -c 'uname -a; exit 3'
#   ./dev vm --kernel 6.12 --help      the options: modules, network cards, memory, time limit
#   ./dev vm matrix                    tests, servers, probe and zero-copy sends on all kernels, as
#                                      root and as an ordinary user; hours on two cores
#   ./dev vm matrix --kernel 6.1 --part cases --as user      a part of it
#   ./dev vm matrix --short            a selection on one old and one new kernel, as in ./dev test
#   ./dev vm document                  write docs/kernels.md from the last whole matrix
#   ./dev vm document A.json B.json    the same from what parts of it printed with --json
#   ./dev vm refresh                   pin the newest kernels that the archives carry

source "$MYRA_ROOT/tools/dev/build.sh"

need_packages build vm
case ${1-} in refresh | document) ;; *) build_preset release ;; esac
exec python3 -B tools/vm/vm.py "$@"
