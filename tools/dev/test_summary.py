#!/usr/bin/env python3
"""Sums up CTest runs: what passed, what failed, and why each skipped test was skipped.

Usage: test_summary.py CTEST_EXIT_CODE:REPORT.xml...
Each REPORT.xml was written by ctest --output-junit. Exit code 1 when a test failed, when ctest
itself did, or when nothing ran at all.
"""

import re
import sys
import xml.etree.ElementTree as xml
from collections import defaultdict
from pathlib import Path

# How CTest says that a test asked to be skipped. Any other "skipped" (such as a program that is
# not there) is a failure.
ASKED_TO_SKIP = ("SKIP_RETURN_CODE=77", "SKIP_REGULAR_EXPRESSION_MATCHED")
SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|: runtime error: ")
GTEST_REASON = re.compile(r"^[^\n]*: Skipped\n(.*?)^\[  SKIPPED \]", re.MULTILINE | re.DOTALL)
# A case of a script's, by unittest: its name, perhaps a line of description, and the reason.
CASE_SKIPPED = re.compile(r"^(test_\w+) \([^)\n]*\)(?:\n[^\n]*)? ?\.\.\. skipped (['\"])([^\n]*)\2$", re.MULTILINE)
PROGRAM_REASON = re.compile(r"^SKIP: *(.*)$", re.MULTILINE)
CTEST_TESTS_FAILED = 8


def skip_reason(output):
    """The reason which the skipped test printed, on one line."""
    match = GTEST_REASON.search(output) or PROGRAM_REASON.search(output)
    reason = " ".join(match.group(1).split()) if match else ""
    return reason or "no reason printed"


def verdict(case):
    """One of ("passed", None), ("failed", why), ("skipped", reason)."""
    output = case.findtext("system-out") or ""
    status = case.get("status")
    if status == "run":
        return "passed", None
    if status == "notrun":
        message = case.find("skipped").get("message", "")
        if message not in ASKED_TO_SKIP:
            return "failed", f"not run: {message}"
        if SANITIZER_REPORT.search(output):
            return "failed", "sanitizer report in a skipped test"
        return "skipped", skip_reason(output)
    why = case.find("failure")
    return "failed", (why.get("message") if why is not None else "") or None


def preset_of(report):
    return report.parent.parent.name


def read(report):
    """Yields (name, outcome, detail) of every test in a report, and of each case of a script that was skipped;
    names carry their preset."""
    for case in xml.parse(report).getroot().iter("testcase"):
        name = f"{preset_of(report)}: {case.get('name')}"
        yield (name, *verdict(case))
        for skipped in CASE_SKIPPED.finditer(case.findtext("system-out") or ""):
            yield f"{name}.{skipped[1]}", "skipped", skipped[3]


def print_skips(skipped):
    by_reason = defaultdict(list)
    for name, reason in skipped:
        by_reason[reason].append(name)
    for reason, names in sorted(by_reason.items()):
        print(f"\nskipped {len(names)}: {reason}")
        for name in names:
            print(f"    {name}")


def main(arguments):
    outcomes = defaultdict(list)
    broken = []
    for argument in arguments:
        code, _, path = argument.partition(":")
        report = Path(path)
        if int(code) not in (0, CTEST_TESTS_FAILED) or not report.exists():
            broken.append(f"ctest for preset {preset_of(report)} ended with exit code {code}")
            continue
        failed_before = len(outcomes["failed"])
        for name, outcome, detail in read(report):
            outcomes[outcome].append((name, detail))
        if int(code) != 0 and len(outcomes["failed"]) == failed_before:
            broken.append(f"ctest for preset {preset_of(report)} failed without naming a test")

    print_skips(outcomes["skipped"])
    if outcomes["failed"]:
        print(f"\nfailed {len(outcomes['failed'])}:")
        for name, why in outcomes["failed"]:
            print(f"    {name}" + (f"  ({why})" if why else ""))
    for line in broken:
        print(f"\n{line}")
    counts = {key: len(outcomes[key]) for key in ("passed", "failed", "skipped")}
    print("\n" + ", ".join(f"{count} {key}" for key, count in counts.items()))
    if sum(counts.values()) == 0:
        print("no test ran")
    return 1 if outcomes["failed"] or broken or sum(counts.values()) == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
