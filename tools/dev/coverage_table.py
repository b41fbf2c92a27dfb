#!/usr/bin/env python3
"""Prints line and branch coverage by folder from llvm-cov's summary.

Usage: coverage_table.py SUMMARY.json SOURCE_FOLDER
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

KINDS = ("lines", "branches")
TRANSPORT = ("core", "memory", "io", "reactor", "transport", "framing")
SUMS = ("core to transport", "all")


def share(covered, count):
    return f"{100 * covered / count:5.1f} % of {count:6d}" if count else f"{'-':>7} of {0:6d}"


def by_folder(summary, source):
    """{folder: {kind: [covered, count]}} of the files below the source folder."""
    table = defaultdict(lambda: {kind: [0, 0] for kind in KINDS})
    for entry in summary["data"][0]["files"]:
        path = Path(entry["filename"])
        if not path.is_relative_to(source):
            continue
        folders = [path.parent.relative_to(source).as_posix(), "all"]
        if path.relative_to(source).parts[0] in TRANSPORT:
            folders.append("core to transport")
        for folder in folders:
            for kind in KINDS:
                table[folder][kind][0] += entry["summary"][kind]["covered"]
                table[folder][kind][1] += entry["summary"][kind]["count"]
    return table


def main(summary_path, source):
    table = by_folder(json.loads(Path(summary_path).read_text()), Path(source))
    print(f"\n{'folder':<18}{'lines':>19}{'branches':>22}")
    for folder in sorted(table, key=lambda name: (name in SUMS and 1 + SUMS.index(name), name)):
        lines, branches = (share(*table[folder][kind]) for kind in KINDS)
        print(f"{folder:<18}{lines:>19}{branches:>22}")


if __name__ == "__main__":
    main(*sys.argv[1:])
