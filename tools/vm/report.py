"""What came of a matrix: as a table, as JSON, and what to look at when something failed."""

import re
import sys
from collections import Counter

import machine
import truth

HEADINGS = ("kernel", "as", "backend", "passed", "failed", "skipped", "probe", "boots", "seconds")
FAILED_CASE = re.compile(r"^\[  FAILED  \].*|.*: Failure$|^(kv|zcrx|zero copy): .*|.*exited with.*")
BUILD_DIGITS = 12  # of its hash tell one build from another
LOG_LINES = 40
OUTPUT_LINES = 60
STEP_LINES = 12  # the last of a step that failed without a case


def say(text):
    print(f"vm: {text}", file=sys.stderr, flush=True)


def range_of_step(lines, user, name):
    """Which lines a step printed (steps.py)."""
    first = next((number for number, line in enumerate(lines) if line == f"== {user}: {name}"),
                 len(lines))
    after = next((number for number in range(first + 1, len(lines))
                  if lines[number].startswith("== ")), len(lines))
    return range(first, after)


def explain(run):
    """Shows the output and the kernel's log of a run that failed."""
    failures = run.failures()
    if not failures:
        return
    say(f"{run.name}: {len(failures)} failures")
    for each in failures:
        print(f"    {each}", file=sys.stderr)
    lines = run.output.splitlines()
    say("around what failed, of what the machine printed:")
    shown = set()
    for number, line in enumerate(lines):
        if FAILED_CASE.match(line):
            shown.update(range(max(0, number - 3), min(len(lines), number + 6)))
    for user, results in run.results.items():
        for result in results:
            part = range_of_step(lines, user, result.name)
            if result.failed and not shown.intersection(part):
                shown.update(part[-STEP_LINES:])
    for number in sorted(shown)[:OUTPUT_LINES] or range(max(0, len(lines) - 15), len(lines)):
        print(f"    {lines[number]}", file=sys.stderr)
    say("the end of the kernel's log:")
    for line in run.kernel_log.splitlines()[-LOG_LINES:]:
        print(f"    {line}", file=sys.stderr)


def of_user(run, user, results):
    probe = run.probes.get(user, {})
    return {
        "backend": probe.get("backend", "unknown"),
        "backend_why": probe.get("backend_why", ""),
        "features": {each["name"]: {"state": each["state"], "why": each["why"]}
                     for each in probe.get("features", [])},
        "steps": {result.name: {"status": result.status, "seconds": round(result.seconds, 2),
                                "passed": result.passed, "failed": result.failed,
                                "skipped": dict(result.skipped)} for result in results},
    }


def of_run(run, binaries):
    return {
        "part": run.does.part, "build": binaries[:BUILD_DIGITS], "variants": list(run.does.variants), "seconds": round(run.seconds, 1), "boots": run.boots,
        "wrong": run.wrong, "failed": len(run.failures()),
        "users": {user: of_user(run, user, results) for user, results in run.results.items()},
    }


def as_json(runs, binaries=""):
    """All that came of the runs; `binaries` tells one build from another."""
    kernels = {}
    for run in runs:
        kernel = kernels.setdefault(run.series, {
            "series": run.series, "release": run.release, "version": run.version,
            "skipped": run.skipped, "wrong": [], "machines": []})
        if run.does is None:
            kernel["wrong"] += run.wrong
        else:
            kernel["machines"].append(of_run(run, binaries))
    return totals({"binaries": binaries, "time_factor": machine.TIME_FACTOR,
                   "kernels": sorted(kernels.values(), key=by_series)})


def by_series(kernel):
    return truth.ordered(kernel["series"])


def totals(found):
    skipped = sum(bool(kernel["skipped"]) for kernel in found["kernels"])
    machines = [each for kernel in found["kernels"] for each in kernel["machines"]]
    return {**found, "kernels_run": sum(bool(kernel["machines"]) for kernel in found["kernels"]),
            "kernels_skipped": skipped,
            "failed": sum(each["failed"] for each in machines) +
            sum(len(kernel["wrong"]) for kernel in found["kernels"]),
            "machines": len(machines),
            "boots_again": sum(each["boots"] - 1 for each in machines),
            "seconds": round(sum(each["seconds"] for each in machines), 1)}


def place(run):
    return run["part"], tuple(run["users"])


def merged(earlier, found):
    """With what an earlier matrix of the same build found in the machines that this one left
    out."""
    if any(earlier.get(key) != found[key] for key in ("binaries", "time_factor")):
        return found
    return combined(earlier, found)


def combined(earlier, found):
    """The same of any two builds; each machine knows of which build it is."""
    kernels = {kernel["series"]: kernel for kernel in earlier["kernels"]}
    for kernel in found["kernels"]:
        before = kernels.get(kernel["series"], {"machines": []})
        ran = {place(run) for run in kernel["machines"]}
        kept = [run for run in before["machines"] if place(run) not in ran]
        kernels[kernel["series"]] = {**before, **kernel, "machines": kept + kernel["machines"]}
    return totals({**found, "kernels": sorted(kernels.values(), key=by_series)})


def users(kernel):
    """What was found for each user, of all machines together."""
    found = {}
    for run in sorted(kernel["machines"], key=lambda each: each["part"]):
        for user, each in run["users"].items():
            sum_ = found.setdefault(user, {
                "backend": each["backend"], "backend_why": each["backend_why"],
                "features": each["features"], "passed": 0, "failed": [], "skipped": Counter(),
                "seconds": 0.0, "boots": 0, "wrong": [], "variants": [], "parts": []})
            sum_["variants"] += run["variants"]
            sum_["parts"].append(run["part"])
            sum_["seconds"] += sum(step["seconds"] for step in each["steps"].values())
            sum_["boots"] += run["boots"]
            sum_["wrong"] += [line for line in run["wrong"] if line.startswith(f"as {user}, probe")]
            for step in each["steps"].values():
                sum_["passed"] += step["passed"]
                sum_["failed"] += step["failed"]
                sum_["skipped"] += Counter(step["skipped"])
    return dict(sorted(found.items()))


def rows(found):
    for kernel in found["kernels"]:
        for user, each in users(kernel).items():
            yield (f"{kernel['series']} ({kernel['version']})", user, each["backend"],
                   str(each["passed"]), str(len(each["failed"])),
                   str(sum(each["skipped"].values())), "wrong" if each["wrong"] else "right",
                   str(each["boots"]), f"{each['seconds']:.0f}")


def aligned(table):
    """Numbers to the right, words to the left."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        cells = [word.rjust(width) if table[-1][column].isdigit() else word.ljust(width)
                 for column, (word, width) in enumerate(zip(row, widths))]
        yield "  ".join(cells).rstrip()


def print_reasons(found):
    for kernel in found["kernels"]:
        if kernel["skipped"]:
            print(f"Linux {kernel['series']} was skipped: {kernel['skipped']}")
        for user, each in users(kernel).items():
            for reason, count in sorted(each["skipped"].items()):
                print(f"{kernel['series']} as {user} skipped {count}: {reason}")
            if each["backend"] == "epoll":
                print(f"{kernel['series']} as {user} is on epoll: {each['backend_why']}")


def print_table(found):
    for line in aligned([HEADINGS, *rows(found)]):
        print(line)
    print()
    print_reasons(found)
    print(f"{found['kernels_run']} kernels run, {found['kernels_skipped']} skipped, "
          f"{found['failed']} failures; {found['machines']} machines, {found['boots_again']} of them "
          f"booted again, {found['seconds']:.0f} s; deadlines of the tests times "
          f"{found['time_factor']}")
