"""Writes docs/kernels.md from the last whole matrix, and tells when it is out of date.

What the matrix found is kept next to this file, so that the document can be held against the pins,
the table of features, and what later runs find."""

import argparse
import json
import tomllib
from pathlib import Path

import pins
import report
import steps
import truth

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "build/vm/matrix.json"
FILE = ROOT / "docs/kernels.md"
FOUND = Path(__file__).with_name("found.json")
KNOWN_BAD = Path(__file__).with_name("known_bad.toml")

TOP = """# Kernels

One binary, built on Debian 12, runs on all of these. The tables are what `./dev vm matrix` found, written by
`./dev vm document`; nothing in them is typed by hand. `./dev vm --kernel 6.1 myra probe` shows one kernel in full.

"""
RESULTS = """## Tests

What the matrix runs in virtual machines, under software emulation. The last column says of which parts this page was made.
Deadlines of the tests are multiplied by {factor} there; none is ever met early.

- The probe, as root and as an ordinary user.
- Unit tests of the layers that ask something of the kernel, the echo server with its verifying client, and the key-value server
  under `redis-cli` and `redis-benchmark`; zero-copy sends between two virtual network cards, where the switch stays on, and over
  loopback, where the kernel copies and it goes off.
- Conformance cases: as root on both backends, as an ordinary user on the one that Myra chooses; and as root in variants, in
  which a feature is switched off (or on, where it is off by default), on the oldest of these kernels that has the feature and on
  the newest. Cases on the simulated network ask nothing of the kernel and are left out.

"""
FEATURES = """## Features

What the probe finds: **used**, available (the kernel has it, Myra leaves it), or - (absent). The same as root and as an
ordinary user unless two are given. The matrix fails when this differs from what the kernel really has
(`tools/vm/features.toml`), in either direction.

"""
BAD = """## Known to be bad

"""


def table(rows):
    head, *body = [[str(cell) for cell in row] for row in rows]
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in body:
        yield "| " + " | ".join(row) + " |"


def summary(found):
    """What the document needs of a matrix."""
    return {"time_factor": found["time_factor"],
            "builds": builds(found),
            "kernels": [{"series": kernel["series"], "version": kernel["version"],
                         "users": {user: of_user(each)
                                   for user, each in report.users(kernel).items()}}
                        for kernel in found["kernels"]]}


def builds(found):
    """Which machines ran which build of the programs."""
    of = {}
    for kernel in found["kernels"]:
        for run in kernel["machines"]:
            of.setdefault(run["build"], []).append(
                f"{kernel['series']} {run['part']} as {' and '.join(run['users'])}")
    return dict(sorted(of.items(), key=lambda each: len(each[1])))


def of_user(each):
    return {"tests": tests_run(each), "backend": each["backend"], "backend_why": each["backend_why"],
            "passed": each["passed"], "failed": len(each["failed"]), "seconds": round(each["seconds"]),
            "skipped": dict(sorted(each["skipped"].items())),
            "features": {name: feature["state"] for name, feature in each["features"].items()}}


def tests_run(each):
    """Unit tests with the servers, and in which variants the conformance suite went through: the
    backends, and how many more."""
    ran = set(each["variants"])
    names = [name for name in steps.BOTH_BACKENDS if name in ran]
    more = len(ran) - len(names)
    names += [f"{more} more"] if more else []
    parts = ["units and servers"] if "layers" in each["parts"] else []
    return "; ".join(parts + (["conformance: " + ", ".join(names)] if names else [])) or "probe only"


def result_rows(known):
    yield ("kernel", "as", "backend", "passed", "failed", "seconds", "skipped, and why",
           "what has been run")
    for kernel in known["kernels"]:
        for user, each in kernel["users"].items():
            reasons = "; ".join(f"{count}: {reason}" for reason, count in each["skipped"].items())
            yield (f"{kernel['series']} ({kernel['version']})", user, each["backend"],
                   each["passed"], each["failed"], each["seconds"], reasons, each["tests"])


def of_which_builds(known):
    """Nothing when all is of one; else which machines ran the others."""
    if len(known["builds"]) < 2:
        return ""
    *others, (most, _) = known["builds"].items()
    lines = [f"- {build}: {', '.join(machines)}." for build, machines in others]
    return ("Not all of this is of one build of the programs (told apart by a hash of them): it is of "
            f"{most}, but for\n\n" + "\n".join(lines) + "\n\n")


def state_of(kernel, feature):
    """The state for both users; each one's where they differ."""
    words = {"used": "**used**", "available": "available", "absent": "-"}
    states = [words[each["features"].get(feature, "absent")] for each in kernel["users"].values()]
    return states[0] if len(set(states)) == 1 else " / ".join(states)


def feature_rows(kernels):
    names = dict.fromkeys(name for kernel in reversed(kernels)
                          for each in kernel["users"].values() for name in each["features"])
    yield ("feature", *(kernel["series"] for kernel in kernels))
    yield ("backend", *(next(iter(kernel["users"].values()))["backend"] for kernel in kernels))
    for name in names:
        yield (name, *(state_of(kernel, name) for kernel in kernels))


def epoll_reasons(kernels):
    for kernel in kernels:
        each = next(iter(kernel["users"].values()))
        if each["backend"] == "epoll":
            yield f"On {kernel['series']} it is epoll: {each['backend_why']}."


def known_bad_rows():
    yield ("kernels", "what", "harm", "what Myra does")
    for each in tomllib.loads(KNOWN_BAD.read_text())["known"]:
        yield (each["kernels"], each["what"], each["harm"], each["myra"])


def text(known):
    kernels = known["kernels"]
    parts = [TOP, RESULTS.format(factor=known["time_factor"]), "\n".join(table(result_rows(known))),
             "\n\n", of_which_builds(known), FEATURES, "\n".join(table(feature_rows(kernels))), "\n\n",
             "\n".join([*epoll_reasons(kernels)]), "\n\n", BAD,
             "\n".join(table(known_bad_rows())), "\n"]
    return "".join(parts)


def read():
    return json.loads(FOUND.read_text())


def out_of_date(found, known=None):
    """What a matrix found that the document says differently; a sentence each."""
    known = read() if known is None else known
    before = {kernel["series"]: kernel for kernel in known["kernels"]}
    wrong = []
    for kernel in found["kernels"]:
        for user, now in report.users(kernel).items():
            then = before.get(kernel["series"], {}).get("users", {}).get(user)
            if then is None:
                wrong.append(f"docs/kernels.md lacks Linux {kernel['series']} as {user}")
            elif now["features"]:
                states = {name: each["state"] for name, each in now["features"].items()}
                wrong += [f"docs/kernels.md says of {name} on Linux {kernel['series']} as {user}: "
                          f"{then['features'].get(name)}, it is {states.get(name)}"
                          for name in sorted(states.keys() | then["features"].keys())
                          if states.get(name) != then["features"].get(name)]
    return wrong + (["run ./dev vm matrix and ./dev vm document"] if wrong else [])


def unfounded(known):
    """Where the document does not fit what is committed beside it; a sentence each."""
    wrong = []
    candidates = pins.by_series(pins.read())
    ran = {kernel["series"]: kernel["version"] for kernel in known["kernels"]}
    for series, of in candidates.items():
        if ran.get(series) not in {each.version for each in of}:
            wrong.append(f"Linux {series}: pinned {of[0].version}, the matrix ran "
                         f"{ran.get(series, 'none')}")
    _, features = truth.read()
    for kernel in known["kernels"]:
        for user, each in kernel["users"].items():
            if each["backend"] == "uring" and set(each["features"]) != set(features):
                odd = sorted(set(each["features"]) ^ set(features))
                wrong.append(f"Linux {kernel['series']} as {user}: {', '.join(odd)}: only in one of "
                             "the matrix and tools/vm/features.toml")
    return wrong


def parts_missing(found):
    """The machines that the document cannot do without and this matrix lacks."""
    missing = []
    ran = {(kernel["series"], *report.place(run)) for kernel in found["kernels"]
           for run in kernel["machines"]}
    since, features = truth.read()
    all_series = list(pins.by_series(pins.read()))
    for series in all_series:
        for does in steps.full(series, all_series, features, since):
            wanted = does.part in steps.REQUIRED_PARTS
            if wanted and (series, does.part, does.users) not in ran:
                missing.append(f"Linux {series}, {does.name}")
    return missing


def read_runs(files):
    """What several matrices found, each in a file (`--json`); where two ran the same, the later one."""
    found = None
    for file in files:
        each = json.loads(file.read_text())
        found = each if found is None else report.combined(found, each)
    return found


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="./dev vm document", description="Writes docs/kernels.md from what a matrix found.")
    parser.add_argument("files", nargs="*", type=Path, default=[RESULT], metavar="FILE",
                        help="what ./dev vm matrix --json printed, of parts of the matrix, the "
                             "latest last (the last matrix of this build)")
    return parser.parse_args(arguments)


def main(arguments):
    files = parse(arguments).files
    for each in files:
        if not each.exists():
            report.say(f"there is no {each}: run ./dev vm matrix first")
            return 1
    found = read_runs(files)
    missing = parts_missing(found)
    for each in missing:
        report.say(f"the last matrix did not run {each}")
    if found["failed"] or missing:
        report.say(f"docs/kernels.md shows every kernel, and that nothing failed. The last matrix: "
                   f"{found['failed']} failures, {len(missing)} machines missing")
        return 1
    known = summary(found)
    FOUND.write_text(json.dumps(known, indent=1) + "\n")
    FILE.write_text(text(known))
    report.say(f"wrote {FILE.relative_to(ROOT)} and {FOUND.relative_to(ROOT)}")
    return 0
