#!/usr/bin/env python3
"""Tests of what the runs of sections have in common, with sections that measure nothing."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from core import frame  # noqa: E402
from core.processes import Absent, Failure  # noqa: E402
from core.report import Row  # noqa: E402


def met(bench):
    return [Row("some", "met", value=1.5 * bench.pairs, at_most=30.0)]


def missed(_):
    return [Row("some", "missed", value=2.0, at_most=1.0)]


def absent(_):
    raise Absent("no such program")


def failed(_):
    raise Failure("the load broke off")


class RunSectionsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.json = os.path.join(folder.name, "found.json")
        for where, name, value in ((frame.machine, "enter_own_network", ""),
                                   (frame.os, "cpu_count", 2), (frame.signal, "signal", None)):
            patched = mock.patch.object(where, name, return_value=value)
            patched.start()
            self.addCleanup(patched.stop)

    def run_it(self, *options, **sections):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = frame.run_sections(["--json", self.json, *options], "bench", "", sections)
        with open(self.json, encoding="utf-8") as file:
            return code, out.getvalue(), json.load(file)

    def test_what_was_measured_is_written(self):
        code, out, found = self.run_it("--pairs", "5", met=met)
        self.assertEqual(code, 0, out)
        self.assertEqual(found["machine"]["cpus"], 2)
        self.assertEqual(found["pairs"], 5)
        self.assertEqual([(row["name"], row["value"], row["verdict"]) for row in found["rows"]],
                         [("met", 7.5, "OK")])

    def test_what_was_not_measured_is_written_with_the_reason(self):
        code, out, found = self.run_it(gone=absent, broken=failed, met=met)
        self.assertEqual(code, 1, out)
        self.assertEqual([(row["verdict"], row["absent"] or row["failed"])
                          for row in found["rows"]],
                         [("NOT RUN", "no such program"), ("FAILED", "the load broke off"),
                          ("OK", "")])

    def test_only_what_was_asked_for_is_measured(self):
        _, _, found = self.run_it("--only", "met", met=met, broken=failed)
        self.assertEqual([row["name"] for row in found["rows"]], ["met"])

    def test_a_missed_figure_fails_a_strict_run(self):
        self.assertEqual(self.run_it(missed=missed)[0], 0)
        self.assertEqual(self.run_it("--strict", missed=missed)[0], 1)


if __name__ == "__main__":
    unittest.main()
