#!/usr/bin/env python3
"""Tests of the comparison, of reading results, and of the program's exit codes."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import compare as program  # noqa: E402
from suite.compare import compare  # noqa: E402
from suite.results import Results, ScenarioResult, SubjectResult, Unusable, load, save  # noqa: E402


def results(cpu, base=(1000.0,) * 5, entries=None):
    """One scenario with a base and one subject; CPU of each round."""
    def runs(values):
        return [{"round": number, "cpu_ns": value} for number, value in enumerate(values)]

    ours = runs(cpu)
    if entries is not None:
        ours[0]["entries"] = entries
    subjects = [SubjectResult("raw epoll", runs(base)), SubjectResult("myra uring", ours)]
    return Results({}, [ScenarioResult("echo 50 x 1", "", "cpu_ns", "ns", "raw epoll", {},
                                       subjects)])


STEADY = results([950.0] * 5)


class CompareTest(unittest.TestCase):
    def test_a_run_against_itself_has_no_change(self):
        found = compare(STEADY, STEADY, 0.03)
        self.assertEqual((found.worse, found.better, found.missing, found.broken),
                         ([], [], [], []))
        self.assertEqual(len(found.findings), 1)

    def test_a_slower_subject_is_worse(self):
        found = compare(STEADY, results([1050.0] * 5), 0.03)
        self.assertEqual([one.subject for one in found.worse], ["myra uring"])

    def test_a_faster_subject_is_better(self):
        self.assertEqual(len(compare(STEADY, results([800.0] * 5), 0.03).better), 1)

    def test_a_slower_machine_is_no_change(self):
        slow = results([1900.0] * 5, base=[2000.0] * 5)
        self.assertEqual(compare(STEADY, slow, 0.03).worse, [])

    def test_a_tolerance_covers_what_it_says(self):
        self.assertEqual(compare(STEADY, results([1050.0] * 5), 0.2).worse, [])

    def test_entries_are_compared_as_they_are(self):
        old, new = results([950.0] * 5, entries=0.03), results([950.0] * 5, entries=0.06)
        self.assertEqual([one.figure for one in compare(old, new, 0.03).worse], ["entries"])

    def test_a_subject_that_fails_now_is_named(self):
        new = results([950.0] * 5)
        new.scenarios[0].subjects[1] = SubjectResult("myra uring", failed="it hung")
        self.assertEqual(compare(STEADY, new, 0.03).broken, ["echo 50 x 1, myra uring: it hung"])

    def test_a_subject_that_is_not_there_is_missing(self):
        new = results([950.0] * 5)
        del new.scenarios[0].subjects[1]
        found = compare(STEADY, new, 0.03)
        self.assertEqual(found.missing, ["echo 50 x 1, myra uring: not in the new results"])
        self.assertEqual(found.broken, [])


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        if isinstance(content, Results):
            save(content, path)
        else:
            with open(path, "wb") as out:
                out.write(content)
        return path

    def run_program(self, *words):
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            try:
                status = program.main(list(words))
            except SystemExit as end:
                status = end.code
        return status, out.getvalue(), errors.getvalue()

    def test_what_is_saved_can_be_loaded(self):
        self.assertEqual(load(self.file("a", STEADY)), STEADY)

    def test_ends_with_0_when_nothing_is_worse(self):
        path = self.file("a", STEADY)
        self.assertEqual(self.run_program(path, path)[0], 0)

    def test_ends_with_1_and_says_what_is_worse(self):
        old, new = self.file("a", STEADY), self.file("b", results([1100.0] * 5))
        status, out, _ = self.run_program(old, new)
        self.assertEqual(status, 1)
        self.assertIn("worse   echo 50 x 1, myra uring: cpu_ns / raw epoll 0.95", out)

    def test_ends_with_1_when_something_fails_that_did_not(self):
        new = results([950.0] * 5)
        new.scenarios[0].subjects[1].runs[0]["entries"] = 1.0
        new.scenarios[0].subjects.append(SubjectResult("libuv", failed="it hung"))
        old = results([950.0] * 5)
        old.scenarios[0].subjects.append(SubjectResult("libuv", [{"round": 0, "cpu_ns": 1.0}]))
        status, out, _ = self.run_program(self.file("a", old), self.file("b", new))
        self.assertEqual(status, 1)
        self.assertIn("broken  echo 50 x 1, libuv: it hung", out)

    def test_ends_with_2_and_says_what_is_wrong_with_a_file(self):
        good = self.file("good", STEADY)
        wrong_number = json.dumps({"format": "myra bench", "version": 1, "about": {}, "scenarios": [
            {"name": "a", "title": "", "figure": "x", "unit": "", "base": "b", "parameters": {},
             "subjects": [{"name": "c", "absent": "", "failed": "",
                           "runs": [{"round": 0, "x": "fast"}]}]}]})
        for content, said in ((b"{", "no JSON"), (b"\xff\xfe", "no text"), (b"[]", "format: found"),
                              (b'{"format": "perf"}', 'found "perf", expected "myra bench"'),
                              (b'{"format": "myra bench", "version": 9}', "version: found 9"),
                              (b'{"format": "myra bench", "version": 1, "about": {}}',
                               "scenarios: expected an array"),
                              (wrong_number.encode(), 'found "fast", expected a number'),
                              (wrong_number.replace('"fast"', "NaN").encode(),
                               "found NaN, expected a number")):
            with self.subTest(said):
                status, _, errors = self.run_program(good, self.file("bad", content))
                self.assertEqual(status, 2)
                self.assertIn(said, errors)
                self.assertEqual(errors.count("\n"), 1, errors)

    def test_ends_with_2_when_a_file_is_missing(self):
        status, _, errors = self.run_program(self.file("a", STEADY), self.folder + "/none")
        self.assertEqual(status, 2)
        self.assertIn("No such file", errors)

    def test_ends_with_2_when_the_two_have_nothing_in_common(self):
        other = results([950.0] * 5)
        other.scenarios[0].name = "churn"
        status, _, errors = self.run_program(self.file("a", STEADY), self.file("b", other))
        self.assertEqual(status, 2)
        self.assertIn("nothing in common", errors)

    def test_ends_with_2_on_a_tolerance_that_is_none(self):
        path = self.file("a", STEADY)
        self.assertEqual(self.run_program(path, path, "--tolerance", "much")[0], 2)
        self.assertEqual(self.run_program(path, path, "--tolerance", "-1")[0], 2)

    def test_load_refuses_a_scenario_without_a_name(self):
        path = self.file("x", b'{"format": "myra bench", "version": 1, "about": {}, '
                              b'"scenarios": [{}]}')
        with self.assertRaisesRegex(Unusable, "a scenario: name: expected text"):
            load(path)


if __name__ == "__main__":
    unittest.main()
