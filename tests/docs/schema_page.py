#!/usr/bin/env python3
"""Keeps docs/schema.md true: every schema on the page compiles, every message has the bytes shown.

  schema_page.py MYRAC docs/schema.md

On the page a ```yaml block is a schema (those that begin with "#" and a file name are kept for imports);
```json NAME under it is a message called NAME, and the ```hex block after that its canonical bytes, where
words after '#' are comments. A ```text block after a schema is what myrac says of it.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCHEMA = "a.myra.yml"


def run(myrac, folder, *arguments, given=""):
    return subprocess.run([myrac, *arguments], cwd=folder, input=given, capture_output=True, text=True,
                          timeout=60, check=False)


class Page:
    def __init__(self, myrac, folder):
        self.myrac = myrac
        self.folder = folder
        self.wrong = []
        self.checked = {"yaml": 0, "hex": 0, "text": 0}
        self.message = None
        self.refused = ""

    def complain(self, line, what):
        self.wrong.append(f"line {line}: {what}")

    def take(self, line, kind, name, text):
        if kind == "yaml":
            self.schema(line, text)
        elif kind == "json":
            self.message = (name, text)
        elif kind == "hex":
            self.bytes(line, text)
        elif kind == "text":
            self.checked["text"] += 1
            if self.refused != text:
                self.complain(line, f"the page says\n{text}and myrac says\n{self.refused}")
            self.refused = ""

    def schema(self, line, text):
        self.told(line)
        file = re.match(r"# (\S+\.myra\.yml)$", text.split("\n", 1)[0])
        (self.folder / (file[1] if file else SCHEMA)).write_text(text, encoding="utf-8")
        self.checked["yaml"] += 1
        found = run(self.myrac, self.folder, "validate", file[1] if file else SCHEMA)
        self.refused = found.stderr
        self.refused_line = line

    def told(self, line):
        """A schema is good, or the page says what myrac says of it."""
        if self.refused:
            self.complain(line, f"the schema before it is refused:\n{self.refused}")
        self.refused = ""

    def bytes(self, line, text):
        name, source = self.message
        expected = re.sub(r"#.*|\s", "", text)
        self.checked["hex"] += 1
        found = run(self.myrac, self.folder, "json", SCHEMA, "--message", name, "--back", "--hex", given=source)
        if found.stdout.strip() != expected:
            self.complain(line, f"bytes of {name}: the page has {expected}, myrac made {found.stdout.strip()} {found.stderr}")
        back = run(self.myrac, self.folder, "json", SCHEMA, "--message", name, "--hex", given=expected)
        if back.returncode or json.loads(back.stdout) != json.loads(source):
            self.complain(line, f"read back as {back.stdout} {back.stderr}")


def main(myrac, path):
    text = Path(path).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        page = Page(Path(myrac).resolve(), Path(folder))
        for found in BLOCK.finditer(text):
            page.take(text.count("\n", 0, found.start(1)) + 1, found[1], found[2], found[3])
        page.told("the last")
    if page.checked["yaml"] < 10 or page.checked["hex"] < 10 or page.checked["text"] < 1:
        page.wrong.append(f"too little was found on the page to check: {page.checked}")
    for each in page.wrong:
        print(f"{path}, {each}")
    print(f"checked {page.checked}")
    return 1 if page.wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
