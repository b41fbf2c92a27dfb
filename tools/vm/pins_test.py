"""The file of pinned kernels: read, written, and refused when a line says nothing useful."""

import tempfile
import unittest
from pathlib import Path

import pins

TEXT = """# a comment
#
5.10  Debian-Security  old-security  linux-image-5.10-a  5.10.2-1  aa
5.10  Debian           old           -                   -         -
7.3   Debian           new           linux-base-7.3      7.3.4-1   bb
7.3   Debian           new           linux-binary-7.3    7.3.4-1   cc
"""


class Pins(unittest.TestCase):
    def test_what_is_read_is_written_again(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "kernels.txt"
            file.write_text(TEXT)
            pins.write(pins.read(file), file)
            self.assertEqual(file.read_text(), TEXT)

    def test_candidates_keep_their_order_and_all_their_packages(self):
        _, candidates = pins.parse(TEXT)
        of = pins.by_series(candidates)
        self.assertEqual(list(of), ["5.10", "7.3"])
        self.assertEqual([each.suite for each in of["5.10"]], ["old-security", "old"])
        self.assertEqual([each.sha256 for each in of["7.3"][0].packages], ["bb", "cc"])
        self.assertEqual(of["5.10"][1].packages, [])
        self.assertEqual(of["5.10"][1].version, "not pinned")

    def test_a_line_of_other_columns_is_named(self):
        with self.assertRaisesRegex(pins.PinError, "line 2: 3 columns, expected 6"):
            pins.parse("# top\n5.10 Debian old\n")

    def test_the_committed_file_pins_every_kernel(self):
        candidates = pins.read()
        self.assertTrue(candidates)
        for each in candidates:
            self.assertTrue(each.packages, f"{each.series} of {each.suite}")
            for package in each.packages:
                self.assertRegex(package.sha256, "^[0-9a-f]{64}$")


if __name__ == "__main__":
    unittest.main()
