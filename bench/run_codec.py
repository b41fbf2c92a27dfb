#!/usr/bin/env python3
"""Measures Myra's codec against the floor of its work, on two sets of order books.

Prints each figure beside the one to reach. The floor packs the same fields, verified but unable to
grow; bytes are held against those of SBE 1.35 for the same books (187 and 216).
"""

import argparse
import os
import re
import subprocess
import sys

TO_REACH = {
    "sample": {"size": 1.05 * 187, "encode": 1.5, "decode": 1.4, "access": 1.5},
    "big": {"size": 1.05 * 216, "encode": 1.3, "decode": 1.2, "access": 1.5},
}


def main(argv):
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(prog="./dev bench codec", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=41, metavar="N", help="rounds of each comparison (41)")
    parser.add_argument("--strict", action="store_true", help="a missed figure is a failure")
    parser.add_argument("--bin", default=os.path.join(root, "build/release/bin"), metavar="DIR",
                        help="where the programs lie (build/release/bin)")
    options = parser.parse_args(argv)
    missed = 0
    for name, limits in TO_REACH.items():
        out = subprocess.run([os.path.join(options.bin, "codec-bench"), name, str(options.rounds)],
                             check=True, capture_output=True, text=True, timeout=600).stdout
        for line in out.splitlines():
            measure = line.split()[0]
            found = float(line.split()[3] if measure == "size" else re.search(r"ratio (\S+)", line)[1])
            met = found <= limits[measure]
            missed += not met
            print(f"{name:7} {line:62} at most {limits[measure]:6.2f}  {'met' if met else 'MISSED'}")
    return 1 if missed and options.strict else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
