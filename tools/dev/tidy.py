#!/usr/bin/env python3
"""Runs clang-tidy on the sources of a compile database, and remembers what was clean.

Usage: tidy.py BUILD_FOLDER JOBS

A file is looked at again only when it, a header of ours that it includes (directly or not), its
compile command, .clang-tidy or clang-tidy itself changed. The memory is one empty file for each
clean result, in build/tidy; it may be deleted at any time.
"""

import hashlib
import json
import re
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


def options_of(entry):
    path = Path(entry["file"])
    is_test = path.stem.endswith("_test") or path.is_relative_to(ROOT / "tests")
    return [TEST_CHECKS] if is_test else []


def key_of(entry, settings):
    parts = [settings, entry["command"], *options_of(entry)]
    parts += [f"{path}:{digest(path)}" for path in all_includes(Path(entry["file"]))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def database(build):
    """One entry for each source of this tree that is not generated."""
    entries = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(entry["file"]).resolve()
        if path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / "build"):
            entries[path] = {"file": str(path), "command": entry["command"]}
    return [entries[path] for path in sorted(entries)]


def run_tidy(build, entry):
    command = [TIDY, "--quiet", "-p", str(build), *options_of(entry), entry["file"]]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout if result.returncode else ""


def show_progress(done, total):
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\rclang-tidy {done}/{total}", end=end, file=sys.stderr, flush=True)


def main(build, jobs):
    version = subprocess.run([TIDY, "--version"], capture_output=True, text=True, check=True).stdout
    settings = version + (ROOT / ".clang-tidy").read_text()
    MEMORY.mkdir(parents=True, exist_ok=True)
    entries = database(build)
    open_entries = [(entry, MEMORY / key_of(entry, settings)) for entry in entries]
    open_entries = [(entry, mark) for entry, mark in open_entries if not mark.exists()]
    print(f"clang-tidy: {len(open_entries)} of {len(entries)} files to look at", file=sys.stderr)

    failed = 0
    with ThreadPoolExecutor(jobs) as pool:
        pending = {pool.submit(run_tidy, build, entry): mark for entry, mark in open_entries}
        for done, future in enumerate(as_completed(pending), 1):
            code, output = future.result()
            show_progress(done, len(open_entries))
            if code == 0:
                pending[future].touch()
            else:
                failed += 1
                print(output, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), int(sys.argv[2])))
