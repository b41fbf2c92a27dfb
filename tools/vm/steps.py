"""What the matrix runs in each machine, and how it reads what came of it."""

import re
import shlex
import xml.etree.ElementTree as xml
from collections import Counter
from dataclasses import dataclass, field

from truth import ordered

GTEST_REASON = re.compile(r"[^\n]*\n(.*)", re.DOTALL)  # the first line says where
SKIPPED = 77
SPARE_SECONDS = 5  # of a step's limit, to show what failed in


# Of the log of a test program: what the cases printed that failed, and the one that did not end.
SHOW = """show() { awk '/^\\[ RUN/ { block = "" } { block = block $0 "\\n" }
  /^\\[  FAILED  \\].* ms\\)$/ { printf "%s", block; block = "" }
  /^\\[ *(OK|SKIPPED) \\].* ms\\)$/ { block = "" }
  END { if (block ~ /^\\[ RUN/) printf "%sit did not end\\n", block }' "$1"; }"""


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
    # On some kernels the rings of all of a user's programs are charged to one RLIMIT_MEMLOCK.
    lines = [f"export GTEST_TOTAL_SHARDS={shards}", f"ulimit -S -l $(({shards} * $(ulimit -S -l)))", SHOW]
    lines += [f"GTEST_SHARD_INDEX={shard} timeout -s KILL {seconds - SPARE_SECONDS} ./{program} "
              f"--gtest_color=no{chosen} --gtest_output=xml:$OUT/{report} >$OUT/{report}.log 2>&1 & "
              f"shard{shard}=$!" for shard, report in enumerate(reports)]
    lines += [f"wait $shard{shard}; status{shard}=$?; [ $status{shard} = 0 ] || "
              f"show $OUT/{report}.log" for shard, report in enumerate(reports)]
    lines.append("exit $((" + " | ".join(f"status{shard}" for shard in range(shards)) + "))")
    return Step(name, "\n".join(lines), seconds, reports)


PROBE = Step("probe", "./myra probe --json >$OUT/probe.json", 60)
# The others ask nothing of the kernel.
LAYERS = ("memory", "io", "io_epoll", "io_uring", "reactor", "transport")
# Those that hold a page of the documentation against the code are for the source tree.
UNITS = [gtest(f"{layer}_test", 600, "-*.the_page_*") for layer in LAYERS]
# Some kernels charge rings to RLIMIT_MEMLOCK, for all but root.
LITTLE_MEMORY = Step("echo with 64 KiB locked", "ulimit -l 64 && ./echo.sh auto", 200)
ZERO_COPY = Step("zero copy", "./zero_copy.sh", 200)  # makes network devices its own: as root
ZCRX = Step("zcrx", "./zcrx.sh", 400)  # takes CAP_NET_ADMIN: as root
SCRIPTS = ("echo.sh", "kv.sh", "zero_copy.sh", "zcrx.sh")
REQUIRED_PARTS = ("probe",)  # of docs/kernels.md; it says which others there were
PROGRAMS = ("myra", "myra-kv", "redis-cli", "redis-benchmark", "conformance_test",
            *(f"{layer}_test" for layer in LAYERS))
BOTH_BACKENDS = ("uring", "epoll")
# Variants that no feature of the kernel makes: they run where uring does first and last.
OTHER_VARIANTS = ("uring_spin_then_block", "epoll_spin_then_block", "uring_ipv6", "epoll_ipv6",
                  "uring_unix_path", "epoll_unix_path", "uring_unix_abstract",
                  "epoll_unix_abstract")
# The simulated network asks nothing of the kernel.
NO_KERNEL = ("sim", "sim_ipv6", "sim_unix_path", "sim_unix_abstract",
             "sim_without_segmentation_and_coalescing")
VARIANTS_OF_A_MACHINE = 3


def traffic(backends):
    """The echo server with its verifying client, and the key-value server under Redis's."""
    return [Step(f"{program} {backend}", f"./{program}.sh {backend}", 200)
            for program in ("echo", "kv") for backend in backends]


def cases(variants, seconds, name="conformance", shards=3, topics=("*",)):
    """The conformance suite in some variants. Most cases wait most of the time."""
    only = ":".join(f"*/{topic}.*/{variant}" for topic in topics for variant in variants)
    step = gtest("conformance_test", seconds, only, shards)
    return Step(name, step.command, step.seconds, step.reports)


@dataclass(frozen=True)
class Machine:
    """What one virtual machine runs, as whom."""

    part: str
    steps: dict  # user -> steps
    two_nics: bool = False
    variants: tuple = ()  # of the conformance suite

    @property
    def users(self):
        return tuple(self.steps)

    @property
    def name(self):
        return f"{self.part} as {' and '.join(self.users)}"

    @property
    def seconds(self):
        return sum(step.seconds for steps in self.steps.values() for step in steps)


def variants_of(series, all_series, features, uring_since):
    """The variants to run on this kernel: each on the oldest of the kernels that has what it
    switches, where that is youngest, and on the newest."""
    def runs_since(since):
        there = [each for each in all_series if ordered(each) >= ordered(since)]
        return bool(there) and series in (there[0], there[-1])

    found = [variant for feature in features.values() if feature.variants and runs_since(
        max(feature.since, uring_since, key=ordered)) for variant in feature.variants]
    return found + (list(OTHER_VARIANTS) if runs_since(uring_since) else [])


def full(series, all_series, features, uring_since):
    """The machines of a kernel's whole part of the matrix."""
    backend = "uring" if ordered(series) >= ordered(uring_since) else "epoll"
    as_root = [*traffic(("auto", "epoll") if backend == "uring" else ("auto",)), ZERO_COPY, ZCRX]
    machines = [Machine("probe", {user: [PROBE] for user in ("root", "user")}),
                Machine("layers", {"root": [PROBE, *UNITS, *as_root]}, two_nics=True),
                Machine("layers", {"user": [PROBE, *UNITS, *traffic(("auto",)), LITTLE_MEMORY]})]
    machines.append(Machine("cases", {"root": [PROBE, cases(BOTH_BACKENDS, 450)]},
                            variants=BOTH_BACKENDS))
    # What epoll may do does not depend on who asks.
    machines.append(Machine("cases", {"user": [PROBE, cases((backend,), 450)]},
                            variants=(backend,)))
    variants = variants_of(series, all_series, features, uring_since)
    for number, first in enumerate(range(0, len(variants), VARIANTS_OF_A_MACHINE), 1):
        chosen = variants[first:first + VARIANTS_OF_A_MACHINE]
        machines.append(Machine(f"features {number}",
                                {"root": [PROBE, cases(chosen, 450, f"variants {number}")]},
                                variants=tuple(chosen)))
    return machines


# What differs most from kernel to kernel.
SHORT_TOPICS = ("accepting_case", "receiving_case", "sending_case", "closing_case", "driving_case")


def short():
    """As much as an emulated machine can do in a minute or two."""
    return [Machine("short", {
        "root": [PROBE],
        "user": [PROBE, gtest("memory_test", 100), cases(("uring",), 200, topics=SHORT_TOPICS),
                 Step("kv auto", "./kv.sh auto brief", 100)],
    })]


def files(suite):
    """The scripts of the steps of each user, by their names below /t/steps."""
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
