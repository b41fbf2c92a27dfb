#!/usr/bin/env python3
"""Keeps docs/wire-format.md true: its messages have the bytes shown, and are read back from them.

  wire_page.py MYRAC docs/wire-format.md
"""

import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "docs"))

from schema_page import BLOCK, Page  # noqa: E402


def main(myrac, path):
    text = Path(path).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        page = Page(Path(myrac).resolve(), Path(folder))
        for found in BLOCK.finditer(text):
            page.take(text.count("\n", 0, found.start(1)) + 1, found[1], found[2], found[3])
        page.told("the last")
    if page.checked["hex"] < 3:
        page.wrong.append(f"too few vectors were found: {page.checked}")
    for each in page.wrong:
        print(f"{path}, {each}")
    print(f"checked {page.checked}")
    return 1 if page.wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
