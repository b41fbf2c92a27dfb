# vm --kernel 6.1 COMMAND...   Run a program of the release build on another kernel.
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
#   ./dev vm refresh                   pin the newest kernels that the archives carry

source "$MYRA_ROOT/tools/dev/build.sh"

need_packages build vm
[[ ${1-} == refresh ]] || build_preset release
exec python3 -B tools/vm/vm.py "$@"
