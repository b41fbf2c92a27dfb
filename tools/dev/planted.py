"""Applies each patch of tests/planted to a copy of the tree, one at a time, and sees whether the
test that it names finds it.

A patch begins with a line that says what it breaks, and a line "Caught by: PROGRAM ARGUMENT...",
which is run from the bin folder of the copy's build. The table on standard output tells by what
each was caught. Exit code 1: one does not apply, does not build, or was not caught.
"""

import argparse
import contextlib
import dataclasses
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATCHES = ROOT / "tests/planted"
SCRATCH = ROOT / "build/planted"
TREE = SCRATCH / "tree"
BUILD = SCRATCH / "build"
# What does not end by its time hangs, which is one of the ways of failing. With nothing planted a test has
# this time; with a bug it has ten times of what it took then, and no less than the last.
CLEAN_SECONDS = 120
PLANTED_SECONDS_MIN = 10


@dataclasses.dataclass
class Planted:
    path: pathlib.Path
    what: str
    command: list[str]

    @property
    def program(self):
        return self.command[0]


def read_patch(path):
    lines = path.read_text().splitlines()
    prefix = "Caught by: "
    if len(lines) < 2 or not lines[1].startswith(prefix):
        raise SystemExit(f"{path}: line 2 is {lines[1:2]}, expected '{prefix}PROGRAM ARGUMENT...'")
    return Planted(path, lines[0], shlex.split(lines[1].removeprefix(prefix)))


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", **more)


def copy_tree():
    """What git knows or would add, and of that what differs: an old copy keeps its build."""
    listed = run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"], check=True)
    names = {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}
    for old in [path for path in TREE.rglob("*") if path.is_file()]:
        if str(old.relative_to(TREE)) not in names:
            old.unlink()
    for name in names:
        source, target = ROOT / name, TREE / name
        if target.is_file() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        target.touch()


def configure():
    deps = TREE / "build"
    deps.mkdir(exist_ok=True)
    if not (deps / "deps").exists() and (ROOT / "build/deps").exists():
        (deps / "deps").symlink_to(ROOT / "build/deps")
    made = run(
        ["cmake", "--preset", "dev", "-S", TREE, "-B", BUILD, "-DMYRA_BUILD_BENCH=OFF"], cwd=TREE
    )
    if made.returncode != 0:
        raise SystemExit(f"the copy cannot be configured:\n{made.stdout}{made.stderr}")


def build(programs, jobs):
    return run(["ninja", "-C", BUILD, "-j", str(jobs), *programs])


def run_test(command, seconds_max):
    """Whether it passed, the line that says most about why it did not, and how long it took."""
    began = time.monotonic()
    # A group of its own: a test with processes of its own that hangs is to leave none of them behind.
    ran = subprocess.Popen([BUILD / "bin" / command[0], *command[1:]], cwd=TREE, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                           start_new_session=True)
    try:
        said, _ = ran.communicate(timeout=seconds_max)
    except subprocess.TimeoutExpired:
        return False, f"did not end within {seconds_max:.0f} s", time.monotonic() - began
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(ran.pid, signal.SIGKILL)
        ran.wait()
    return ran.returncode == 0, symptom(ran.returncode, said), time.monotonic() - began


def symptom(exit_code, said):
    lines = said.splitlines()
    for mark in ("BROKEN PROMISE", "[  FAILED  ]", "Assertion", "FAILED"):
        for line in lines:
            if mark in line:
                return " ".join(line.split())[:150]
    return f"exit code {exit_code}"


def apply(planted, *options):
    # The copy lies in a folder that git ignores: without the ceiling it would look for the files
    # of the patch in the tree above.
    above = {**os.environ, "GIT_CEILING_DIRECTORIES": str(SCRATCH)}
    return run(["git", "apply", *options, planted.path], cwd=TREE, env=above)


def try_one(planted, jobs, clean_seconds):
    """(caught, words for the table)"""
    applied = apply(planted)
    if applied.returncode != 0:
        return False, f"does not apply: {applied.stderr.strip()[:200]}"
    try:
        built = build([planted.program], jobs)
        if built.returncode != 0:
            return False, f"does not build:\n{built.stdout[-3000:]}"
        passed, why, seconds = run_test(planted.command, max(10 * clean_seconds, PLANTED_SECONDS_MIN))
        if passed:
            return False, f"NOT CAUGHT by {shlex.join(planted.command)} ({seconds:.0f} s)"
        return True, f"{shlex.join(planted.command)} ({seconds:.1f} s): {why}"
    finally:
        apply(planted, "-R")


def check_clean(all_planted, jobs):
    """How long each test takes with nothing planted. It has to pass: one that fails anyway catches nothing."""
    seconds_of = {}
    programs = sorted({each.program for each in all_planted})
    built = build(programs, jobs)
    if built.returncode != 0:
        raise SystemExit(f"the copy does not build:\n{built.stdout[-3000:]}")
    for command in sorted({tuple(each.command) for each in all_planted}):
        passed, why, seconds = run_test(command, CLEAN_SECONDS)
        seconds_of[command] = seconds
        print(f"clean  {shlex.join(command)}: {'passes' if passed else why} ({seconds:.1f} s)")
        if not passed:
            raise SystemExit("this fails with nothing planted")
    return seconds_of


def main():
    parser = argparse.ArgumentParser(prog="./dev planted", description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help="of patches, without .patch; all when none is given")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    paths = [PATCHES / f"{name}.patch" for name in asked.name] or sorted(PATCHES.glob("*.patch"))
    for path in paths:
        if not path.is_file():
            raise SystemExit(f"there is no {path}")
    # Those of one program after each other, so that each build is short.
    all_planted = sorted(map(read_patch, paths), key=lambda each: (each.program, each.path))
    TREE.mkdir(parents=True, exist_ok=True)
    copy_tree()
    configure()
    clean_seconds = check_clean(all_planted, asked.jobs)
    lost = 0
    for each in all_planted:
        began = time.monotonic()
        caught, words = try_one(each, asked.jobs, clean_seconds[tuple(each.command)])
        lost += not caught
        mark = "caught" if caught else "LOST  "
        print(f"{mark} {each.path.stem} [{time.monotonic() - began:.0f} s]\n       {each.what}\n       {words}", flush=True)
    print(f"{len(all_planted) - lost} of {len(all_planted)} planted bugs were caught")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
