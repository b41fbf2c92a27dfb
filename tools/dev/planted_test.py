"""The planted bugs can be planted: ./dev planted takes long, and a patch goes out of date with any line
near it."""

import subprocess
import unittest

import planted


class Patches(unittest.TestCase):
    def test_each_applies_to_the_tree(self):
        paths = sorted(planted.PATCHES.glob("*.patch"))
        self.assertGreaterEqual(len(paths), 15)
        for path in paths:
            with self.subTest(path.stem):
                applied = subprocess.run(["git", "apply", "--check", path], cwd=planted.ROOT,
                                         capture_output=True, text=True)
                self.assertEqual(applied.returncode, 0, applied.stderr)

    def test_each_says_what_it_breaks_and_by_what_it_is_caught(self):
        for path in sorted(planted.PATCHES.glob("*.patch")):
            with self.subTest(path.stem):
                read = planted.read_patch(path)
                self.assertTrue(read.what.endswith("."), read.what)
                self.assertTrue(read.program)


if __name__ == "__main__":
    unittest.main()
