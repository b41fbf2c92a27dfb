"""Which kernel is taken: the newest, from the first suite that has what is pinned, and no other."""

import hashlib
import re
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import archive
import kernel
import pins

CLOUD = "-cloud-amd64"


class Carries:
    """Stands in for a suite: what it lists, without a network."""

    def __init__(self, *packages):
        self.listed = packages

    def packages(self, pattern):
        return [each for each in self.listed if re.fullmatch(pattern, each[0])]


def tiny_package(folder, name, version):
    """A package made here, as it lies in an archive."""
    tree = Path(folder) / f"{name}-tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: nobody\n"
        "Description: for a test\n")
    for file, text in (("boot/vmlinuz-9.9-x", "image"), ("boot/config-9.9-x", "config"),
                       *((f"lib/modules/9.9-x/modules.{each}", "")
                         for each in ("order", "builtin", "builtin.modinfo"))):
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        (tree / file).write_text(text)
    made = Path(folder) / f"{name}_{version}_amd64.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, made], check=True,
                   capture_output=True)
    return made


class Newest(unittest.TestCase):
    def test_by_debians_order(self):
        suite = Carries(("linux-image-6.1.0-9" + CLOUD, "6.1.9-1", "a"),
                        ("linux-image-6.1.0-10" + CLOUD, "6.1.10-1~deb11u1", "b"),
                        ("linux-image-6.1.0-10" + CLOUD, "6.1.10-1", "c"),
                        ("linux-image-6.12.1" + CLOUD, "6.12.1-1", "d"),
                        ("linux-image-6.1.0-11-rt-amd64", "6.1.11-1", "e"))
        self.assertEqual([each.sha256 for each in kernel.newest("6.1", suite)], ["c"])

    def test_split_packages_without_the_empty_one(self):
        suite = Carries(*((f"linux-{part}-7.3.4" + CLOUD, "7.3.4-1", part)
                          for part in ("image", "base", "binary", "modules")))
        found = [each.sha256 for each in kernel.newest("7.3", suite)]
        self.assertEqual(found, ["base", "binary", "modules"])

    def test_none(self):
        self.assertEqual(kernel.newest("6.1", Carries()), [])


class Unpacked(unittest.TestCase):
    def test_the_old_layout(self):
        with tempfile.TemporaryDirectory() as folder:
            file = tiny_package(folder, "linux-image-9.9", "9.9-1")
            to = Path(folder) / "kernel"
            kernel.unpack([file], to)
            unpacked = kernel.Kernel("9.9", "9.9-1", to)
            self.assertEqual(unpacked.release, "9.9-x")
            self.assertEqual(unpacked.image.read_text(), "image")
            self.assertEqual(unpacked.modules(["nosuch"]), ([], ["nosuch"]))


class Get(unittest.TestCase):
    """The suites are played; files, hashes and unpacking are real."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = Path(folder.name) / "cache"
        self.file = tiny_package(folder.name, "linux-image-9.9", "9.9-1")
        self.sha256 = hashlib.sha256(self.file.read_bytes()).hexdigest()
        self.said = []

    def get(self, suites, sha256=None):
        package = pins.Package("linux-image-9.9", "9.9-1", sha256 or self.sha256)
        candidates = [pins.Candidate("9.9", "Debian", name, [package]) for name in suites]
        with mock.patch.object(pins, "read", return_value=candidates), \
                mock.patch.object(archive, "suites", self.suites):
            return kernel.get("9.9", self.said.append, self.cache)

    def suites(self, cache, label, name):
        suite = archive.Suite(cache / name, "no mirror", name)
        suite.update = lambda: None

        def apt(program, *arguments, seconds=0, folder=None):
            if name == "dropped":
                return subprocess.CompletedProcess([], 100, "", "E: Version not found")
            (folder / self.file.name).write_bytes(self.file.read_bytes())
            return subprocess.CompletedProcess([], 0, "", "")

        suite._apt = apt
        return [suite]

    def test_the_next_suite_when_one_dropped_it(self):
        found = self.get(["dropped", "carries"])
        self.assertEqual(found.release, "9.9-x")
        self.assertEqual(len(self.said), 2)
        self.said.clear()
        self.get(["carries"])
        self.assertEqual(self.said, [], "what is cached is not fetched again")

    def test_nobody_carries_it(self):
        with self.assertRaisesRegex(kernel.Unavailable, "in dropped: E: Version not found"):
            self.get(["dropped"])

    def test_another_file_than_the_pinned_one(self):
        with self.assertRaisesRegex(archive.Damaged, "its SHA-256 is"):
            self.get(["carries"], sha256="0" * 64)
        self.assertEqual(list((self.cache / "kernels").glob("*9.9-1")), [])

    def test_a_series_that_is_not_pinned(self):
        with self.assertRaisesRegex(kernel.Unavailable, "no kernel 9.9 is pinned"):
            self.get([])

    def test_what_is_not_pinned_any_more_goes(self):
        self.get(["carries"])
        self.assertEqual(kernel.prune(self.cache, [pins.Candidate("9.9", "Debian", "x")]),
                         ["9.9-9.9-1"])


if __name__ == "__main__":
    unittest.main()
