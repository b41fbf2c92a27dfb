"""Tests of ./dev abuse itself: which scenes it runs, what becomes of one that fails, memory groups."""

import contextlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True

import abuse  # noqa: E402


def fine(trial, pairs):
    figures = {"p99_us": 100, "cpu_ns": 1000, "server_cpu_ns": 1000, "messages": 10}
    return {"name": trial.scene.name, "pairs": [{"alone": figures, "beside": figures}] * pairs,
            "back_seconds": 0.1, "memory_base": 0, "memory_peak": 0, "alive": True}


class Main(unittest.TestCase):
    def run_it(self, *words, run=fine):
        """The exit code, what was printed and said, and the scenes by name in the file of --json."""
        with tempfile.TemporaryDirectory() as folder, \
                mock.patch.object(sys, "argv", ["abuse", *words, "--json", f"{folder}/found", "--pairs", "1"]), \
                mock.patch.object(abuse.machine, "enter_own_network", return_value=""), \
                mock.patch.object(abuse.Trial, "run", run), \
                contextlib.redirect_stdout(io.StringIO()) as out, \
                contextlib.redirect_stderr(io.StringIO()) as errors:
            with self.assertRaises(SystemExit) as ended:
                abuse.main()
            file = pathlib.Path(folder, "found")
            found = json.loads(file.read_text()) if file.exists() else []
        return ended.exception.code, out.getvalue() + errors.getvalue(), {each["name"]: each for each in found}

    def test_a_word_chooses_the_scenes_that_have_it_in_their_name(self):
        code, text, found = self.run_it("storm")
        self.assertEqual(code, 0, text)
        self.assertEqual(set(found), {"connection storm", "reset storm"})

    def test_a_word_of_no_scene_is_refused_with_those_that_there_are(self):
        code, text, found = self.run_it("storm", "strom")
        self.assertEqual(code, 2)
        self.assertIn("'strom'", text)
        self.assertIn("connection storm", text)
        self.assertEqual(found, {})

    def test_a_scene_that_fails_leaves_the_others_their_results(self):
        for failure in (abuse.processes.Failure("not served"), OSError("not served"),
                        subprocess.TimeoutExpired("not served", 60)):
            def run(trial, pairs, failure=failure):
                if trial.scene.name == "connection storm":
                    raise failure
                return fine(trial, pairs)

            with self.subTest(failure=failure):
                code, text, found = self.run_it("storm", run=run)
                self.assertEqual(code, 1)
                self.assertIn("not served", text)
                self.assertEqual(found["connection storm"]["wrong"], [str(failure)])
                self.assertEqual(found["reset storm"]["wrong"], [])


class FreshClient(unittest.TestCase):
    SERVER = mock.Mock(address="127.0.0.1:1")

    def verify(self, program):
        with mock.patch.dict(abuse.os.environ, MYRA=program):
            abuse.Trial.verify(self.SERVER, "1KiB")

    def test_one_that_is_served(self):
        self.verify("true")

    def test_one_that_is_not_is_a_failure_of_the_scene(self):
        with self.assertRaisesRegex(abuse.processes.Failure, "not served"):
            self.verify("false")


class MemoryGroups(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        patched = mock.patch.object(abuse, "CONTROL_GROUPS", self.root)
        patched.start()
        self.addCleanup(patched.stop)

    def test_version_1(self):
        (self.root / "memory").mkdir()
        (self.root / "memory" / "memory.limit_in_bytes").write_text("0")
        self.assertEqual(abuse.memory_groups(), (self.root / "memory", "memory.limit_in_bytes"))

    def test_version_2(self):
        (self.root / "cgroup.subtree_control").write_text("cpu memory pids\n")
        self.assertEqual(abuse.memory_groups(), (self.root, "memory.max"))

    def test_version_2_without_memory_for_groups(self):
        (self.root / "cgroup.subtree_control").write_text("cpu pids\n")
        with self.assertRaisesRegex(abuse.processes.Failure, "echo .memory > .*subtree_control"):
            abuse.memory_groups()

    def test_none(self):
        with self.assertRaisesRegex(abuse.processes.Failure, "no control groups"):
            abuse.memory_groups()


if __name__ == "__main__":
    unittest.main()
