"""Runs the same programs on every kernel, as root and as an ordinary user."""

import argparse
import contextlib
import hashlib
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import archive
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
SHORT_KERNELS = ("5.10", "7.3")
MODULES = ["veth", "virtio_net"]
SKIPPED = 77
SPARE_SECONDS = 60  # for booting, beside the steps' own limits


@dataclass
class Run:
    """One kernel's part of the matrix."""

    series: str
    release: str = ""
    version: str = ""
    skipped: str = ""  # why it was not run at all
    seconds: float = 0.0
    probes: dict = field(default_factory=dict)   # user -> what the probe said
    results: dict = field(default_factory=dict)  # user -> results of the steps
    wrong: list = field(default_factory=list)    # what fails the matrix beside failed steps
    output: str = ""
    kernel_log: str = ""

    def failures(self):
        failed = [f"as {user}, {result.name}: {what}" for user, results in self.results.items()
                  for result in results for what in result.failed]
        return failed + self.wrong


def make_image(kernel, suite):
    made = image.Image(kernel, MODULES)
    for program in dict.fromkeys(steps.PROGRAMS):
        made.add(image.find_program(program, [BIN]))
    for script in ("kv.sh", "echo.sh", "zcrx.sh"):
        made.add(image.GUEST / script)
    made.write("t/all.sh", steps.script(suite))
    for name, text in steps.files(suite).items():
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
                      for each in truth.mismatches(probe, run.series, since, expected)]


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


def judge(run, outcome, suite):
    run.seconds = outcome.seconds
    run.output, run.kernel_log = outcome.output, outcome.kernel_log
    if outcome.status is None:
        run.wrong.append(f"no exit status from the machine: {outcome.why}")
    run.wrong += [f"the kernel says: {line}" for line in outcome.trouble]
    run.results = {user: steps.read(each, user, outcome.files) for user, each in suite.items()}
    judge_probe(run, outcome.files)
    judge_skips(run)


def run_kernel(series, suite, show):
    run = Run(series)
    try:
        kernel = kernels.get(series, report.say)
    except kernels.Unavailable as why:
        run.skipped = f"cannot be had: {why}"
        report.say(f"SKIP: Linux {series} {run.skipped}")
        return run
    except archive.Damaged as why:
        run.wrong.append(str(why))
        return run
    run.release, run.version = kernel.release, kernel.version
    report.say(f"Linux {series} ({kernel.version})")
    limit = SPARE_SECONDS + sum(step.seconds for each in suite.values() for step in each)
    settings = machine.Settings(seconds=limit)
    judge(run, machine.run(kernel, make_image(kernel, suite), settings, show), suite)
    return run


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="./dev vm matrix", description="Runs the unit and conformance tests, the echo server "
        "and the key-value server on every kernel, as root and as an ordinary user; holds what "
        "myra probe says against what each kernel has.")
    parser.add_argument("--short", action="store_true",
                        help=f"only {' and '.join(SHORT_KERNELS)}, and fewer variants")
    parser.add_argument("--kernel", action="append", choices=list(pins.by_series(pins.read())),
                        help="only this one (repeatable)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--show", action="store_true", help="show what the machines print")
    return parser.parse_args(arguments)


def binaries():
    """The same for two matrices of one build."""
    files = [BIN / name for name in sorted(steps.PROGRAMS) if (BIN / name).exists()]
    return hashlib.sha256("".join(map(archive.sha256, files)).encode()).hexdigest()


def keep(found):
    """Adds to what earlier runs of this build left for other kernels, so that a matrix may be run a
    kernel at a time."""
    with contextlib.suppress(OSError, ValueError):
        found = report.merged(json.loads(RESULT.read_text()), found)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n")


def main(arguments):
    options = parse(arguments)
    all_series = list(pins.by_series(pins.read()))
    series = options.kernel or (SHORT_KERNELS if options.short else all_series)
    suite = steps.SHORT if options.short else steps.FULL
    build, runs = binaries(), []
    for each in series:
        runs.append(run_kernel(each, suite, options.show))
        report.explain(runs[-1])
        found = report.as_json(runs, build, options.short)
        keep(found)
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        report.print_table(found)
    if found["kernels_run"] == 0 and not found["failed"]:
        print("SKIP: none of the kernels can be had")
        return SKIPPED
    return 1 if found["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
