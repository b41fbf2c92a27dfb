"""Runs fuzzers and says how fast they were, what they found and what they reach.

    fuzz.py run NAME... --minutes N --workers N     libFuzzer programs of build/fuzz, one fuzzer after the other
    fuzz.py coverage NAME...                        what the inputs reach, by the programs of build/coverage

Inputs are the committed ones, fuzz/corpus/NAME, and those that were found here, build/fuzz/corpus/NAME. What
a fuzzer is about says its line "// Parser: FILE..." (patterns from the root of the tree).

A run is cut in slices, after each of which all workers start with what any has found: the rate that is
printed is the median of the slices, with the least and the most. A run to a number of executions is made by the
programs of build/fuzz_fast, which have no sanitizers and are several times as fast; all inputs are run by those of
build/fuzz too behind each slice, so that what a sanitizer would say of any that reached something new is said.

Of the files that a fuzzer is about, at least REGIONS_MIN of the regions of code have to be reached, which are
counted as they stand in the source: one of a template counts once, and is reached when that of any instance is.
What no input can reach is listed in fuzz/out_of_reach.txt, a line each: "FILE | LINE | WHY". Those regions that
begin in that line and are not reached do not count, nor does what lies within them. A line that is not there
any more, or all of which is reached, is a mistake.
"""

import argparse
import collections
import dataclasses
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FUZZ = ROOT / "build/fuzz"
FAST = ROOT / "build/fuzz_fast"
COVERAGE = ROOT / "build/coverage"
LLVM = pathlib.Path("/usr/lib/llvm-19/bin")
SLICES = 5
SLICE_SECONDS = 60  # of a run to a number of executions
REGIONS_MIN = 0.95
OUT_OF_REACH = ROOT / "fuzz/out_of_reach.txt"
KINDS = ("regions", "branches")
EXECUTED = re.compile(r"^stat::number_of_executed_units:\s*(\d+)$", re.MULTILINE)
FOUND = re.compile(r"Test unit written to (\S+)$", re.MULTILINE)


def failed(why):
    raise SystemExit(f"fuzz: {why}")


def inputs_of(name):
    """The folders that there are."""
    return [folder for folder in (FUZZ / "corpus" / name, ROOT / "fuzz/corpus" / name) if folder.is_dir()]


@dataclasses.dataclass
class Ran:
    """What all slices of a fuzzer came to."""

    executions: int
    rates: list[float]  # executions/s of all workers together, by slice
    findings: list[str]
    failures: list[str]  # logs of workers that ended badly without an input


def run_slice(programs, name, workers, *arguments):
    """[(log, exit code)] of each worker, and how long they took."""
    corpus, logs = FUZZ / "corpus" / name, FUZZ / "logs"
    for folder in (corpus, logs, FUZZ / "findings"):
        folder.mkdir(parents=True, exist_ok=True)
    dictionary = ROOT / "fuzz" / f"{name}.dict"
    command = [programs / "bin" / f"fuzz_{name}", *arguments, "-timeout=10", "-rss_limit_mb=2048",
               "-reload=1", "-print_final_stats=1", f"-artifact_prefix={FUZZ / 'findings' / name}-",
               *([f"-dict={dictionary}"] if dictionary.is_file() else []), corpus, *inputs_of(name)[1:]]
    paths = [logs / f"{name}-{programs.name}-{worker}.log" for worker in range(workers)]
    began = time.monotonic()
    started = []
    for path in paths:
        with path.open("w") as log:
            started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
    codes = [each.wait() for each in started]
    return [(path, code) for path, code in zip(paths, codes)], time.monotonic() - began


def lengths_of_slices(minutes, executions, ran):
    """In seconds: as many as it takes to come to that many executions, where they are asked for."""
    if not executions:
        yield from [max(1, round(60 * minutes / SLICES))] * SLICES
        return
    while ran.executions < executions and not ran.findings and not ran.failures:
        yield SLICE_SECONDS


def run_one(name, minutes, executions, workers):
    ran = Ran(0, [], [], [])
    programs = FAST if executions else FUZZ
    for length in lengths_of_slices(minutes, executions, ran):
        ended, seconds = run_slice(programs, name, workers, f"-max_total_time={length}")
        executed = sum(int(count) for path, _ in ended
                       for count in EXECUTED.findall(path.read_text(errors="replace")))
        if executions:
            ended += run_slice(FUZZ, name, 1, "-runs=0")[0]
        for path, code in ended:
            text = path.read_text(errors="replace")
            found = FOUND.findall(text)
            ran.findings += found
            if code != 0 and not found:
                ran.failures.append(f"{path}: exit code {code}: {text[-500:]}")
        ran.executions += executed
        ran.rates.append(executed / seconds)
        print(f"    {name}: {ran.executions:,} executions", file=sys.stderr, flush=True)
    return {"name": name, "executions": ran.executions, "per_second": statistics.median(ran.rates),
            "per_second_least": min(ran.rates), "per_second_most": max(ran.rates),
            "findings": ran.findings, "failures": ran.failures}


def parser_files(name):
    """What the fuzzer is about. A pattern that names nothing is a mistake."""
    source = ROOT / "fuzz" / f"{name}.cpp"
    patterns = [word.strip(",") for line in source.read_text().splitlines() if line.startswith("// Parser: ")
                for word in line.removeprefix("// Parser: ").split()]
    if not patterns:
        failed(f"{source}: found no line '// Parser: FILE...'")
    files = []
    for pattern in patterns:
        matched = [path for path in sorted(ROOT.glob(pattern)) if not path.stem.endswith("_test")]
        if not matched:
            failed(f"{source}: '{pattern}' names no file")
        files += [path for path in matched if path not in files]
    return files


def profile(name):
    """Runs the inputs; the merged profile."""
    profiles = COVERAGE / "fuzz"
    profiles.mkdir(parents=True, exist_ok=True)
    raw, merged = profiles / f"{name}.profraw", profiles / f"{name}.profdata"
    ran = subprocess.run([COVERAGE / "bin" / f"fuzz_{name}", *inputs_of(name)], capture_output=True, text=True,
                         errors="replace", env={**os.environ, "LLVM_PROFILE_FILE": str(raw)})
    if ran.returncode != 0:
        failed(f"fuzz_{name} ended with {ran.returncode} at {ran.stdout.splitlines()[-1:]}: {ran.stderr[-500:]}")
    subprocess.run([LLVM / "llvm-profdata", "merge", "-sparse", raw, "-o", merged], check=True)
    raw.unlink()
    return merged, int(re.search(r"^(\d+) inputs replayed$", ran.stdout, re.MULTILINE)[1])


def exported(name, merged, files):
    command = [LLVM / "llvm-cov", "export", COVERAGE / "bin" / f"fuzz_{name}", f"-instr-profile={merged}", *files]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["data"][0]


@dataclasses.dataclass(frozen=True, order=True)
class Region:
    """A piece of a file, from a line and column to another."""

    path: str
    begin: tuple[int, int]
    end: tuple[int, int]

    def holds(self, path, at):
        return path == self.path and self.begin <= at < self.end


def regions_of(data, files):
    """{region: how often it was run}, over all instances."""
    CODE = 0
    wanted = {str(path) for path in files}
    counts = collections.Counter()
    for function in data["functions"]:
        for line, column, end_line, end_column, count, file, _, kind in function["regions"]:
            path = function["filenames"][file]
            if kind == CODE and path in wanted:
                counts[Region(path, (line, column), (end_line, end_column))] += count
    return counts


def outcomes_of(data):
    """{(path, place): (how often true, how often false)} of conditions, over all instances."""
    outcomes = {}
    for entry in data["files"]:
        for line, column, _, _, taken, not_taken, *_ in entry["branches"]:
            key = entry["filename"], (line, column)
            before = outcomes.get(key, (0, 0))
            outcomes[key] = before[0] + taken, before[1] + not_taken
    return outcomes


def out_of_reach(files):
    """(path, number) of each listed line of these files."""
    found = []
    listed = [line for line in OUT_OF_REACH.read_text().splitlines() if line and not line.startswith("#")]
    for entry in listed:
        name, text, why = (part.strip() for part in entry.split(" | "))
        if ROOT / name not in files:
            continue
        lines = (ROOT / name).read_text().splitlines()
        numbers = [number for number, line in enumerate(lines, 1) if line.strip() == text]
        if len(numbers) != 1 or not why:
            failed(f"{OUT_OF_REACH}: '{text}' stands {len(numbers)} times in {name}, expected once, and a reason")
        found.append((str(ROOT / name), numbers[0]))
    return found


def excused(regions, listed):
    """The regions that do not count."""
    outer = []
    for path, number in listed:
        here = [each for each, count in regions.items()
                if each.path == path and each.begin[0] == number and count == 0]
        if not here:
            failed(f"{OUT_OF_REACH}: line {number} of {path} is reached")
        outer += here
    return outer


def places(regions, outcomes):
    """'FILE:LINE: what' of what no input reaches: regions that no execution came to, and conditions
    that were never true or never false."""
    told = {(each.path, each.begin[0]): "never reached" for each, count in regions.items() if count == 0}
    for (path, (line, column)), (taken, not_taken) in outcomes.items():
        if (taken == 0) != (not_taken == 0):
            told.setdefault((path, line), f"column {column} never {'true' if taken == 0 else 'false'}")
    return [f"{pathlib.Path(path).relative_to(ROOT)}:{line}: {what}" for (path, line), what in sorted(told.items())]


def cover(name):
    files = parser_files(name)
    merged, inputs = profile(name)
    data = exported(name, merged, files)
    regions = regions_of(data, files)
    outer = excused(regions, out_of_reach(files))
    counting = {each: count for each, count in regions.items()
                if not any(large.holds(each.path, each.begin) for large in outer)}
    outcomes = {key: found for key, found in outcomes_of(data).items()
                if not any(large.holds(*key) for large in outer)}
    return {"name": name, "inputs": inputs, "files": [str(path.relative_to(ROOT)) for path in files],
            "unreached": places(counting, outcomes),
            "out_of_reach": len(regions) - len(counting),
            "regions": {"count": len(counting), "covered": sum(count > 0 for count in counting.values())},
            "branches": {"count": 2 * len(outcomes),
                         "covered": sum((a > 0) + (b > 0) for a, b in outcomes.values())}}


def is_short(result):
    """Whether too little is reached."""
    found = result.get("regions")
    return found is not None and found["covered"] < REGIONS_MIN * found["count"]


def share(found):
    return f"{100 * found['covered'] / found['count']:5.1f} % of {found['count']:5d}" if found["count"] else "-"


def table(results):
    """Of what was run, what was covered, or both."""
    ran, covered = any("executions" in each for each in results), any("regions" in each for each in results)
    head = f"{'fuzzer':<18}"
    if ran:
        head += f"{'executions':>13}{'per second':>12}{'(least - most)':>21}{'findings':>10}"
    if covered:
        head += f"{'inputs':>8}" + "".join(f"{kind:>18}" for kind in KINDS) + f"{'out of reach':>14}"
    lines = [head]
    for each in results:
        line = f"{each['name']:<18}"
        if ran:
            spread = f"({each['per_second_least']:,.0f} - {each['per_second_most']:,.0f})"
            line += f"{each['executions']:>13,}{each['per_second']:>12,.0f}{spread:>21}"
            line += f"{len(each['findings']) + len(each['failures']):>10}"
        if covered:
            line += f"{each['inputs']:>8}" + "".join(f"{share(each[kind]):>18}" for kind in KINDS)
            line += f"{each['out_of_reach']:>14}"
        lines.append(line)
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["run", "coverage", "both"])
    parser.add_argument("names", nargs="+")
    parser.add_argument("--minutes", type=int, default=1)
    parser.add_argument("--executions", type=int, default=0, help="as long as that takes, not --minutes")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--unreached", action="store_true")
    parser.add_argument("--json")
    asked = parser.parse_args()
    results = []
    for name in asked.names:
        result = {"name": name}
        if asked.what != "coverage":
            length = f"{asked.executions:,} executions" if asked.executions else f"{asked.minutes} min"
            print(f"==> fuzzing {name} for {length}", file=sys.stderr, flush=True)
            result |= run_one(name, asked.minutes, asked.executions, asked.workers)
        if asked.what != "run":
            result |= cover(name)
        results.append(result)
    print(table(results))
    for each in results:
        for trouble in [*each.get("findings", []), *each.get("failures", [])]:
            print(f"{each['name']}: {trouble}")
        if asked.unreached:
            print("\n".join(each["unreached"]))
        if is_short(each):
            print(f"{each['name']}: less than {REGIONS_MIN:.0%} of the regions are reached")
    if asked.json:
        pathlib.Path(asked.json).write_text(json.dumps(results, indent=2) + "\n")
    wrong = [each for each in results if each.get("findings") or each.get("failures") or is_short(each)]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
