"""What the runs of sections have in common: their options, what they show while they go on, and what
they say at the end."""

import argparse
import json
import os
import signal
import sys
import time

from core import machine
from core.processes import Absent, Failure, Processes
from core.report import Row, as_json, print_table
from core.subjects import Bench

BINARIES = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                        "build/release/bin")


def parse(argv, program, about, sections):
    parser = argparse.ArgumentParser(
        prog=program, description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, metavar="N", help="rounds of each comparison (7)")
    parser.add_argument("--quick", action="store_true", help="short runs, 3 rounds: a smoke test")
    parser.add_argument("--json", metavar="FILE", help="write all figures there as well")
    parser.add_argument("--only", action="append", choices=sections, metavar="NAME",
                        help="one section (may be repeated): " + ", ".join(sections))
    parser.add_argument("--strict", action="store_true", help="a missed figure is a failure")
    parser.add_argument("--bin", default=BINARIES,
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
        line = f"{time.monotonic() - began:5.0f} s  {text}"[:100] if text else ""
        sys.stderr.write(f"\r\033[K{line}")
        sys.stderr.flush()

    return show


def measure(options, sections, progress, quiet):
    rows = []
    with Processes() as processes:
        bench = Bench(options.bin, processes, quiet, progress, options.pairs, options.quick)
        for name in options.only or sections:
            try:
                rows += sections[name](bench)
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


def run_sections(argv, program, about, sections):
    """The whole of such a run; its exit code. `sections` are rows by name."""
    options = parse(argv, program, about, sections)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if (os.cpu_count() or 1) < 2:
        print(f"{program} needs two CPUs, one for the server and one for the load.")
        return 1
    shared = machine.enter_own_network()
    found = machine.description()
    machine.tell(found, shared)
    quiet = machine.Quiet(0.5 if options.quick else 3.0)
    try:
        rows = measure(options, sections, progress_line(), quiet)
    except KeyboardInterrupt:
        return 130
    print(f"{options.pairs} rounds; {quiet.in_vain} of {quiet.waits} runs began while the machine "
          "was busy with something else\n")
    print_table(rows, sys.stdout)
    code = conclude(rows, options.strict)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump({"machine": found, "pairs": options.pairs, "quick": options.quick,
                       "busy_runs": quiet.in_vain, "runs": quiet.waits, "rows": as_json(rows)},
                      out, indent=1)
    return code
