#!/usr/bin/env python3
"""Many tests to a process: none is lost when a process ends early, hangs, or ends badly behind its last test."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import test_summary
import whole_programs

# Speaks as a program of GoogleTest does; what a test does says its name.
PROGRAM = r"""#!/usr/bin/env python3
import os, sys, time
failed = False
for name in os.environ["GTEST_FILTER"].split(":"):
    print(f"[ RUN      ] {name}", flush=True)
    what = name.split(".")[1].split("/")[0]
    print("what it says", end="" if what == "mutters" else "\n", flush=True)
    if what == "crashes": os._exit(77)
    if what == "hangs": time.sleep(60)
    while what == "babbles": print("more")
    if what == "fails":
        failed = True
        print(f"[  FAILED  ] {name}, where GetParam() = 3 (0 ms)")
    elif what == "skips": print(f"a.cpp:1: Skipped\nno kernel\n[  SKIPPED ] {name} (0 ms)")
    else: print(f"[       OK ] {name} (0 ms)")
    if what == "leaks": sys.exit(23)
    if what == "exits": sys.exit(1)
sys.stdout.flush()
sys.exit(failed)
"""


class WholePrograms(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.program = Path(self.folder.name, "a_test")
        self.program.write_text(PROGRAM)
        self.program.chmod(0o755)

    def run_tests(self, *names, seconds_max=20):
        """The status and reason of each test, and the exit code and words of the summary."""
        listed = {"tests": [{"name": f"a/{name}", "command": [str(self.program), f"--gtest_filter={name}"],
                             "properties": [{"name": "WORKING_DIRECTORY", "value": self.folder.name},
                                            {"name": "TIMEOUT", "value": seconds_max}]} for name in names]
                            + [{"name": "other", "command": ["true"], "properties": []}]}
        outcomes = [outcome for group in whole_programs.groups_of(listed)
                    for outcome in whole_programs.run_group(group)[1]]
        report = Path(self.folder.name, "dev/reports/programs.xml")
        report.parent.mkdir(parents=True, exist_ok=True)
        whole_programs.write_report(report, outcomes)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = test_summary.main([f"{8 if any(o.status == 'fail' for o in outcomes) else 0}:{report}"])
        self.assertEqual({outcome.name for outcome in outcomes}, {f"a/{name}" for name in names})
        return {outcome.name.removeprefix("a/"): (outcome.status, outcome.why) for outcome in outcomes}, code, \
            said.getvalue()

    def test_each_is_told(self):
        outcomes, code, said = self.run_tests("t.one", "t.mutters", "t.skips", "v/t.fails/3", "t.last")
        self.assertEqual(outcomes["t.one"], ("run", ""))
        self.assertEqual(outcomes["t.mutters"], ("run", ""))
        self.assertEqual(outcomes["v/t.fails/3"], ("fail", "Failed"))
        self.assertEqual(code, 1)
        self.assertIn("3 passed, 1 failed, 1 skipped", said)
        self.assertIn("skipped 1: no kernel", said)

    def test_behind_one_that_crashes_another_process_goes_on(self):
        outcomes, code, said = self.run_tests("t.one", "t.crashes", "t.two", "t.crashes/1", "t.three")
        self.assertEqual(outcomes["t.crashes"], ("fail", "the process ended with 77"))
        self.assertEqual(outcomes["t.three"], ("run", ""))
        self.assertEqual(code, 1)
        self.assertIn("3 passed, 2 failed, 0 skipped", said)

    def test_one_that_hangs_is_ended(self):
        for name in "t.hangs", "t.babbles":
            outcomes, _, _ = self.run_tests(name, "t.two", seconds_max=1)
            self.assertEqual(outcomes[name], ("fail", "not ended after 1 s"))
            self.assertEqual(outcomes["t.two"], ("run", ""))

    def test_an_end_that_is_bad_fails_the_last(self):
        for name, exit_code in ("t.leaks", 23), ("t.exits", 1):
            outcomes, code, _ = self.run_tests("t.one", name)
            self.assertEqual(outcomes[name], ("fail", f"behind it the process ended with {exit_code}"))
            self.assertEqual(outcomes["t.one"], ("run", ""))
            self.assertEqual(code, 1)

    def test_a_program_that_runs_nothing_fails_all(self):
        self.program.write_text("#!/bin/sh\nexit 0\n")
        outcomes, _, said = self.run_tests("t.one", "t.two")
        self.assertEqual({status for status, _ in outcomes.values()}, {"fail"})
        self.assertIn("0 passed, 2 failed, 0 skipped", said)

    def test_a_sanitizer_that_reports_in_a_skipped_test_is_heard(self):
        self.program.write_text(PROGRAM.replace("no kernel", "WARNING: ThreadSanitizer: data race"))
        _, code, said = self.run_tests("t.skips")
        self.assertEqual(code, 1)
        self.assertIn("sanitizer report in a skipped test", said)

    def test_pieces_hold_all(self):
        with mock.patch.object(whole_programs, "TESTS_MAX", 2):
            outcomes, code, _ = self.run_tests(*(f"t.number_{i}" for i in range(7)))
        self.assertEqual(len(outcomes), 7)
        self.assertEqual(code, 0)


if __name__ == "__main__":
    unittest.main()
