#!/usr/bin/env python3
"""Checks that payload is copied by one function only, copy_payload of core/copy.hpp, which counts.

In io, transport and framing every other way to copy bytes is refused:

  - memcpy and its relatives, std::copy and its relatives, with and without ranges;
  - containers and strings that are filled from a range of bytes: append, assign, insert, and
    constructors, given data(), begin() or something called bytes.

What is not payload (an address, a frame's header, a message of the kernel's) is copied all the
same, and says so on its line or in the comment above it:

    std::memcpy(&address, storage, sizeof address);  // not payload: an address

A reason has two words at least, and where nothing is copied the comment is refused. What
copy_payload adds to is something called bytes_copied, so that no copy is counted into a variable
which nobody reads. A loop that copies byte for byte is not found.

Tests are left out, and io/sim: what it copies is what the simulated kernel copies.

Usage: check_copies.py [ROOT]. Exit code 1 when a rule is broken.
"""

import re
import sys
from pathlib import Path

FOLDERS = ("io", "transport", "framing")
LEFT_OUT = ("io/sim/",)
SOURCE_SUFFIXES = {".hpp", ".cpp"}

RANGE_WORD = r"(?:\bdata\(\)|\bbegin\(|\b\w*bytes\w*\b)"
RANGE = rf"[^;]*?{RANGE_WORD}"
# Up to a brace: what follows the parameters of a function is its body.
MADE_OF_RANGE = rf"(?:\([^;{{}}]*?{RANGE_WORD}|{{[^;}}]*?{RANGE_WORD})"
COPIES = re.compile(
    r"\b(?:w?mem(?:p?cpy|move)|__builtin_mem(?:p?cpy|move)|bcopy|st[rp]n?cpy)\s*\(|"
    r"\b(?:std|ranges)::(?:ranges::)?(?:copy(?:_n|_if|_backward)?|move_backward|"
    r"uninitialized_(?:copy|move)(?:_n)?)\s*\(|"
    rf"(?:\.|->)(?:append|assign|insert)(?:_range)?\s*\({RANGE}|"
    rf"\bstd::(?:string|vector<(?:std::byte|char|std::uint8_t|unsigned char)>)(?:\s+\w+)?{MADE_OF_RANGE}")
COUNTED = re.compile(r"\bcopy_payload\s*\(")
COUNTER = re.compile(r"\bbytes_copied_?$")
REASON = re.compile(r"//.*?\bnot payload:\s*(.*)$")
LITERAL = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'')


def without_literals(line):
    return LITERAL.sub('""', line)


def last_argument(text, start):
    """The last argument of the call whose bracket opens before `start`; None when it never closes."""
    depth, argument = 1, start
    for at in range(start, len(text)):
        if text[at] in "({[":
            depth += 1
        elif text[at] in ")}]":
            depth -= 1
            if depth == 0:
                return " ".join(text[argument:at].split())
        elif text[at] == "," and depth == 1:
            argument = at + 1
    return None


class File:
    def __init__(self, path):
        lines = [without_literals(line) for line in path.read_text().splitlines()]
        self.reasons = {}  # line number: reason
        code = []
        for number, line in enumerate(lines, 1):
            found = REASON.search(line)
            if found:
                self.reasons[number] = found.group(1).strip()
            code.append(line.split("//", 1)[0])
        self.blank = {number for number, line in enumerate(code, 1) if not line.strip()}
        self.code = "\n".join(code)
        self.used = set()

    def line_of(self, at):
        return self.code.count("\n", 0, at) + 1

    def reason_at(self, number):
        """The reason on that line, or in the comment right above it."""
        if number not in self.reasons:
            number -= 1
            while number in self.blank and number not in self.reasons:
                number -= 1
        self.used.add(number)
        return self.reasons.get(number)

    def complaints(self):
        for found in COPIES.finditer(self.code):
            number = self.line_of(found.start())
            what = re.match(r"[^({]*", found.group(0)).group(0).strip().lstrip(".->")
            reason = self.reason_at(number)
            if reason is None:
                yield number, (f"copies with {what}; payload is copied by copy_payload of "
                               "myra/core/copy.hpp, and what is not payload says so: "
                               "// not payload: WHAT IT IS")
            elif len(reason.split()) < 2:
                yield number, f"'not payload: {reason}' does not say what it is"
        for found in COUNTED.finditer(self.code):
            argument = last_argument(self.code, found.end())
            if argument is None or not COUNTER.search(argument):
                yield self.line_of(found.start()), (
                    f"counts what copy_payload copies in '{argument}'; expected something called "
                    "bytes_copied, which somebody reads")
        for number in sorted(self.reasons.keys() - self.used):
            yield number, "'not payload' where nothing is copied"


def main(arguments):
    root = Path(arguments[0] if arguments else Path(__file__).resolve().parents[1]).resolve()
    layers = root / "src/myra"
    looked_at, broken = 0, 0
    for folder in FOLDERS:
        for path in sorted((layers / folder).rglob("*")):
            relative = path.relative_to(layers).as_posix()
            if (path.suffix not in SOURCE_SUFFIXES or path.stem.endswith("_test")
                    or relative.startswith(LEFT_OUT)):
                continue
            looked_at += 1
            for number, why in sorted(File(path).complaints()):
                broken += 1
                print(f"src/myra/{relative}:{number}: {why}")
    if looked_at == 0:
        print(f"{layers}: no sources in {', '.join(FOLDERS)}")
    return 1 if broken or looked_at == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
