"""The first file system of the machine, and what comes back out of it."""

import lzma
import subprocess
import tempfile
import unittest
from pathlib import Path

import cpio
import image
import machine


class NoKernel:
    def modules(self, names):
        return [], list(names)


def listed(packed):
    """What is in the archive: name -> (mode, bytes)."""
    found, at = {}, 0
    while True:
        assert packed[at:at + 6] == b"070701", packed[at:at + 6]
        field = [int(packed[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        name = packed[at + 110:at + 110 + field[11] - 1].decode()
        start = at + 110 + field[11] + -(at + 110 + field[11]) % 4
        if name == cpio.TRAILER:
            return found
        found[name] = (field[1], packed[start:start + field[6]])
        at = start + field[6] + -(start + field[6]) % 4


class Image(unittest.TestCase):
    def test_folders_come_before_what_lies_in_them_and_once(self):
        packed = cpio.Archive()
        packed.file("a/b/c", b"content", 0o755)
        packed.file("a/b/c", b"another")
        packed.file("a/b/d", b"")
        packed.link("a/e", "b/c")
        found = listed(packed.bytes())
        self.assertEqual(list(found), ["a", "a/b", "a/b/c", "a/b/d", "a/e"])
        self.assertEqual(found["a"], (0o40755, b""))
        self.assertEqual(found["a/b/c"], (0o100755, b"content"))
        self.assertEqual(found["a/e"], (0o120777, b"b/c"))

    def test_arguments_reach_the_shell_as_they_are(self):
        made = image.Image(NoKernel(), ["tls"])
        made.run(["./x", "a b", "it's", "$HOME"], {"NAME": "two words"}, as_user=True)
        found = listed(made.bytes())
        self.assertEqual(made.missing_modules, ["tls"])
        words = subprocess.run(["sh", "-c", "set -- " + found["vm/command"][1].decode() +
                                "printf '%s|' \"$@\""], capture_output=True, text=True).stdout
        self.assertEqual(words, "./x|a b|it's|$HOME|")
        self.assertEqual(found["vm/environment"][1], b"export NAME='two words'\n")
        self.assertIn("vm/as_user", found)

    def test_a_program_brings_its_libraries(self):
        made = image.Image(NoKernel(), [])
        made.add(Path("/bin/ls"))
        found = listed(made.bytes())
        self.assertEqual(found["t/ls"][0], 0o100755)
        self.assertTrue(any("libc.so" in name for name in found), list(found))
        self.assertTrue(any("ld-linux" in name for name in found), list(found))

    def test_what_is_not_there_is_named(self):
        with self.assertRaisesRegex(image.ImageError, "no program nosuch-program"):
            image.find_program("nosuch-program", [Path("/tmp")])
        with self.assertRaisesRegex(image.ImageError, "no file /nosuch"):
            image.Image(NoKernel(), []).add(Path("/nosuch"))

    def test_packed_modules_are_unpacked(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "x.ko.xz"
            file.write_bytes(lzma.compress(b"module"))
            self.assertEqual(image.unpacked_module(file), b"module")


class Status(unittest.TestCase):
    def test_a_machine_that_died_has_no_status(self):
        self.assertEqual(machine.read_status(b""), (None, {}))
        self.assertEqual(machine.read_status(b"stat"), (None, {}))

    def test_the_status_is_read(self):
        self.assertEqual(machine.read_status(b"begun\r\nstatus=3\r\n"), (3, {}))

    def test_trouble_in_the_kernels_log_is_found(self):
        log = "[ 1.0] fine\n[ 2.0] WARNING: CPU: 0 PID: 1 at io_uring/x.c:3\n[ 3.0] BUG: bad\n"
        found = machine.Outcome(0, "", "", log, 1.0).trouble
        self.assertEqual(found, ["WARNING: CPU: 0 PID: 1 at io_uring/x.c:3", "BUG: bad"])


if __name__ == "__main__":
    unittest.main()
