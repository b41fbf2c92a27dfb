#!/usr/bin/env python3
"""Keeps the documentation's C++ true.

  snippets.py write OUT FILE.md...   one source with every ```cpp block, each in a namespace of its file
  snippets.py same README.md EXAMPLE the README's first block is the example, to the letter
"""

import re
import sys
from pathlib import Path

BLOCK = re.compile(r"^```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADERS = ["poll.h", "algorithm", "array", "chrono", "cstdio", "functional", "memory", "string", "string_view",
           "thread", "vector"]


def blocks(path):
    """The line on which each block begins, and its text."""
    text = path.read_text(encoding="utf-8")
    return [(text.count("\n", 0, found.start(1)) + 1, found.group(1)) for found in BLOCK.finditer(text)]


def write(out, paths):
    includes, body = [f"#include <{name}>" for name in HEADERS], []
    for path in paths:
        found = blocks(path)
        if not found:
            return f"{path}: no block of C++ found"
        body += [f"namespace {re.sub('[^a-z0-9]', '_', path.stem.lower())}_snippets {{",
                 "using namespace std::chrono_literals;"]
        for line, text in found:
            body.append(f'#line {line} "{path}"')
            for source in text.splitlines():
                is_include = source.startswith("#include")
                includes += [source] if is_include else []
                body.append("" if is_include else source)
        body.append("}")
    made = "\n".join(includes + body) + "\n"
    if not out.exists() or out.read_text(encoding="utf-8") != made:
        out.write_text(made, encoding="utf-8")
    return ""


def same(readme, example):
    found = blocks(readme)
    if found and found[0][1] == example.read_text(encoding="utf-8"):
        return ""
    return f"{readme}: its first block of C++ is not {example}; copy the file there"


def main(verb, first, *others):
    wrong = write(Path(first), [Path(one) for one in others]) if verb == "write" else same(Path(first), Path(others[0]))
    if wrong:
        sys.exit(wrong)


if __name__ == "__main__":
    main(*sys.argv[1:])
