#!/usr/bin/env python3
"""Runs clang-tidy on the sources of a compile database, and remembers what was clean.

Usage: tidy.py BUILD_FOLDER JOBS shipped|rest

"shipped" is what users get or read, "rest" are tests, benchmarks and fuzzers.

A file is looked at again only when it, a header of ours that it includes (directly or not), its
compile command, .clang-tidy or clang-tidy itself changed. The memory is one empty file for each
clean result, in build/tidy; it may be deleted at any time.

Most of the time goes into the headers of the standard library and of GoogleTest, so files of one
folder with the same options are looked at a few at a time, as one text. Only when something is
found in it, which may be no more than a name that two of them use, each is looked at alone.
"""

import hashlib
import json
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path

TIDY = "clang-tidy-19"
ROOT = Path(__file__).resolve().parents[2]
MEMORY = ROOT / "build/tidy"
# In tests the analyzer spends half a minute a file on GoogleTest's macros; a test may open an
# optional unasked, for it fails when there is nothing in it; it may do a thing only to see that it
# can be done; and how fast it is matters little.
TEST_CHECKS = ("--checks=-clang-analyzer-*,-bugprone-unchecked-optional-access,"
               "-bugprone-unused-return-value,-performance-*,-modernize-use-emplace")
BATCH = 6
PROGRAM = re.compile(r"^int main\(|LLVMFuzzerTestOneInput\(", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)


@lru_cache(maxsize=None)
def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=None)
def direct_includes(path):
    """Headers of this tree that the file names, from src/ or beside the file."""
    found = []
    for name in INCLUDE.findall(path.read_text()):
        for candidate in (ROOT / "src" / name, path.parent / name, ROOT / name):
            if candidate.is_file():
                found.append(candidate.resolve())
                break
    return tuple(found)


def all_includes(path):
    seen, open_files = set(), [path]
    while open_files:
        current = open_files.pop()
        if current not in seen:
            seen.add(current)
            open_files.extend(direct_includes(current))
    return sorted(seen)


def is_test(path):
    return path.stem.endswith("_test") or path.is_relative_to(ROOT / "tests")


def is_shipped(path):
    return not is_test(path) and path.relative_to(ROOT).parts[0] in ("src", "tools", "examples")


def options_of(entry):
    return [TEST_CHECKS] if is_test(Path(entry["file"])) else []


def key_of(entry, settings):
    parts = [settings, entry["command"], *options_of(entry)]
    parts += [f"{path}:{digest(path)}" for path in all_includes(Path(entry["file"]))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def database(build, wanted):
    """One entry for each source of this tree that is not generated, shipped or not as wanted."""
    entries = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(entry["file"]).resolve()
        if not path.is_relative_to(ROOT) or path.is_relative_to(ROOT / "build"):
            continue
        if is_shipped(path) == (wanted == "shipped"):
            entries[path] = {"file": str(path), "command": entry["command"]}
    return [entries[path] for path in sorted(entries)]


def run_tidy(build, entry):
    command = [TIDY, "--quiet", "-p", str(build), *options_of(entry), entry["file"]]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout if result.returncode else ""


def compile_options(entry):
    """The words of the compile command that say how to read the source."""
    words, options = iter(shlex.split(entry["command"])), []
    for word in words:
        if word in ("-o", "-MT", "-MF"):
            next(words)
        elif word.startswith("-") and word not in ("-c", "-MD"):
            options.append(word)
        elif options and options[-1] in ("-isystem", "-include"):
            options.append(word)
    return options


def group_of(entry):
    return Path(entry["file"]).parent, tuple(compile_options(entry)), tuple(options_of(entry))


def batches(entries):
    """Lists of at most BATCH entries that can be read as one text; of whole programs, one each."""
    groups = {}
    for entry in entries:
        if PROGRAM.search(Path(entry["file"]).read_text()):
            yield [entry]
            continue
        groups.setdefault(group_of(entry), []).append(entry)
    for group in groups.values():
        count = -(-len(group) // BATCH)
        yield from (group[at::count] for at in range(count))


def joined(paths):
    """The texts one after the other; what an earlier one includes is not included again."""
    seen, lines = set(), []
    for path in paths:
        own = path.read_text().splitlines()
        lines += ["" if INCLUDE.match(line) and line in seen else line for line in own]
        seen.update(line for line in own if INCLUDE.match(line))
    return "\n".join(lines) + "\n"


def is_clean_together(batch):
    folder, options, checks = group_of(batch[0])
    paths = [Path(entry["file"]) for entry in batch]
    text = MEMORY / f"{hashlib.sha256(str(paths).encode()).hexdigest()}.cpp"
    text.write_text(joined(paths))
    command = [TIDY, "--quiet", f"--config-file={ROOT / '.clang-tidy'}", *checks, str(text), "--",
               *options, f"-I{folder}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    text.unlink()
    return result.returncode == 0


def findings(build, batch):
    """What is wrong with each entry of the batch; nothing for a clean one."""
    if len(batch) > 1 and is_clean_together(batch):
        return [""] * len(batch)
    results = [run_tidy(build, entry) for entry in batch]
    return [output or "clang-tidy failed\n" if code else "" for code, output in results]


def show_progress(done, total):
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\rclang-tidy {done}/{total}", end=end, file=sys.stderr, flush=True)


def main(build, jobs, wanted):
    version = subprocess.run([TIDY, "--version"], capture_output=True, text=True, check=True).stdout
    settings = version + (ROOT / ".clang-tidy").read_text()
    MEMORY.mkdir(parents=True, exist_ok=True)
    entries = database(build, wanted)
    marks = {entry["file"]: MEMORY / key_of(entry, settings) for entry in entries}
    unknown = [entry for entry in entries if not marks[entry["file"]].exists()]
    print(f"clang-tidy: {len(unknown)} of {len(entries)} files to look at", file=sys.stderr)

    done = failed = 0
    with ThreadPoolExecutor(jobs) as pool:
        pending = {pool.submit(findings, build, batch): batch for batch in batches(unknown)}
        for future in as_completed(pending):
            for entry, output in zip(pending[future], future.result()):
                done += 1
                if output:
                    failed += 1
                    print(output, flush=True)
                else:
                    marks[entry["file"]].touch()
            show_progress(done, len(unknown))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), int(sys.argv[2]), sys.argv[3]))
