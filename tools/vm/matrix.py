"""Runs the same programs on every kernel, as root and as an ordinary user."""

import argparse
import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import archive
import document
import image
import kernel as kernels
import machine
import pins
import report
import steps
import truth

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "build/release/bin"
RESULT = ROOT / "build/vm/matrix.json"
SHORT_KERNELS = ("6.1", "7.3")
MODULES = ["veth", machine.NIC]
SPARE_SECONDS = 60  # beside the steps' own limits


@dataclass
class Run:
    """One machine's part of the matrix; without one, a kernel that could not be run at all."""

    series: str
    does: steps.Machine | None = None
    release: str = ""
    version: str = ""
    skipped: str = ""  # why it was not run at all
    seconds: float = 0.0
    boots: int = 0
    probes: dict = field(default_factory=dict)   # user -> what the probe said
    results: dict = field(default_factory=dict)  # user -> results of the steps
    wrong: list = field(default_factory=list)    # what fails the matrix beside failed steps
    output: str = ""
    kernel_log: str = ""

    @property
    def name(self):
        return f"Linux {self.series}, {self.does.name}" if self.does else f"Linux {self.series}"

    def failures(self):
        failed = [f"as {user}, {result.name}: {what}" for user, results in self.results.items()
                  for result in results for what in result.failed]
        return failed + self.wrong


def needed_programs(does):
    """What the steps run, and the scripts that they run."""
    text = "".join(step.command for each in does.steps.values() for step in each)
    scripts = [name for name in steps.SCRIPTS if f"./{name}" in text]
    text += "".join((image.GUEST / name).read_text() for name in scripts)
    programs = [name for name in steps.PROGRAMS
                if re.search(rf"\./{re.escape(name)}(?![-\w])", text)]
    return scripts, programs


def make_image(kernel, does, folder):
    made = image.Image(kernel, MODULES)
    scripts, programs = needed_programs(does)
    for program in programs:
        made.add(image.find_program(program, [folder]))
    for script in scripts:
        made.add(image.GUEST / script)
    made.write("t/all.sh", steps.script(does.steps))
    for name, text in steps.files(does.steps).items():
        made.write(f"t/steps/{name}", text)
    made.run(["sh", "./all.sh"], {"MYRA_TIME_FACTOR": str(machine.TIME_FACTOR)}, as_user=False)
    return made


def judge_probe(run, files):
    since, expected = truth.read()
    for user in run.results:
        try:
            probe = json.loads(files[f"{user}/probe.json"])
        except (KeyError, ValueError):
            run.wrong.append(f"as {user}: no answer from the probe")
            continue
        run.probes[user] = probe
        run.wrong += [f"as {user}, probe: {each}"
                      for each in truth.mismatches(probe, run.series, since, expected, truth.masks())]


def judge_skips(run):
    """A case that is left out for want of io_uring, where there is io_uring, is a failure."""
    for user, results in run.results.items():
        if not run.probes.get(user, {}).get("uring"):
            continue
        reasons = Counter()
        for result in results:
            reasons += result.skipped
        run.wrong += [f"as {user}: {count} skipped though the probe finds io_uring: {reason}"
                      for reason, count in reasons.items() if "io_uring" in reason]


def judge(run, outcome):
    run.seconds, run.boots = outcome.seconds, outcome.boots
    run.output, run.kernel_log = outcome.output, outcome.kernel_log
    if outcome.status is None:
        run.wrong.append(f"no exit status from the machine: {outcome.why}")
    run.wrong += [f"the kernel says: {line}" for line in outcome.trouble]
    run.results = {user: steps.read(each, user, outcome.files)
                   for user, each in run.does.steps.items()}
    judge_probe(run, outcome.files)
    judge_skips(run)


def progress(run, shows_all):
    """A line for each step that begins, or all that the machine prints."""
    total = sum(len(each) for each in run.does.steps.values())
    begun = [0]

    def show(line):
        if line.startswith("== "):
            begun[0] += 1
            report.say(f"{run.name}: {line[3:].strip()} ({begun[0]} of {total})")
        elif shows_all:
            machine.show_line(line)

    return show


def run_machine(kernel, does, options):
    run = Run(kernel.series, does, kernel.release, kernel.version)
    settings = machine.Settings(seconds=SPARE_SECONDS + does.seconds, two_nics=does.two_nics)
    judge(run, machine.run(kernel, make_image(kernel, does, options.bin), settings,
                           progress(run, options.show), report.say))
    report.say(f"{run.name}: done in {run.seconds:.0f} s, {len(run.failures())} failures")
    return run


def find_kernel(series):
    """The kernel, or a run that says why there is none."""
    run = Run(series)
    try:
        return kernels.get(series, report.say), run
    except kernels.Unavailable as why:
        run.skipped = f"cannot be had: {why}"
        report.say(f"SKIP: Linux {series} {run.skipped}")
    except archive.Damaged as why:
        run.wrong.append(str(why))
    return None, run


def parse(arguments):
    known = list(pins.by_series(pins.read()))
    parser = argparse.ArgumentParser(
        prog="./dev vm matrix", description="Runs the unit and conformance tests, the echo server "
        "and the key-value server on every kernel, as root and as an ordinary user; holds what "
        "myra probe says against what each kernel has.")
    parser.add_argument("--short", action="store_true",
                        help=f"only {' and '.join(SHORT_KERNELS)}, and a selection, for CI")
    parser.add_argument("--kernel", action="append", choices=known,
                        help="only this one (repeatable)")
    parser.add_argument("--part", action="append", default=[],
                        help="only parts whose name begins so: layers, cases, features (repeatable)")
    parser.add_argument("--as", dest="user", choices=("root", "user"), help="only as this user")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N",
                        help="machines at a time (%(default)s)")
    parser.add_argument("--bin", type=Path, default=BIN, metavar="FOLDER",
                        help="where the programs lie (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--show", action="store_true", help="show what the machines print")
    options = parser.parse_args(arguments)
    if options.short and (options.part or options.user):
        parser.error("--short is a selection of its own: --part and --as do not go with it")
    if not any(machines_of(series, options) for series in series_of(options)):
        parser.error(f"no machine runs a part that begins with {' or '.join(options.part)}"
                     f"{' as ' + options.user if options.user else ''}")
    return options


def series_of(options):
    return options.kernel or (SHORT_KERNELS if options.short else
                              list(pins.by_series(pins.read())))


def machines_of(series, options):
    """What is to run on this kernel, as far as the options do not leave it out."""
    if options.short:
        return steps.short()
    since, features = truth.read()
    found = steps.full(series, list(pins.by_series(pins.read())), features, since)
    return [each for each in found
            if (not options.part or each.part.startswith(tuple(options.part)))
            and (options.user is None or options.user in each.users)]


def listed_variants(folder):
    """Those that the conformance suite has."""
    listed = subprocess.run([folder / "conformance_test", "--gtest_list_tests"], check=True,
                            capture_output=True, text=True).stdout
    return set(re.findall(r"^  \w+/(\w+)", listed, re.MULTILINE))


def forgotten_variants(listed):
    """Variants that no kernel would run, and such as the matrix runs that are not there."""
    _, features = truth.read()
    run = set(steps.BOTH_BACKENDS) | set(steps.OTHER_VARIANTS)
    run |= {variant for each in features.values() for variant in each.variants}
    return ([f"variant {each}: no row of tools/vm/features.toml and not in tools/vm/steps.py"
             for each in sorted(listed - run - set(steps.NO_KERNEL))] +
            [f"variant {each}: the conformance suite has none of that name"
             for each in sorted(run - listed)])


def binaries(folder):
    """The same for two matrices of one build."""
    files = [folder / name for name in sorted(steps.PROGRAMS) if (folder / name).exists()]
    return hashlib.sha256("".join(map(archive.sha256, files)).encode()).hexdigest()


def keep(found):
    """Adds to what earlier runs of this build left, so that a matrix may be run in parts, also side
    by side."""
    with kernels.locked(RESULT.parent):
        with contextlib.suppress(OSError, ValueError):
            found = report.merged(json.loads(RESULT.read_text()), found)
        RESULT.write_text(json.dumps(found, indent=1) + "\n")


class Collector:
    """What came so far, from machines that run side by side."""

    def __init__(self, options):
        self._lock = threading.Lock()
        self._runs = []
        self._build = "" if options.short else binaries(options.bin)
        self._keeps = not options.short
        self._stopped = False

    def stop(self):
        """What comes from now on was cut short, and is no result."""
        with self._lock:
            self._stopped = True

    def take(self, run):
        with self._lock:
            if self._stopped:
                return
            self._runs.append(run)
            report.explain(run)
            if self._keeps:
                keep(report.as_json([run], self._build))

    def found(self):
        return report.as_json(self._runs, self._build)


def run_all(options):
    collector = Collector(options)
    with ThreadPoolExecutor(max_workers=max(options.jobs, 1)) as pool:
        waiting = []
        for each in series_of(options):
            kernel, instead = find_kernel(each)
            if kernel is None:
                collector.take(instead)
                continue
            waiting += [pool.submit(run_machine, kernel, does, options)
                        for does in machines_of(each, options)]
        for each in waiting:
            each.add_done_callback(functools.partial(take_done, collector))
        try:
            for each in waiting:
                each.result()
        except BaseException:  # as by ^C, which ends the machines that run
            collector.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return collector.found()


def take_done(collector, future):
    if not future.cancelled() and future.exception() is None:
        collector.take(future.result())


def main(arguments):
    options = parse(arguments)
    if shutil.which(machine.QEMU) is None:
        print(f"SKIP: {machine.QEMU} is not installed")
        return steps.SKIPPED
    forgotten = forgotten_variants(listed_variants(options.bin))
    for each in forgotten:
        report.say(each)
    found = run_all(options)
    out_of_date = document.out_of_date(found)
    for each in out_of_date:
        report.say(each)
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        report.print_table(found)
    if found["kernels_run"] == 0 and not found["failed"]:
        print("SKIP: none of the kernels can be had: " +
              "; ".join(each["skipped"] for each in found["kernels"]))
        return steps.SKIPPED
    wrong_short = options.short and out_of_date
    return 1 if found["failed"] or forgotten or wrong_short else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
