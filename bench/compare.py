#!/usr/bin/env python3
"""Compares the results of two runs of the suite: what changed beyond noise.

Ends with 0 when nothing got worse, 1 when something did or cannot be measured any more, 2 when the
files cannot be compared.
"""

import argparse
import sys

sys.dont_write_bytecode = True

from suite.compare import compare, describe  # noqa: E402
from suite.results import Unusable, load  # noqa: E402


def _percent(text):
    value = float(text)
    if not 0 <= value <= 1000:
        raise ValueError
    return value


def parse(argv):
    parser = argparse.ArgumentParser(prog="myra bench compare", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", metavar="OLD.json")
    parser.add_argument("new", metavar="NEW.json")
    parser.add_argument("--tolerance", type=_percent, default=3.0, metavar="PERCENT",
                        help="changes up to this are none (3)")
    parser.add_argument("--all", action="store_true", help="list what is the same as well")
    return parser.parse_args(argv)


def main(argv):
    options = parse(argv)
    try:
        old, new = load(options.old), load(options.new)
    except Unusable as why:
        print(f"compare: {why}", file=sys.stderr)
        return 2
    found = compare(old, new, options.tolerance / 100)
    if not found.findings:
        print(f"compare: {options.old} and {options.new} have nothing in common that was measured",
              file=sys.stderr)
        return 2
    for key in ("cpu", "cpus", "kernel", "congestion_control", "quick", "client"):
        if old.about.get(key) != new.about.get(key):
            print(f"note: {key} was {old.about.get(key)}, is {new.about.get(key)}")
    for text in found.broken:
        print(f"broken  {text}")
    for one in [*found.worse, *found.better]:
        print(describe(one))
    if options.all:
        for one in found.findings:
            if one.change.verdict == "same":
                print(describe(one))
    for text in found.missing:
        print(f"missing {text}")
    same = len(found.findings) - len(found.worse) - len(found.better)
    print(f"{len(found.worse)} worse, {len(found.better)} better, {same} the same within "
          f"{options.tolerance:g} % or the noise, {len(found.missing)} missing, "
          f"{len(found.broken)} broken")
    return 1 if found.worse or found.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
