"""Runs fuzzers and says how fast they were, what they found and what they reach.

    fuzz.py run NAME... --minutes N --workers N     libFuzzer programs of build/fuzz, one fuzzer after the other
    fuzz.py coverage NAME...                        what the inputs reach, by the programs of build/coverage

Inputs are the committed ones, fuzz/corpus/NAME, and those that were found here, build/fuzz/corpus/NAME. What
a fuzzer is about says its line "// Parser: FILE..." (patterns from the root of the tree).

A run is cut in slices, after each of which all workers start with what any has found: the rate that is
printed is the median of the slices, with the least and the most.
"""

import argparse
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
COVERAGE = ROOT / "build/coverage"
LLVM = pathlib.Path("/usr/lib/llvm-19/bin")
SLICES = 5
KINDS = ("regions", "branches", "lines")
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


def run_slice(name, seconds, workers):
    """[(text, exit code)] of each worker, and how long they took."""
    corpus, logs = FUZZ / "corpus" / name, FUZZ / "logs"
    for folder in (corpus, logs, FUZZ / "findings"):
        folder.mkdir(parents=True, exist_ok=True)
    dictionary = ROOT / "fuzz" / f"{name}.dict"
    command = [FUZZ / "bin" / f"fuzz_{name}", f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
               "-reload=1", "-print_final_stats=1", f"-artifact_prefix={FUZZ / 'findings' / name}-",
               *([f"-dict={dictionary}"] if dictionary.is_file() else []), corpus, *inputs_of(name)[1:]]
    paths = [logs / f"{name}-{worker}.log" for worker in range(workers)]
    began = time.monotonic()
    started = []
    for path in paths:
        with path.open("w") as log:
            started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
    codes = [each.wait() for each in started]
    return [(path, code) for path, code in zip(paths, codes)], time.monotonic() - began


def run_one(name, minutes, workers):
    ran = Ran(0, [], [], [])
    for _ in range(SLICES):
        ended, seconds = run_slice(name, max(1, round(60 * minutes / SLICES)), workers)
        executed = 0
        for path, code in ended:
            text = path.read_text(errors="replace")
            executed += sum(map(int, EXECUTED.findall(text)))
            found = FOUND.findall(text)
            ran.findings += found
            if code != 0 and not found:
                ran.failures.append(f"{path}: exit code {code}: {text[-500:]}")
        ran.executions += executed
        ran.rates.append(executed / seconds)
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


def unreached(data):
    """'FILE:LINE: what' of what no input reaches: lines that no execution came to, and conditions
    that were never true or never false."""
    found = []
    for entry in data["files"]:
        path = pathlib.Path(entry["filename"]).relative_to(ROOT)
        dark = {at[0] for at in entry["segments"] if at[3] and at[4] and at[2] == 0}
        outcomes = {}  # of each condition, over all instantiations
        for line, column, _, _, taken, not_taken, *_ in entry["branches"]:
            before = outcomes.get((line, column), (0, 0))
            outcomes[line, column] = (before[0] + taken, before[1] + not_taken)
        told = {line: "never reached" for line in dark}
        for (line, column), (taken, not_taken) in outcomes.items():
            if (taken == 0) != (not_taken == 0):
                told.setdefault(line, f"column {column} never {'true' if taken == 0 else 'false'}")
        found += [f"{path}:{line}: {what}" for line, what in sorted(told.items())]
    return found


def cover(name):
    files = parser_files(name)
    merged, inputs = profile(name)
    data = exported(name, merged, files)
    result = {"name": name, "inputs": inputs, "files": [str(path.relative_to(ROOT)) for path in files],
              "unreached": unreached(data)}
    for kind in KINDS:
        result[kind] = {what: sum(entry["summary"][kind][what] for entry in data["files"])
                        for what in ("covered", "count")}
    return result


def share(found):
    return f"{100 * found['covered'] / found['count']:5.1f} % of {found['count']:5d}" if found["count"] else "-"


def table(results):
    """Of what was run, what was covered, or both."""
    ran, covered = any("executions" in each for each in results), any("regions" in each for each in results)
    head = f"{'fuzzer':<18}"
    if ran:
        head += f"{'executions':>13}{'per second':>12}{'(least - most)':>21}{'findings':>10}"
    if covered:
        head += f"{'inputs':>8}" + "".join(f"{kind:>18}" for kind in KINDS)
    lines = [head]
    for each in results:
        line = f"{each['name']:<18}"
        if ran:
            spread = f"({each['per_second_least']:,.0f} - {each['per_second_most']:,.0f})"
            line += f"{each['executions']:>13,}{each['per_second']:>12,.0f}{spread:>21}"
            line += f"{len(each['findings']) + len(each['failures']):>10}"
        if covered:
            line += f"{each['inputs']:>8}" + "".join(f"{share(each[kind]):>18}" for kind in KINDS)
        lines.append(line)
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["run", "coverage", "both"])
    parser.add_argument("names", nargs="+")
    parser.add_argument("--minutes", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--unreached", action="store_true")
    parser.add_argument("--json")
    asked = parser.parse_args()
    results = []
    for name in asked.names:
        result = {"name": name}
        if asked.what != "coverage":
            print(f"==> fuzzing {name} for {asked.minutes} min", file=sys.stderr, flush=True)
            result |= run_one(name, asked.minutes, asked.workers)
        if asked.what != "run":
            result |= cover(name)
        results.append(result)
    print(table(results))
    for each in results:
        for trouble in [*each.get("findings", []), *each.get("failures", [])]:
            print(f"{each['name']}: {trouble}")
        if asked.unreached:
            print("\n".join(each["unreached"]))
    if asked.json:
        pathlib.Path(asked.json).write_text(json.dumps(results, indent=2) + "\n")
    return 1 if any(each.get("findings") or each.get("failures") for each in results) else 0


if __name__ == "__main__":
    sys.exit(main())
