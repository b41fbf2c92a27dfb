#!/usr/bin/env python3
"""Measures Myra's engine against the baselines and prints each figure beside the one to reach.

Servers run on CPU 0 and the load on CPU 1 (same-core rows: both on CPU 0). Figures are medians of
ratios between runs that alternate, with the smallest and the largest; CPU is that of all tasks of
the server. Counting kernel entries, raising priorities and a network of its own need root.
"""

import argparse
import json
import os
import signal
import sys
import time

sys.dont_write_bytecode = True

from core import echo_rows, machine, traffic_rows  # noqa: E402
from core.processes import Absent, Failure, Processes  # noqa: E402
from core.report import Row, as_json, print_table  # noqa: E402
from core.subjects import Bench  # noqa: E402

SECTIONS = {
    "echo": echo_rows.echo_rows,
    "ping-pong": echo_rows.ping_pong_rows,
    "entries": echo_rows.entry_rows,
    "instructions": echo_rows.instruction_rows,
    "allocations": echo_rows.allocation_rows,
    "idle": echo_rows.idle_rows,
    "key-value": traffic_rows.key_value_rows,
    "proxy": traffic_rows.proxy_rows,
}


def parse(argv):
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(
        prog="./dev bench core", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, metavar="N", help="rounds of each comparison (7)")
    parser.add_argument("--quick", action="store_true", help="short runs, 3 rounds: a smoke test")
    parser.add_argument("--json", metavar="FILE", help="write all figures there as well")
    parser.add_argument("--only", action="append", choices=SECTIONS, metavar="NAME",
                        help="one section (may be repeated): " + ", ".join(SECTIONS))
    parser.add_argument("--strict", action="store_true", help="a missed figure is a failure")
    parser.add_argument("--bin", default=os.path.join(root, "build/release/bin"),
                        metavar="DIR", help="where the programs lie (build/release/bin)")
    options = parser.parse_args(argv)
    if options.pairs is None:
        options.pairs = 3 if options.quick else 7
    if options.pairs < 1:
        parser.error("--pairs must be at least 1")
    return options


def progress_line():
    """Shows what is being measured, on one line of a terminal; nowhere else."""
    if not sys.stderr.isatty():
        return lambda text: None
    began = time.monotonic()

    def show(text):
        sys.stderr.write(f"\r\033[K{time.monotonic() - began:5.0f} s  {text}"[:110])
        sys.stderr.flush()

    return show


def measure(options, progress, quiet):
    rows = []
    with Processes() as processes:
        bench = Bench(options.bin, processes, quiet, progress, options.pairs, options.quick)
        for name in options.only or SECTIONS:
            try:
                rows += SECTIONS[name](bench)
            except Absent as why:
                rows.append(Row(name, name, absent=str(why)))
            except Failure as why:
                rows.append(Row(name, name, failed=str(why)))
    progress("")
    return rows


def conclude(rows, strict):
    """Prints what is to be said about the whole, and returns the exit code."""
    of = {verdict: [row for row in rows if row.verdict == verdict]
          for verdict in ("OK", "MISSED", "FAILED", "NOT RUN")}
    print("\n" + ", ".join(f"{len(found)} {verdict}" for verdict, found in of.items()))
    shut = [row for row in rows if row.gate and row.verdict != "OK"]
    for row in shut:
        print(f"The baseline does not count in this run: {row.name} "
              f"{row.absent or row.failed or f'is {row.value:.3f}'}, needed {row.at_least}.")
    missed = [row for row in of["MISSED"] if not row.gate]
    return 1 if shut or of["FAILED"] or of["NOT RUN"] or (strict and missed) else 0


def main(argv):
    options = parse(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if (os.cpu_count() or 1) < 2:
        print("bench core needs two CPUs, one for the server and one for the load.")
        return 1
    shared = machine.enter_own_network()
    about = machine.description()
    print(f"{about['cpus']} x {about['cpu']}{' (virtual)' if about['virtual'] else ''}, "
          f"{about['memory']}, Linux {about['kernel']}, {about['congestion_control']}, "
          f"load average {about['load_average']:.2f}")
    if shared:
        print(f"Measured in the system's network: {shared}. The load generator may cost more than "
              "the servers there.")
    quiet = machine.Quiet(0.5 if options.quick else 3.0)
    try:
        rows = measure(options, progress_line(), quiet)
    except KeyboardInterrupt:
        return 130
    print(f"{options.pairs} rounds; {quiet.in_vain} of {quiet.waits} runs began while the machine "
          "was busy with something else\n")
    print_table(rows, sys.stdout)
    code = conclude(rows, options.strict)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump({"machine": about, "pairs": options.pairs, "quick": options.quick,
                       "busy_runs": quiet.in_vain, "runs": quiet.waits, "rows": as_json(rows)},
                      out, indent=1)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
