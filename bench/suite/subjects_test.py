#!/usr/bin/env python3
"""Tests of the names of subjects and of their command lines."""

import os
import stat
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from core.processes import Absent, Failure  # noqa: E402
from suite.subjects import Catalogue  # noqa: E402

CONFIG = '[reactor.features]\nsilent_sends = true\nzero_copy = false\nlimit = 3\n'


class SubjectsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.program = os.path.join(folder.name, "myra")
        self.prints(CONFIG)
        self.catalogue = Catalogue(self.program)

    def prints(self, text):
        with open(self.program, "w", encoding="ascii") as script:
            script.write(f"#!/bin/sh\ncat <<'END'\n{text}END\n")
        os.chmod(self.program, stat.S_IRWXU)

    def words(self, name, role="echo"):
        return Catalogue.words(role, self.catalogue.subject(name))

    def test_switches_are_what_the_program_prints(self):
        self.assertEqual(self.catalogue.switches, {"silent_sends": True, "zero_copy": False})

    def test_each_switch_is_turned_about(self):
        self.assertEqual(self.catalogue.turned_about("myra uring", ("none",)),
                         ["myra uring -silent_sends", "myra uring +zero_copy"])

    def test_a_feature_becomes_an_option(self):
        self.assertIn("--no-reactor.features.silent-sends", self.words("myra uring -silent_sends"))
        self.assertIn("--reactor.features.zero-copy", self.words("myra epoll +zero_copy"))
        self.assertIn("spin", self.words("myra uring +spin"))

    def test_any_option_can_be_set(self):
        words = self.words("myra uring +reactor.pool.slot-size-bytes=64KiB")
        self.assertEqual(words[-2:], ["--reactor.pool.slot-size-bytes", "64KiB"])

    def test_a_foreign_subject_has_the_roles_that_it_has(self):
        self.assertEqual(self.words("raw epoll")[0], "raw-epoll")
        self.assertEqual(self.words("raw epoll", "client"), ["myra-load", "--engine", "epoll"])
        with self.assertRaisesRegex(Absent, "'libuv' has no form for the role sink"):
            self.words("libuv", "sink")

    def test_an_unknown_name_is_told_what_is_known(self):
        for name, said in (("nginx", "known: raw epoll"), ("myra", "no backend"),
                           ("myra kqueue", "kqueue"), ("myra uring -nope", "silent_sends"),
                           ("myra uring spin", "expected -FEATURE, ")):
            with self.subTest(name), self.assertRaisesRegex(Absent, said):
                self.catalogue.subject(name)

    def test_a_program_that_prints_no_options_is_a_failure(self):
        self.prints("no toml at all\n")
        with self.assertRaisesRegex(Failure, "does not print its options"):
            self.catalogue.subject("myra uring +zero_copy")


if __name__ == "__main__":
    unittest.main()
