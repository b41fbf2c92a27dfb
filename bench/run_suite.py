#!/usr/bin/env python3
"""Measures Myra, bare epoll and io_uring loops and other libraries under loads of every shape.

Servers run on CPU 0 and the load on CPU 1, unless a scenario says otherwise. What is compared runs
in turn, round after round; ratios are between runs of one round. CPU is that of all tasks of the
server. Counting kernel entries, raising priorities and a network of its own need root.
"""

import argparse
import datetime
import os
import signal
import sys
import time

sys.dont_write_bytecode = True

from core import machine  # noqa: E402
from core.frame import progress_line  # noqa: E402
from core.processes import Absent, Failure, Processes  # noqa: E402
from suite.engine import run_scenario  # noqa: E402
from suite.page import write_page  # noqa: E402
from suite.results import Results, save  # noqa: E402
from suite.scenarios import all_scenarios  # noqa: E402
from suite.stand import Stand  # noqa: E402
from suite.table import print_scenario  # noqa: E402


def parse(argv, folder):
    parser = argparse.ArgumentParser(
        prog=os.environ.get("MYRA_BENCH_PROGRAM", "./dev bench"), description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true",
                        help="short runs, 2 rounds, under 3 minutes: a smoke test")
    parser.add_argument("--pairs", type=int, metavar="N", help="rounds of each scenario (11)")
    parser.add_argument("--milliseconds", type=int, metavar="N", help="of a measured run (250)")
    parser.add_argument("--only", action="append", metavar="SCENARIO",
                        help="one scenario, or all whose names begin so (may be repeated)")
    parser.add_argument("--subject", action="append", metavar="NAME",
                        help="instead of a scenario's own subjects, beside its base: 'raw epoll', "
                             "'libuv', 'myra uring -silent_sends', ... (may be repeated)")
    parser.add_argument("--client", default="neutral", metavar="NAME",
                        help="who puts the load on: neutral, 'raw epoll', 'asio epoll', "
                             "'asio uring', libuv, 'myra uring', 'myra epoll', and those with "
                             "features; for scenarios of requests in a closed loop")
    parser.add_argument("--list", action="store_true", help="list scenarios and subjects, and end")
    parser.add_argument("--json", metavar="FILE", help="write all figures of all runs there")
    parser.add_argument("--html", metavar="FILE", help="write a page with plots there")
    parser.add_argument("--bin", default=folder, metavar="DIRS",
                        help=f"where the programs lie, with colons between ({folder})")
    options = parser.parse_args(argv)
    # Many short rounds rather than few long ones: a shared machine changes its speed within seconds.
    options.pairs = options.pairs or (2 if options.quick else 11)
    options.milliseconds = options.milliseconds or (80 if options.quick else 250)
    options.warm_up = 40 if options.quick else 120
    if options.pairs < 1 or options.milliseconds < 1:
        parser.error("--pairs and --milliseconds must be at least 1")
    for path in (options.json, options.html):
        if path and not os.path.isdir(os.path.dirname(os.path.abspath(path))):
            parser.error(f"{path}: its folder does not exist")
    return options


def _named(scenarios, name):
    """The one of that name, or all whose names begin so."""
    exact = [one for one in scenarios if one.name == name]
    found = exact or [one for one in scenarios if one.name.startswith(name)]
    if not found:
        raise Failure(f"there is no scenario '{name}'; known: "
                      + ", ".join(one.name for one in scenarios))
    return found


def chosen(scenarios, options):
    """Those that were asked for, with the subjects that were asked for."""
    found = scenarios
    if options.only:
        wanted = {one.name for name in options.only for one in _named(scenarios, name)}
        found = [one for one in scenarios if one.name in wanted]
    if options.subject:
        for one in found:
            one.subjects = tuple(dict.fromkeys([one.base, *options.subject]))
    return found


def list_all(scenarios, catalogue):
    for one in scenarios:
        print(f"{one.name:<22} {one.title}\n{'':<22} subjects: {', '.join(one.subjects)}")
    print(f"\nsubjects: {', '.join(catalogue.names())}; those of Myra with -FEATURE or "
          "+FEATURE, of " + ", ".join([*catalogue.switches, *catalogue.toggles()]))


def measure(options, progress, quiet):
    found = []
    with Processes() as processes:
        stand = Stand(options.bin, processes, progress, options.milliseconds, options.warm_up,
                      options.client)
        scenarios = chosen(all_scenarios(stand.catalogue), options)
        for name in options.subject or []:
            stand.catalogue.subject(name)
        stand.client_words(options.client)
        if options.list:
            list_all(scenarios, stand.catalogue)
            return found
        for scenario in scenarios:
            found.append(run_scenario(stand, scenario, options.pairs, quiet.wait))
            progress("")
            print_scenario(found[-1], sys.stdout)
            sys.stdout.flush()
    return found


def conclude(options, results, quiet):
    if options.json:
        save(results, options.json)
    if options.html:
        write_page(results, options.html)
    failed = [(one, subject) for one in results.scenarios for subject in one.subjects
              if subject.failed]
    absent = sum(1 for one in results.scenarios for subject in one.subjects if subject.absent)
    print(f"\n{len(results.scenarios)} scenarios in {results.about['seconds']:.0f} s, "
          f"{options.pairs} rounds each; {quiet.in_vain} of {quiet.waits} runs began while the "
          f"machine was busy with something else; {absent} subjects were not there, "
          f"{len(failed)} failed")
    return 1 if failed else 0


def main(argv):
    here = os.path.dirname(os.path.abspath(__file__))
    options = parse(argv, os.environ.get(
        "MYRA_BENCH_BIN", os.path.join(os.path.dirname(here), "build/release/bin")))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if (os.cpu_count() or 1) < 2:
        print("bench: two CPUs are needed, one for the server and one for the load",
              file=sys.stderr)
        return 2
    shared = "" if options.list else machine.enter_own_network()
    about = {**machine.description(), "own_network": not shared, "pairs": options.pairs,
             "milliseconds": options.milliseconds, "quick": options.quick,
             "client": options.client,
             "started": datetime.datetime.now().astimezone().isoformat(timespec="seconds")}
    if not options.list:
        machine.tell(about, shared)
    quiet = machine.Quiet(0.2 if options.quick else 2.0)
    began = time.monotonic()
    try:
        scenarios = measure(options, progress_line(), quiet)
    except KeyboardInterrupt:
        return 130
    except (Absent, Failure) as why:
        print(f"bench: {why}", file=sys.stderr)
        return 2
    if options.list:
        return 0
    about["seconds"] = time.monotonic() - began
    return conclude(options, Results(about, scenarios), quiet)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
