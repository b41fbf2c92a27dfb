#!/usr/bin/env python3
"""Measures Myra's codec against the floor of its work and against the codecs of Debian.

Prints each figure beside the one to reach. The floor packs the same fields, verified but unable to grow;
bytes are held against those of SBE 1.35 for the same books (187 and 216). What a call costs is
told in nanoseconds of thread CPU time and, with --instructions, in instructions (valgrind, callgrind).
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

BOOKS = ("sample", "big")
SHAPES = ("tick", "person", "box")
SBE_SIZE = {"sample": 187, "big": 216}
# Ratios to the floor at most.
FLOOR = {("sample", "encode"): 1.5, ("big", "encode"): 1.3, ("sample", "decode"): 1.4, ("big", "decode"): 1.2,
         ("sample", "access"): 1.5, ("big", "access"): 1.5}
FLOOR_OF_SHAPES = 1.5
# How many times faster than each at least.
PEERS = {("sample", "encode"): {"flatbuffers": 5, "protobuf": 5, "capnp": 4},
         ("big", "encode"): {"flatbuffers": 5, "protobuf": 5, "capnp": 2.3},
         ("sample", "decode"): {"flatbuffers": 2.5, "protobuf": 2.5, "capnp": 2.5},
         ("big", "decode"): {"flatbuffers": 2.5, "protobuf": 2.5, "capnp": 2.5}}
REPEATS = 200
FUNCTION = re.compile(r"^\s*([\d,]+) \([^)]*\)\s+\S*:codec_bench::(?:\(anonymous namespace\)::)?(\w+)(?:<(\d+)ul>)?::"
                      r"(encode|decode|access|verify|shortly|fully|nothing|size|depth|elements|keys)\(")
# What the messages hold of varying size. A book of the sample: 8 fields with a slot; 3 of 5 have a trade with
# one more, and the 11 entries of all five are two texts each. A box: six texts and five messages.
VARYING_OF_BOOK = 8 + 3 / 5 + 2 * 11 / 5
VARYING_OF_BOX = 11
FEW, MANY = 1, 17  # Of elements in a list, as verify_costs.cpp has them.
VERIFY_MAX = 25
LIMIT_MAX_PERCENT = 5


class Report:
    def __init__(self):
        self.missed = 0

    def figure(self, what, found, limit, at_most=True):
        met = found <= limit if at_most else found >= limit
        self.missed += not met
        words = "at most" if at_most else "at least"
        print(f"{what:58} {words} {limit:7.2f}  {'met' if met else 'MISSED'}")


def run_set(program, name, rounds):
    """{(measure, codec): (nanoseconds, ratio, least, greatest)} and {codec: bytes}."""
    out = subprocess.run([program, name, str(rounds)], check=True, capture_output=True, text=True, timeout=600).stdout
    times, sizes = {}, {}
    for line in out.splitlines():
        words = line.split()
        if words[1] == "size":
            sizes[words[2]] = float(words[3])
        else:
            times[words[1], words[2]] = tuple(map(float, words[3:]))
    return times, sizes


def against_floor(report, name, times, limits):
    for (measure, codec), (nanos, ratio, least, greatest) in times.items():
        if codec != "myra" or measure not in limits:
            continue
        floor = times[measure, "floor"][0]
        report.figure(f"{name:7}{measure:7}{nanos:8.1f} ns, floor {floor:6.1f} ns: {ratio:5.2f} x ({least:.2f}-{greatest:.2f})",
                      ratio, limits[measure])


def against_peers(report, name, times):
    for (measure, codec), (nanos, ratio, _, _) in times.items():
        least = PEERS.get((name, measure), {}).get(codec)
        faster = ratio / times[measure, "myra"][1]
        if least:
            report.figure(f"{name:7}{measure:7}{nanos:8.1f} ns {codec}: {faster:5.2f} x slower", faster, least, False)
        elif codec not in ("floor", "myra"):
            print(f"{name:7}{measure:7}{nanos:8.1f} ns {codec}: {faster:5.2f} x slower")


def instructions(program, name):
    """{(codec, measure): instructions a message}, of the calls alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "out")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={path}", program, "count", name, str(REPEATS)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
        messages = int(re.search(r"(\d+) messages", done.stdout)[1])
        text = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--auto=no", path], check=True,
                              capture_output=True, text=True, timeout=600).stdout
    found = {}
    for line in text.splitlines():
        match = FUNCTION.match(line)
        if match:
            # A function has a row for each file that it was inlined from; the first is all of it.
            found.setdefault((match[2] + (match[3] or ""), match[4]), int(match[1].replace(",", "")) / messages)
    return found


def report_floor(report, found):
    """The floor counts only if it does the work of the one that the limits were made for."""
    for measure, least, most in (("encode", 348, 490), ("decode", 343, 343), ("access", 72, 72)):
        count = found["floor_book", measure]
        report.figure(f"floor {measure}: {count:.0f} instructions, those of the first {least}-{most}",
                      max(count / most, least / count), 1.1)


def report_verification(report, program, encode):
    """What each element of varying size costs, and each limit that the program sets, in instructions."""
    found = instructions(program, "costs")
    for way, words in (("shortly", "of this version"), ("fully", "of another version")):
        for kind, texts, what in (("texts", 1, "text of a list"), ("entries", 2, "text of a map")):
            more = found[f"{kind}{MANY}", way] - found[f"{kind}{FEW}", way]
            each = more / (MANY - FEW) / texts
            report.figure(f"verify, each {what}, {words}: {each:.1f} instructions", each, VERIFY_MAX)
        for kind, count, what in (("books", VARYING_OF_BOOK, "book"), ("nested", VARYING_OF_BOX, "six nested")):
            each = found[kind, way] / count
            text = f"verify, {what}, by its elements, {words}: {each:.1f}"
            if way == "shortly":
                report.figure(text, each, VERIFY_MAX)
            else:  # Mostly what is paid once a message and a list.
                print(text)
    without = found["limited", "nothing"]
    for limit, what in (("size", "size (all work)"), ("depth", "depth"), ("elements", "elements")):
        more = found["limited", limit] - without
        percent = 100 * more / encode
        report.figure(f"verify, own limit of {what}: {more:.0f} instructions, {percent:.1f} %", percent, LIMIT_MAX_PERCENT)
    more = found["limited", "keys"] - without
    print(f"verify, comparing the order of keys: {more:.0f} instructions, {100 * more / encode:.1f} % of encode")


def report_instructions(report, program):
    found = instructions(program, "sample")
    for (codec, measure), count in sorted(found.items()):
        print(f"sample {measure:7}{codec:18}{count:8.0f} instructions")
    report_floor(report, found)
    report_verification(report, program, found["myra_book", "encode"])


def large_schema(count):
    """Messages of ten fields, each of which holds one of the message before it."""
    kinds = ["uint64", "int32", "string", "bytes", "bool", "float64", "uuid", "timestamp", "decimal"]
    lines = ["namespace: big", "messages:"]
    for i in range(count):
        lines += [f"  # Message {i}.", f"  - name: m{i}", "    fields:"]
        lines += [f"      - {{tag: {tag}, name: f{tag}, type: {kind}}}" for tag, kind in enumerate(kinds, 1)]
        lines += [f"      - {{tag: 10, name: last, type: m{max(i - 1, 0)}, optional: true}}"]
    return "\n".join(lines) + "\n"


def seconds_of(command, folder):
    """CPU time of a command."""
    before = os.times()
    subprocess.run(command, cwd=folder, check=True, timeout=600, stderr=subprocess.DEVNULL)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def report_compilers(report, root, binaries):
    with tempfile.TemporaryDirectory() as folder:
        for count in (1000, 100):
            with open(os.path.join(folder, f"big{count}.myra.yml"), "w", encoding="utf-8") as file:
                file.write(large_schema(count))
        generate = [os.path.join(binaries, "myrac"), "generate", "--out", "out"]
        spent = min(seconds_of([*generate, "big1000.myra.yml"], folder) for _ in range(3))
        report.figure(f"myrac, 1,000 messages:{spent:6.2f} s", spent, 3)
        subprocess.run([*generate, "big100.myra.yml"], cwd=folder, check=True, timeout=60, stderr=subprocess.DEVNULL)
        with open(os.path.join(folder, "all.cpp"), "w", encoding="utf-8") as file:
            file.write('#include "out/big100.hpp"\n')
        flags = ["-std=c++23", "-Wall", "-Wextra", "-Werror", f"-I{root}/src", "-c", "all.cpp", "-o", "all.o"]
        spent = min(seconds_of(["g++", *flags], folder) for _ in range(3))
        report.figure(f"g++, header of 100 messages:{spent:6.2f} s", spent, 3)


def main(argv):
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(prog="./dev bench codec", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=41, metavar="N", help="rounds of each comparison (41)")
    parser.add_argument("--instructions", action="store_true", help="count instructions as well")
    parser.add_argument("--strict", action="store_true", help="a missed figure is a failure")
    parser.add_argument("--bin", default=os.path.join(root, "build/release/bin"), metavar="DIR",
                        help="where the programs lie (build/release/bin)")
    options = parser.parse_args(argv)
    program = os.path.join(options.bin, "codec-bench")
    report = Report()
    for name in BOOKS:
        times, sizes = run_set(program, name, options.rounds)
        report.figure(f"{name:7}size   {sizes['myra']:8.1f} bytes, floor {sizes['floor']:.1f}", sizes["myra"],
                      1.05 * SBE_SIZE[name])
        against_floor(report, name, times, {measure: limit for (of, measure), limit in FLOOR.items() if of == name})
        against_peers(report, name, times)
        for peer in {"flatbuffers", "protobuf", "capnp"} - sizes.keys():
            print(f"{name:7}{peer}: not measured, its library was not found when the bench was built")
        print(f"{name:7}verify {times['verify', 'myra'][0]:8.1f} ns alone")
    for name in SHAPES:
        times, sizes = run_set(program, name, options.rounds)
        print(f"{name:7}size   {sizes['myra']:8.1f} bytes, floor {sizes['floor']:.1f}")
        against_floor(report, name, times, dict.fromkeys(("encode", "decode", "access"), FLOOR_OF_SHAPES))
    report_compilers(report, root, options.bin)
    if options.instructions:
        if not shutil.which("valgrind"):
            sys.exit("--instructions needs valgrind")
        report_instructions(report, program)
    return 1 if report.missed and options.strict else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
