#!/usr/bin/env python3
"""Runs the GoogleTest programs of a build, many tests to a process, and reports as CTest does.

Usage: whole_programs.py BUILD_FOLDER REPORT.xml

CTest starts a process for each test, which is what ./dev test wants: no test sees another's. Where each start is
slow (sanitizers, coverage), most of the time would go there. The tests are those that CTest lists, with their
names and time limits. A process that ends in the middle of a test fails that test, and another goes on behind
it. The report is one that test_summary.py reads. Exit code 8 when a test failed, as CTest's.
"""

import concurrent.futures
import dataclasses
import json
import os
import re
import selectors
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

TESTS_MAX = 400  # of a process
FILTER = "--gtest_filter="
BEGAN = re.compile(r"\[ RUN      \] (\S+)$")
ENDED = re.compile(r"\[( {7}OK|  FAILED | {2}SKIPPED) \] ([^\s,]+).* \(\d+ ms\)$")
VERDICTS = {"OK": ("run", ""), "FAILED": ("fail", "Failed"), "SKIPPED": ("notrun", "SKIP_REGULAR_EXPRESSION_MATCHED")}
OUTPUT_MAX = 400_000
LINES_MAX = 10_000  # of a test's output


@dataclasses.dataclass
class Group:
    """Tests of one program."""

    command: tuple[str, ...]
    folder: str
    seconds_max: float  # of a test
    names: dict[str, str]  # GoogleTest's to CTest's


@dataclasses.dataclass
class Outcome:
    name: str
    status: str  # CTest's: run, fail, notrun
    why: str
    output: str


def groups_of(listed):
    """The GoogleTest programs among what `ctest --show-only=json-v1` lists, in pieces."""
    programs = {}
    for test in listed["tests"]:
        command = test.get("command", [])
        wanted = [word for word in command if word.startswith(FILTER)]
        if not wanted:
            if "/" in test["name"]:  # what CTest is told to leave out
                raise SystemExit(f"whole_programs.py: {test['name']}: found no {FILTER} in its command")
            continue
        properties = {each["name"]: each["value"] for each in test["properties"]}
        words = tuple(word for word in command if word not in (wanted[0], "--gtest_also_run_disabled_tests"))
        key = (words, properties["WORKING_DIRECTORY"], properties["TIMEOUT"])
        name = wanted[0].removeprefix(FILTER)
        if name in programs.setdefault(key, {}):
            raise SystemExit(f"whole_programs.py: {test['name']} and {programs[key][name]} are the same test")
        programs[key][name] = test["name"]
    groups = []
    for key, names in programs.items():
        pieces = -(-len(names) // TESTS_MAX)
        ordered = list(names.items())
        groups += [Group(*key, dict(ordered[piece::pieces])) for piece in range(pieces)]
    return sorted(groups, key=lambda group: -len(group.names))


class Reader:
    """The lines of a process, as they come, each with a time limit."""

    def __init__(self, process, seconds_max):
        self.process, self.seconds_max, self.late = process, seconds_max, False

    def __iter__(self):
        selector = selectors.DefaultSelector()
        descriptor = self.process.stdout.fileno()
        selector.register(descriptor, selectors.EVENT_READ)
        rest, deadline = b"", time.monotonic() + self.seconds_max
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                self.late = True
                self.process.kill()
                return
            piece = os.read(descriptor, 65536)
            if not piece:
                break
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                text = line.decode(errors="replace")
                if BEGAN.search(text):
                    deadline = time.monotonic() + self.seconds_max
                yield text
        if rest:
            yield rest.decode(errors="replace")


def start(group, names):
    environment = {**os.environ, "GTEST_FILTER": ":".join(names), "GTEST_COLOR": "no",
                   "GTEST_ALSO_RUN_DISABLED_TESTS": "1"}
    return subprocess.Popen(group.command, cwd=group.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=environment)


def run_once(group, names):
    """Runs tests in one process: the outcomes of those that began."""
    outcomes, current, output, code_expected = [], None, [], 0
    with start(group, names) as process:
        lines = Reader(process, group.seconds_max)
        for line in lines:
            if began := BEGAN.search(line):
                current, output = began[1], []
            if len(output) < LINES_MAX:
                output.append(line)
            ended = ENDED.search(line)
            if ended and ended[2] == current:
                outcomes.append(Outcome(group.names[current], *VERDICTS[ended[1].strip()], "\n".join(output)))
                code_expected |= outcomes[-1].status == "fail"
    text, code = "\n".join(output), process.returncode
    if current is not None and (not outcomes or outcomes[-1].name != group.names[current]):
        why = f"not ended after {group.seconds_max:g} s" if lines.late else f"the process ended with {code}"
        outcomes.append(Outcome(group.names[current], "fail", why, text))
    elif outcomes and code != code_expected:
        why = "the process did not end" if lines.late else f"behind it the process ended with {code}"
        outcomes[-1] = dataclasses.replace(outcomes[-1], status="fail", why=why, output=text)
    return outcomes


def run_group(group):
    """The outcomes of all tests of a group, in as many processes as that takes."""
    outcomes, left = [], dict(group.names)
    while left:
        began = run_once(group, left)
        if not began:
            outcomes += [Outcome(name, "fail", "its process ended before it began", "") for name in left.values()]
            break
        outcomes += began
        done = {outcome.name for outcome in began}
        left = {name: listed for name, listed in left.items() if listed not in done}
    return group, outcomes


def write_report(path, outcomes):
    suite = xml.Element("testsuite", tests=str(len(outcomes)))
    for outcome in sorted(outcomes, key=lambda outcome: outcome.name):
        case = xml.SubElement(suite, "testcase", name=outcome.name, classname=outcome.name, status=outcome.status)
        if outcome.status == "fail":
            xml.SubElement(case, "failure", message=outcome.why)
        if outcome.status == "notrun":
            xml.SubElement(case, "skipped", message=outcome.why)
        if outcome.status != "run":
            text = re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd]", "?", outcome.output[:OUTPUT_MAX])
            xml.SubElement(case, "system-out").text = text
    xml.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def main(build_folder, report):
    listed = subprocess.run(["ctest", "--test-dir", build_folder, "--show-only=json-v1"], check=True,
                            capture_output=True, text=True).stdout
    groups = groups_of(json.loads(listed))
    if not groups:
        print(f"whole_programs.py: {build_folder} has no test of GoogleTest", file=sys.stderr)
        return 1
    outcomes, total = [], sum(len(group.names) for group in groups)
    # Most tests wait most of the time.
    with concurrent.futures.ThreadPoolExecutor(2 * len(os.sched_getaffinity(0))) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run_group, group) for group in groups]):
            group, ended = done.result()
            outcomes += ended
            failed = [outcome for outcome in ended if outcome.status == "fail"]
            print(f"{len(outcomes):6,} of {total:,}  {os.path.basename(group.command[0])}: {len(ended)} tests, "
                  f"{len(failed)} failed", flush=True)
            for outcome in failed:
                print(f"{outcome.output}\n  *** {outcome.name}: {outcome.why}", flush=True)
    write_report(report, outcomes)
    return 8 if any(outcome.status == "fail" for outcome in outcomes) else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(f"usage: whole_programs.py BUILD_FOLDER REPORT.xml, found {len(sys.argv) - 1} arguments")
    sys.exit(main(*sys.argv[1:]))
