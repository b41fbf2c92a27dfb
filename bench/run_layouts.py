#!/usr/bin/env python3
"""Measures what several threads cost: how rings are laid over them, and two reactors against one.

Two load generators, one on each processor, drive a server whose threads stay on these processors.
Figures are medians of ratios between runs that alternate, with the smallest and the largest; CPU is
that of all tasks of the server.
"""

import argparse
import os
import signal
import sys

sys.dont_write_bytecode = True

from core import machine, two_threads  # noqa: E402
from core.processes import Absent, Failure, Processes  # noqa: E402
from core.report import Row, print_table  # noqa: E402
from core.subjects import Bench  # noqa: E402

SECTIONS = {
    "layouts": two_threads.layout_rows,
    "reactors": two_threads.reactor_rows,
    "instructions": two_threads.instruction_rows,
    "hand-over": two_threads.hand_over_rows,
}


def parse(argv):
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(
        prog="./dev bench layouts", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7, metavar="N", help="rounds (7)")
    parser.add_argument("--quick", action="store_true", help="short runs: a smoke test")
    parser.add_argument("--only", action="append", choices=SECTIONS, metavar="NAME",
                        help="one section (may be repeated): " + ", ".join(SECTIONS))
    parser.add_argument("--bin", default=os.path.join(root, "build/release/bin"),
                        metavar="DIR", help="where the programs lie (build/release/bin)")
    return parser.parse_args(argv)


def main(argv):
    options = parse(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if (os.cpu_count() or 1) < 2:
        print("bench layouts needs two CPUs.")
        return 1
    machine.enter_own_network()
    about = machine.description()
    print(f"{about['cpus']} x {about['cpu']}, Linux {about['kernel']}, "
          f"load average {about['load_average']:.2f}")
    rows = []
    with Processes() as processes:
        bench = Bench(options.bin, processes, machine.Quiet(3.0), lambda _: None, options.pairs,
                      options.quick)
        for name in options.only or SECTIONS:
            try:
                rows += SECTIONS[name](bench)
            except Absent as why:
                rows.append(Row(name, name, absent=str(why)))
            except Failure as why:
                rows.append(Row(name, name, failed=str(why)))
    print_table(rows, sys.stdout)
    return 1 if any(row.failed for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
