#!/usr/bin/env python3
"""Checks that includes point down.

What a layer may include is what its CMakeLists.txt says in USES of myra_layer(); CMake itself
refuses a USES that points up. This holds the #include lines against those lists, and checks the
few rules beside them:

  - the backends (io/uring, io/epoll, io/sim) are included by the reactor and by themselves only;
    the simulation also by tests/;
  - only io/uring includes liburing or the kernel's io_uring headers;
  - every .cpp of a layer is listed in its CMakeLists.txt, so that nothing lies there unbuilt;
  - no folder is called utils, common, helpers, impl or misc.

Usage: check_layers.py [ROOT]. Exit code 1 when a rule is broken. Long files get a note only.
"""

import re
import sys
from pathlib import Path

LINE_COUNT_NOTE = 400
SOURCE_SUFFIXES = {".hpp", ".cpp"}
FOLDERS = ("src", "tools", "examples", "bench", "fuzz", "tests")
VAGUE_NAMES = {"utils", "common", "helpers", "impl", "misc"}
BACKENDS = {"io_uring", "io_epoll", "io_sim"}
CHOOSES_BACKEND = "reactor"
# bench/ holds the raw baselines which Myra is measured against, tests/ may look at the kernel.
MAY_INCLUDE_LIBURING = ("src/myra/io/uring/", "bench/", "tests/")
# The simulation is for those who test; its parts are used by tests that go below a world.
FOR_TESTS = "io_sim"

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
LAYER_CALL = re.compile(r"myra_layer\s*\(([^)]*)\)")
KEYWORDS = {"NAME", "SOURCES", "TESTS", "USES", "PRIVATE_LIBS", "NOT_INSTALLED"}


class Layer:
    def __init__(self, folder, words):
        self.folder = folder  # relative to src/myra, such as io/uring
        self.values = {keyword: [] for keyword in KEYWORDS}
        keyword = None
        for word in words:
            if word in KEYWORDS:
                keyword = word
            elif keyword:
                self.values[keyword].append(word)
        self.name = (self.values["NAME"] or ["?"])[0]
        self.uses = set(self.values["USES"])
        self.listed = set(self.values["SOURCES"]) | set(self.values["TESTS"])


def read_layers(root, complaints):
    """The layers by folder, from the myra_layer() calls."""
    layers = {}
    for script in sorted((root / "src/myra").rglob("CMakeLists.txt")):
        text = re.sub(r"#.*", "", script.read_text())
        for call in LAYER_CALL.findall(text):
            folder = script.parent.relative_to(root / "src/myra").as_posix()
            layer = Layer(folder, call.split())
            layers[folder] = layer
            expected = folder.replace("/", "_")
            if layer.name != expected:
                complaints.append(f"{script.relative_to(root)}: layer is called {layer.name}, "
                                  f"expected {expected} as its folder says")
    return layers


def layer_of(path, layers):
    """The layer that owns myra/... `path`: the deepest folder, or myra/NAME.hpp for its layer."""
    parts = Path(path).parts[1:]
    for depth in range(len(parts) - 1, 0, -1):
        layer = layers.get("/".join(parts[:depth]))
        if layer:
            return layer
    return layers.get(Path(path).stem) if len(parts) == 1 else None


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


def complaint_about_liburing(relative, target):
    if not (target.startswith("liburing") or target == "linux/io_uring.h"):
        return None
    if relative.startswith(MAY_INCLUDE_LIBURING):
        return None
    return f"includes {target}; only {MAY_INCLUDE_LIBURING[0]} may"


def complaint_about_layers(relative, owner, quoted, target, layers):
    """Why `relative`, of layer `owner` (None outside src/), may not include `target`; None if it may."""
    if not target.startswith("myra/"):
        if owner and quoted:
            return f'includes "{target}"; write the path from src/, as in "myra/layer/thing.hpp"'
        return None
    used = layer_of(target, layers)
    if used is None:
        return f"includes {target}, which belongs to no layer" if owner else None
    if owner is used:
        return None
    if used.name == FOR_TESTS and relative.startswith("tests/"):
        return None
    if used.name in BACKENDS and (owner is None or owner.name != CHOOSES_BACKEND):
        return f"includes {target}; only {CHOOSES_BACKEND} may know the backends"
    if owner and used.name not in owner.uses:
        return (f"includes {target}, but layer {owner.name} uses only "
                f"{', '.join(sorted(owner.uses)) or 'the standard library'}")
    return None


def check_file(root, path, layers, complaints):
    relative = path.relative_to(root).as_posix()
    owner = None
    if relative.startswith("src/"):
        owner = layer_of(relative.removeprefix("src/"), layers)
        if owner is None:
            complaints.append(f"{relative}: belongs to no layer")
            return
        if path.suffix == ".cpp" and path.name not in owner.listed:
            complaints.append(f"{relative}: not listed in the CMakeLists.txt of its folder")
    for number, quoted, target in includes(path):
        why = (complaint_about_liburing(relative, target)
               or complaint_about_layers(relative, owner, quoted, target, layers))
        if why:
            complaints.append(f"{relative}:{number}: {why}")


def note_length(root, path):
    count = len(path.read_text().splitlines())
    if path.relative_to(root).parts[0] == "src" and count > LINE_COUNT_NOTE:
        print(f"note: {path.relative_to(root)} has {count} lines; about 300 reads well")


def main(arguments):
    root = Path(arguments[0] if arguments else Path(__file__).resolve().parents[1]).resolve()
    complaints = []
    layers = read_layers(root, complaints)
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            relative = path.relative_to(root)
            if "build" in relative.parts:
                continue
            if path.is_dir() and path.name in VAGUE_NAMES:
                complaints.append(f"{relative}: a folder's name says what is in it; "
                                  f"'{path.name}' does not")
            if path.suffix in SOURCE_SUFFIXES and path.is_file():
                check_file(root, path, layers, complaints)
                note_length(root, path)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
