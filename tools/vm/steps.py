"""What the matrix runs in each machine, and how it reads what came of it."""

import re
import shlex
import xml.etree.ElementTree as xml
from collections import Counter
from dataclasses import dataclass, field

SHORT_VARIANTS = "*/uring:*/epoll"
GTEST_REASON = re.compile(r"[^\n]*\n(.*)", re.DOTALL)  # the first line says where
URING_REASON = "io_uring is used from"
SKIPPED = 77


@dataclass(frozen=True)
class Step:
    name: str
    command: str
    seconds: int
    reports: tuple = ()  # of GoogleTest, under /out/USER


def gtest(program, seconds, only="", shards=1):
    """A test program, all its cases or some; in shards it runs as often at the same time, for cases
    that mostly wait."""
    name = program.removesuffix("_test")
    chosen = f" --gtest_filter={shlex.quote(only)}" if only else ""
    reports = tuple(f"{name}.{shard}.xml" for shard in range(shards))
    lines = [f"export GTEST_TOTAL_SHARDS={shards}"]
    lines += [f"GTEST_SHARD_INDEX={shard} ./{program} --gtest_brief=1 --gtest_color=no{chosen} "
              f"--gtest_output=xml:$OUT/{report} & shard{shard}=$!"
              for shard, report in enumerate(reports)]
    lines += [f"wait $shard{shard}; status{shard}=$?" for shard in range(shards)]
    lines.append("exit $((" + " | ".join(f"status{shard}" for shard in range(shards)) + "))")
    return Step(name, "\n".join(lines), seconds, reports)


PROBE = Step("probe", "./myra probe --json >$OUT/probe.json", 30)
UNITS = [gtest(f"{layer}_test", 300) for layer in
         ("core", "memory", "io", "io_epoll", "io_uring", "reactor", "framing", "transport")]
TRAFFIC = [Step(f"{program} {backend}", f"./{program}.sh {backend}", 200)
           for program in ("echo", "kv") for backend in ("auto", "epoll")]
# Some kernels charge rings to RLIMIT_MEMLOCK, for all but root.
TRAFFIC.append(Step("echo with 64 KiB locked", "ulimit -l 64 && ./echo.sh auto", 200))
ZCRX = Step("zcrx", "./zcrx.sh", 400)  # takes CAP_NET_ADMIN: as root
EVERY_VARIANT = [PROBE, *UNITS, gtest("conformance_test", 1500, shards=2), *TRAFFIC, ZCRX]
BOTH_BACKENDS = [PROBE, *UNITS, gtest("conformance_test", 600, SHORT_VARIANTS, shards=2), *TRAFFIC]
# What root's run says of io_uring without one of its features holds for other users as well.
FULL = {"root": EVERY_VARIANT, "user": BOTH_BACKENDS}
SHORT = {"root": BOTH_BACKENDS, "user": BOTH_BACKENDS}

PROGRAMS = ["myra", "myra-kv", "redis-cli", "redis-benchmark", "conformance_test",
            *(f"{step.name}_test" for step in UNITS)]


def files(suite):
    """The scripts of the steps, by their names below /t/steps."""
    return {f"{user}-{number}": step.command + "\n"
            for user, steps in suite.items() for number, step in enumerate(steps)}


def script(suite):
    """The guest's shell script: each step as each user, what it left under /out/USER."""
    lines = ["#!/bin/sh", "cd /t",
             "step() {  # USER NAME SECONDS FILE",
             '  read begin _ </proc/uptime',
             '  echo "== $1: $2"',
             '  command="cd /t && export OUT=/out/$1 && timeout -s KILL $3 sh /t/steps/$4"',
             '  if [ "$1" = root ]; then sh -c "$command"; else su -s /bin/sh "$1" -c "$command"; fi',
             '  status=$?',
             '  read end _ </proc/uptime',
             '  echo "$2|$status|$begin|$end" >>/out/$1/steps',
             "}"]
    for user, steps in suite.items():
        lines.append(f"mkdir -p /out/{user} && chown {user} /out/{user}")
        for number, step in enumerate(steps):
            lines.append(f"step {user} {shlex.quote(step.name)} {step.seconds} {user}-{number}")
    return "\n".join(lines) + "\n"


@dataclass
class Result:
    name: str
    status: int
    seconds: float
    passed: int = 0
    failed: list = field(default_factory=list)  # names of cases, or what went wrong
    skipped: Counter = field(default_factory=Counter)  # reason -> cases

    @property
    def fine(self):
        return self.status == 0 and not self.failed


def skip_reason(case):
    message = case.find("skipped").get("message") or ""
    found = GTEST_REASON.match(message)
    return " ".join((found.group(1) if found else message).split()) or "no reason given"


def read_gtest(result, report):
    """Counts the cases of a GoogleTest report; a program that died wrote none."""
    if report is None:
        result.failed.append(f"{result.name} ended with {result.status} and no report")
        return
    for case in xml.fromstring(report).iter("testcase"):
        if case.find("failure") is not None:
            result.failed.append(f"{case.get('classname')}.{case.get('name')}")
        elif case.get("result") == "skipped":
            result.skipped[skip_reason(case)] += 1
        elif case.get("status") == "run":
            result.passed += 1


def read(steps, user, files):
    """The results of one user's steps, from what the machine left; steps that it did not get to
    are failures."""
    done = {}
    for line in files.get(f"{user}/steps", b"").decode().splitlines():
        name, status, begin, end = line.split("|")
        done[name] = Result(name, int(status), float(end) - float(begin))
    results = []
    for step in steps:
        result = done.get(step.name)
        if result is None:
            result = Result(step.name, -1, 0.0, failed=[f"{step.name} did not run to its end"])
        elif step.reports:
            for report in step.reports:
                read_gtest(result, files.get(f"{user}/{report}"))
            if result.passed == 0 and not result.failed and not result.skipped:
                result.failed.append(f"{result.name} ran no case")
        elif result.status == 0:
            result.passed = 1
        elif result.status == SKIPPED and (why := files.get(f"{user}/{step.name}.skipped")):
            result.skipped[why.decode().strip()] = 1
            result.status = 0
        if result.status != 0 and not result.failed:
            result.failed.append(f"{step.name} ended with {result.status}")
        results.append(result)
    return results
