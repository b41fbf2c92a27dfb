"""What came of a matrix: as a table, as JSON, and what to look at when something failed."""

import re
import sys
from collections import Counter

import machine
import truth

HEADINGS = ("kernel", "as", "backend", "passed", "failed", "skipped", "probe", "seconds")
FAILED_CASE = re.compile(r"^\[  FAILED  \].*|.*: Failure$|^kv: .*|.*exited with.*")
LOG_LINES = 40
OUTPUT_LINES = 60


def say(text):
    print(f"vm: {text}", file=sys.stderr, flush=True)


def explain(run):
    """Shows the output and the kernel's log of a run that failed."""
    failures = run.failures()
    if not failures:
        return
    say(f"Linux {run.series}: {len(failures)} failures")
    for each in failures:
        print(f"    {each}", file=sys.stderr)
    lines = run.output.splitlines()
    say("around what failed, of what the machine printed:")
    shown = set()
    for number, line in enumerate(lines):
        if FAILED_CASE.match(line):
            shown.update(range(max(0, number - 3), min(len(lines), number + 6)))
    for number in sorted(shown)[:OUTPUT_LINES] or range(max(0, len(lines) - 15), len(lines)):
        print(f"    {lines[number]}", file=sys.stderr)
    say("the end of the kernel's log:")
    for line in run.kernel_log.splitlines()[-LOG_LINES:]:
        print(f"    {line}", file=sys.stderr)


def of_user(run, user, results):
    skipped = Counter()
    for result in results:
        skipped += result.skipped
    probe = run.probes.get(user, {})
    return {
        "backend": probe.get("backend", "unknown"),
        "backend_why": probe.get("backend_why", ""),
        "features": {each["name"]: {"state": each["state"], "why": each["why"]}
                     for each in probe.get("features", [])},
        "passed": sum(result.passed for result in results),
        "failed": [what for result in results for what in result.failed],
        "skipped": dict(skipped),
        "steps": {result.name: {"status": result.status, "seconds": round(result.seconds, 2),
                                "passed": result.passed, "failed": len(result.failed),
                                "skipped": sum(result.skipped.values())} for result in results},
    }


def of_run(run):
    return {
        "series": run.series, "release": run.release, "version": run.version,
        "skipped": run.skipped, "seconds": round(run.seconds, 1), "wrong": run.wrong,
        "failed": len(run.failures()),
        "users": {user: of_user(run, user, results) for user, results in run.results.items()},
    }


def as_json(runs, binaries="", short=False):
    """All that came of the runs; `binaries` tells one build from another."""
    return totals({"short": short, "binaries": binaries, "time_factor": machine.TIME_FACTOR,
                   "kernels": [of_run(run) for run in runs]})


def totals(found):
    skipped = sum(bool(kernel["skipped"]) for kernel in found["kernels"])
    return {**found, "kernels_run": len(found["kernels"]) - skipped, "kernels_skipped": skipped,
            "failed": sum(kernel["failed"] for kernel in found["kernels"]),
            "seconds": round(sum(kernel["seconds"] for kernel in found["kernels"]), 1)}


def merged(earlier, found):
    """With the kernels of an earlier matrix of the same kind and build that this one left out."""
    if any(earlier.get(key) != found[key] for key in ("short", "binaries", "time_factor")):
        return found
    ran = {kernel["series"] for kernel in found["kernels"]}
    kept = [kernel for kernel in earlier["kernels"] if kernel["series"] not in ran]
    kernels = sorted(kept + found["kernels"], key=lambda kernel: truth.ordered(kernel["series"]))
    return totals({**found, "kernels": kernels})


def rows(found):
    for kernel in found["kernels"]:
        for user, each in kernel["users"].items():
            wrong = [line for line in kernel["wrong"] if line.startswith(f"as {user}, probe")]
            yield (f"{kernel['series']} ({kernel['version']})", user, each["backend"],
                   str(each["passed"]), str(len(each["failed"])),
                   str(sum(each["skipped"].values())), "wrong" if wrong else "right",
                   f"{sum(step['seconds'] for step in each['steps'].values()):.0f}")


def aligned(table):
    """Numbers to the right, words to the left."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        cells = [word.rjust(width) if table[-1][column].isdigit() else word.ljust(width)
                 for column, (word, width) in enumerate(zip(row, widths))]
        yield "  ".join(cells).rstrip()


def print_table(found):
    for line in aligned([HEADINGS, *rows(found)]):
        print(line)
    print()
    for kernel in found["kernels"]:
        if kernel["skipped"]:
            print(f"Linux {kernel['series']} was skipped: {kernel['skipped']}")
        for user, each in kernel["users"].items():
            for reason, count in sorted(each["skipped"].items()):
                print(f"{kernel['series']} as {user} skipped {count}: {reason}")
    reasons = {(kernel["series"], each["backend"], each["backend_why"])
               for kernel in found["kernels"] for each in kernel["users"].values()}
    for series, backend, why in sorted(reasons):
        if backend == "epoll":
            print(f"{series} is on {backend}: {why}")
    print(f"{found['kernels_run']} kernels run, {found['kernels_skipped']} skipped, "
          f"{found['failed']} failures, {found['seconds']:.0f} s; deadlines of the tests times "
          f"{found['time_factor']}")
