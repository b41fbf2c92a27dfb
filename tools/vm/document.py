"""Writes docs/kernels.md from the last whole matrix."""

import json
import tomllib
from pathlib import Path

import pins
import report
from matrix import RESULT, ROOT

FILE = ROOT / "docs/kernels.md"
KNOWN_BAD = Path(__file__).with_name("known_bad.toml")

TOP = """# Kernels

One binary, built on Debian 12, runs on all of these. The tables are what `./dev vm matrix` found, written by
`./dev vm document`; nothing in them is typed by hand. `./dev vm --kernel 6.1 myra probe` shows one kernel in full.

"""
RESULTS = """## Tests

Unit and conformance tests, the echo server with its verifying client, and the key-value server under `redis-cli` and
`redis-benchmark`, on each backend, in a virtual machine under software emulation. Deadlines of the tests are multiplied
by {factor} there; none is ever met early. {variants}

"""
ALL_VARIANTS = "As root, also io_uring with each of its features left unused, one at a time."
SHORT_VARIANTS = "This was the short form: both backends, and no io_uring with a feature left unused."
FEATURES = """## Features

What the probe finds: **used**, available (the kernel has it, Myra leaves it), or - (absent). The same as root and as an
ordinary user. The matrix fails when this differs from what the kernel really has (`tools/vm/features.toml`).

"""
BAD = """## Known to be bad

"""


def table(rows):
    head, *body = [[str(cell) for cell in row] for row in rows]
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in body:
        yield "| " + " | ".join(row) + " |"


def kernels_that_ran(found):
    return [kernel for kernel in found["kernels"] if not kernel["skipped"]]


def result_rows(found):
    yield ("kernel", "as", "backend", "passed", "failed", "skipped, and why")
    for kernel in found["kernels"]:
        name = f"{kernel['series']} ({kernel['version']})"
        if kernel["skipped"]:
            yield (kernel["series"], "", "", "", "", f"not run: {kernel['skipped']}")
        for user, each in kernel["users"].items():
            reasons = "; ".join(f"{count}: {reason}"
                                for reason, count in sorted(each["skipped"].items()))
            yield (name, user, each["backend"], each["passed"], len(each["failed"]), reasons)


def state_of(kernel, feature):
    """The state for both users; each one's where they differ."""
    words = {"used": "**used**", "available": "available", "absent": "-"}
    states = [words[each["features"].get(feature, {"state": "absent"})["state"]]
              for each in kernel["users"].values()]
    return states[0] if len(set(states)) == 1 else " / ".join(states)


def feature_rows(kernels):
    names = dict.fromkeys(name for kernel in kernels for each in kernel["users"].values()
                          for name in each["features"])
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


def text(found):
    kernels = kernels_that_ran(found)
    variants = SHORT_VARIANTS if found["short"] else ALL_VARIANTS
    parts = [TOP, RESULTS.format(factor=found["time_factor"], variants=variants),
             "\n".join(table(result_rows(found))), "\n\n", FEATURES,
             "\n".join(table(feature_rows(kernels))), "\n\n",
             "\n".join([*epoll_reasons(kernels)]), "\n\n", BAD,
             "\n".join(table(known_bad_rows())), "\n"]
    return "".join(parts)


def main(_):
    if not RESULT.exists():
        report.say(f"there is no {RESULT.relative_to(ROOT)}: run ./dev vm matrix first")
        return 1
    found = json.loads(RESULT.read_text())
    ran = {kernel["series"] for kernel in kernels_that_ran(found)}
    if found["failed"] or ran != set(pins.by_series(pins.read())):
        report.say(f"docs/kernels.md shows every kernel, and that nothing failed. The last matrix: "
                   f"{found['failed']} failures, kernels {' '.join(sorted(ran))}")
        return 1
    FILE.write_text(text(found))
    report.say(f"wrote {FILE.relative_to(ROOT)}")
    return 0
