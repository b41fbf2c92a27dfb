#!/usr/bin/env python3
"""Holds myrac's reading of messages against decoder.py, which knows the pages of docs/ only.

  decoder_test.py MYRAC SCHEMA [SEEDS]

Random messages, and ones with a byte changed, added or missing: both accept and read the same, or both
refuse.
"""

import json
import math
import random
import re
import struct
import subprocess
import sys
import tempfile
from datetime import date
from fractions import Fraction
from pathlib import Path

sys.dont_write_bytecode = True

try:
    import yaml  # noqa: F401  (of decoder.py)
except ImportError:
    print("SKIP: no module yaml (Debian: python3-yaml)")
    sys.exit(77)

from decoder import Refused, Schema  # noqa: E402

TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?Z$")


def seconds_of(text):
    year, month, day, hour, minute, second, fraction = TIME.match(text).groups()
    days = date(int(year), int(month), int(day)).toordinal() - date(1970, 1, 1).toordinal()
    return days * 86400 + int(hour) * 3600 + int(minute) * 60 + int(second) + Fraction(fraction or 0)


def decimal_of(text):
    digits, _, exponent = text.partition("e")
    whole, _, fraction = digits.partition(".")
    return int(whole + fraction), int(exponent or 0) - len(fraction)


def same_number(ours, theirs):
    if isinstance(theirs, str):
        return theirs == ("nan" if math.isnan(ours) else "inf" if ours > 0 else "-inf")
    return ours == theirs or struct.pack("<f", ours) == struct.pack("<f", theirs)


def same(ours, theirs):
    """Whether what decoder.py read is what myrac wrote."""
    if isinstance(ours, tuple):
        if ours[0] == "decimal":
            return ours[1:] == decimal_of(theirs)
        return ours[1] == theirs if isinstance(theirs, int) else ours[2] == seconds_of(theirs)
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and ours.keys() == theirs.keys() and all(
            same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list):
        return isinstance(theirs, list) and len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, float):
        return same_number(ours, theirs)
    return type(ours) is type(theirs) and ours == theirs


class Comparison:
    def __init__(self, myrac, path, folder):
        text = Path(path).read_text(encoding="utf-8")
        (folder / "a.myra.yml").write_text(text, encoding="utf-8")
        self.myrac, self.folder = str(Path(myrac).resolve()), folder
        self.schema = Schema(text)
        self.accepted = self.refused = 0

    def run(self, verb, name, *arguments, given=None):
        return subprocess.run([self.myrac, verb, "a.myra.yml", "--message", name, *arguments], cwd=self.folder,
                              input=given, capture_output=True, timeout=60, check=False)

    def random_message(self, name, seed):
        return self.run("random", name, "--seed", str(seed)).stdout

    def compare(self, name, message, what):
        theirs = self.run("json", name, given=message)
        try:
            ours = self.schema.decode(name, message)
        except Refused as why:
            assert theirs.returncode != 0, f"{what}: only decoder.py refuses: {why}"
            self.refused += 1
            return
        assert theirs.returncode == 0, f"{what}: only myrac refuses: {theirs.stderr.decode()}"
        read = json.loads(theirs.stdout)
        assert same(ours, read), f"{what}: {ours}\nmyrac: {read}"
        self.accepted += 1


def changed(message, numbers):
    made = bytearray(message)
    at = numbers.randrange(len(made))
    kind = numbers.randrange(4)
    if kind == 0:
        del made[at:at + numbers.randrange(1, 4)]
    elif kind == 1:
        made.insert(at, numbers.randrange(256))
    else:  # Small changes near the front, where the ends lie, are the ones that mean something.
        at = at if kind == 2 else min(at, numbers.randrange(40))
        made[at] = numbers.randrange(256) if numbers.randrange(2) else made[at] ^ 1 << numbers.randrange(8)
    return bytes(made)


def main(myrac, path, seeds="30"):
    numbers = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(myrac, path, Path(folder))
        for seed in range(1, int(seeds) + 1):
            for name in comparison.schema.messages:
                message = comparison.random_message(name, seed)
                comparison.compare(name, message, f"{name}, seed {seed}")
                for _ in range(4):
                    bad = changed(message, numbers)
                    comparison.compare(name, bad, f"{name}, seed {seed}, {bad.hex()}")
    print(f"both accepted {comparison.accepted} messages and both refused {comparison.refused}")
    least = int(seeds)
    return 0 if comparison.accepted >= least and comparison.refused >= least else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
