"""myrac, the schema compiler: what its verbs do to files, and which status they end with."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

MYRAC = os.environ["MYRAC"]
FIRST = """namespace: trading
messages:
  - name: order
    fields:
      - {tag: 1, name: id, type: uint64}
      - {tag: 2, name: price, type: int64}
"""
SECOND = FIRST + "      - {tag: 3, name: note, type: string, optional: true}\n"


class Compiler(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.write("a.myra.yml", FIRST)

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")

    def read(self, name):
        return (self.folder / name).read_text(encoding="utf-8")

    def run_myrac(self, *arguments, status=0, given=None):
        done = subprocess.run([MYRAC, *arguments], cwd=self.folder, input=given, capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, status, done)
        return done

    def test_generates_a_header_and_a_ledger(self):
        self.run_myrac("generate", "a.myra.yml", "--out", "out/deep")
        self.assertIn("namespace trading", self.read("out/deep/a.hpp"))
        self.assertIn("field 1.2 price int64 required", self.read("a.myra.lock"))

    def test_the_ledger_may_be_elsewhere(self):
        done = self.run_myrac("generate", "a.myra.yml", "--check", "--lock", "locks/mine.lock", status=1)
        self.assertIn("run 'myrac lock a.myra.yml --lock locks/mine.lock'", done.stderr)
        self.run_myrac("generate", "a.myra.yml", "--out", "out", "--lock", "locks/mine.lock")
        self.assertTrue((self.folder / "locks/mine.lock").exists())
        self.assertFalse((self.folder / "a.myra.lock").exists())

    def test_what_did_not_change_is_not_written(self):
        self.run_myrac("generate", "a.myra.yml", "--out", "out")
        before = os.stat(self.folder / "out/a.hpp").st_mtime_ns
        self.run_myrac("generate", "a.myra.yml", "--out", "out")
        self.assertEqual(os.stat(self.folder / "out/a.hpp").st_mtime_ns, before)

    def test_check_says_what_would_change_and_changes_nothing(self):
        self.assertIn("a.myra.lock does not exist", self.run_myrac("generate", "a.myra.yml", "--check", status=1).stderr)
        self.assertFalse((self.folder / "a.myra.lock").exists())
        self.run_myrac("lock", "a.myra.yml")
        self.run_myrac("generate", "a.myra.yml", "--check")
        before = self.read("a.myra.lock")
        self.write("a.myra.yml", SECOND)
        done = self.run_myrac("generate", "a.myra.yml", "--check", "--out", "out", status=1)
        self.assertIn("order.note (3): added, optional string", done.stderr)
        self.assertIn("new readers, old messages: survive: see it absent in old messages", done.stderr)
        self.assertIn("myrac lock a.myra.yml", done.stderr)
        self.assertEqual(self.read("a.myra.lock"), before)
        self.assertFalse((self.folder / "out").exists())

    def test_diff_of_a_schema_and_of_two(self):
        self.run_myrac("lock", "a.myra.yml")
        self.assertEqual(self.run_myrac("diff", "a.myra.yml").stdout, "nothing changed\n")
        self.write("b.myra.yml", SECOND)
        done = self.run_myrac("diff", "a.myra.yml", "b.myra.yml")
        self.assertIn("order.note (3): added", done.stdout)
        self.write("c.myra.yml", FIRST.replace("price, type: int64", "price, type: int32"))
        done = self.run_myrac("diff", "a.myra.lock", "c.myra.yml", status=1)
        self.assertIn("c.myra.yml:6:24: error: field 'order.price' changes its type from int64 to int32", done.stderr)

    def test_errors_leave_everything_alone(self):
        self.write("a.myra.yml", FIRST + "      - {tag: 2, name: class, type: int31}\n")
        done = self.run_myrac("generate", "a.myra.yml", "--out", "out", status=1)
        self.assertEqual(len(done.stderr.splitlines()), 3, done.stderr)
        self.assertFalse((self.folder / "out").exists())
        self.assertFalse((self.folder / "a.myra.lock").exists())

    def test_imports_are_generated_too(self):
        self.write("b.myra.yml", "namespace: other\nimports: [a.myra.yml]\nmessages:\n"
                                 "  - {name: m, fields: [{name: x, type: trading.order}]}\n")
        self.run_myrac("generate", "b.myra.yml", "--out", "out", "--depfile", "stamp.d")
        self.assertTrue((self.folder / "out/a.hpp").exists())
        self.assertIn('#include "a.hpp"', self.read("out/b.hpp"))
        self.assertTrue((self.folder / "a.myra.lock").exists())
        self.assertIn("a.myra.yml", self.read("stamp.d"))

    def test_bytes_to_json_and_back(self):
        text = '{"id": 7, "price": -1}'
        made = self.run_myrac("json", "a.myra.yml", "--message", "order", "--back", "--hex", given=text).stdout
        self.assertEqual(made, "120010000700000000000000ffffffffffffffff\n")
        back = self.run_myrac("json", "a.myra.yml", "--message", "trading.order", "--hex", given=made).stdout
        self.assertEqual("".join(back.split()), '{"id":7,"price":-1}')
        self.assertIn("order.price = -1", self.run_myrac("dump", "a.myra.yml", "--message", "order", "--hex",
                                                         given=made).stdout)
        done = self.run_myrac("json", "a.myra.yml", "--message", "order", "--hex", given="1200", status=1)
        self.assertIn("offset 1: order: the message ends too early", done.stderr)
        done = self.run_myrac("json", "a.myra.yml", "--message", "ordre", "--hex", given=made, status=1)
        self.assertIn("did you mean order?", done.stderr)

    def test_random_depends_on_the_seed_alone(self):
        made = [self.run_myrac("random", "a.myra.yml", "--message", "order", "--seed", seed, "--hex").stdout
                for seed in ("1", "1", "2")]
        self.assertEqual(made[0], made[1])
        self.assertNotEqual(made[0], made[2])
        for seed in ("-1", "18446744073709551616", "x"):
            done = self.run_myrac("random", "a.myra.yml", "--message", "order", "--seed", seed, status=2)
            self.assertIn(f"found '{seed}', expected a whole number", done.stderr)

    def git(self, *arguments, status=0):
        identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "merge.conflictStyle=merge"]
        done = subprocess.run(["git", *identity, *arguments], cwd=self.folder, capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, status, done)

    def merge(self, ours, theirs, status):
        """Two branches change the two messages of one schema; what git makes of it is left in the folder."""
        two = FIRST + "  - name: trade\n    fields:\n      - {tag: 1, name: id, type: uint64}\n"
        self.write("a.myra.yml", two)
        self.run_myrac("lock", "a.myra.yml")
        self.git("init", "-q", "-b", "main")
        self.git("add", ".")
        self.git("commit", "-q", "-m", "base")
        for branch, (before, added) in (("theirs", theirs), ("ours", ours)):
            self.git("checkout", "-q", "-b", branch, "main")
            self.write("a.myra.yml", two.replace(before, before + added))
            self.run_myrac("lock", "a.myra.yml")
            self.git("commit", "-q", "-a", "-m", branch)
        self.git("merge", "-q", "theirs", status=status)

    ORDER = "      - {tag: 2, name: price, type: int64}\n"
    TRADE = "  - name: trade\n    fields:\n      - {tag: 1, name: id, type: uint64}\n"

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_branches_that_change_two_messages_merge(self):
        self.merge((self.ORDER, "      - {tag: 3, name: note, type: string}\n"),
                   (self.TRADE, "      - {tag: 2, name: size, type: int32}\n"), status=0)
        self.run_myrac("generate", "a.myra.yml", "--check")

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_branches_that_take_one_tag_fail_loudly(self):
        self.merge((self.ORDER, "      - {tag: 3, name: note, type: string}\n"),
                   (self.ORDER, "      - {tag: 3, name: text, type: string}\n"), status=1)
        self.write("a.myra.yml", FIRST)
        done = self.run_myrac("generate", "a.myra.yml", "--out", "out", status=1)
        self.assertIn("a.myra.lock:6:1: error: a merge conflict that is not resolved", done.stderr)
        lines = [line for line in self.read("a.myra.lock").splitlines(True) if line[0] not in "<=>"]
        self.write("a.myra.lock", "".join(lines))
        done = self.run_myrac("generate", "a.myra.yml", "--out", "out", status=1)
        self.assertIn("tag 3 of 'text' is that of 'note' in line 6", done.stderr)

    def test_what_cannot_begin_ends_with_2(self):
        for arguments in ([], ["genrate"], ["generate"], ["generate", "a.myra.yml"], ["diff", "--what"],
                          ["generate", "a.myra.yml", "--out", "/proc/nowhere"]):
            with self.subTest(arguments=arguments):
                self.run_myrac(*arguments, status=2)
        self.run_myrac("validate", "missing.myra.yml", ".", "/dev/zero", status=1)

    def test_a_thousand_messages_in_a_chain(self):
        kinds = ["uint64", "int32", "string", "bytes", "bool", "float64", "uuid", "timestamp", "decimal"]
        lines = ["namespace: big", "messages:"]
        for i in range(1000):
            lines += [f"  # Message {i}.", f"  - name: m{i}", "    fields:"]
            lines += [f"      - {{tag: {j + 1}, name: f{j}, type: {kind}}}" for j, kind in enumerate(kinds)]
            lines += [f"      - {{tag: 10, name: last, type: m{max(i - 1, 0)}, optional: true}}"]
        self.write("big.myra.yml", "\n".join(lines) + "\n")
        self.run_myrac("generate", "big.myra.yml", "--out", "out")
        self.assertIn("struct m999 ", self.read("out/big.hpp"))


if __name__ == "__main__":
    unittest.main()
