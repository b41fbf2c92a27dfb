#!/usr/bin/env python3
"""The summary of ./dev test never calls a run good that was not."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import test_summary

GTEST_SKIP = "thing_test.cpp:2: Skipped\nno kernel\nfor this\n[  SKIPPED ] a.c (0 ms)\n"


def case(name, status="run", child="", output=""):
    return (f'<testcase name="{name}" classname="{name}" time="0" status="{status}">{child}'
            f"<system-out>{output}</system-out></testcase>")


def skipped(name, output, message="SKIP_REGULAR_EXPRESSION_MATCHED"):
    return case(name, "notrun", f'<skipped message="{message}"/>', output)


class Summary(unittest.TestCase):
    def summarize(self, *cases, ctest_exit_code=0, report_exists=True):
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "dev/reports/ctest.xml")
            report.parent.mkdir(parents=True)
            if report_exists:
                report.write_text(f"<testsuite>{''.join(cases)}</testsuite>")
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                code = test_summary.main([f"{ctest_exit_code}:{report}"])
            return code, output.getvalue()

    def test_all_passed(self):
        code, output = self.summarize(case("a"), case("b"))
        self.assertEqual(code, 0)
        self.assertIn("2 passed, 0 failed, 0 skipped", output)

    def test_a_skip_is_counted_with_its_reason(self):
        code, output = self.summarize(
            case("a"), skipped("b", GTEST_SKIP),
            skipped("c", "SKIP: no redis here\n", "SKIP_RETURN_CODE=77"))
        self.assertEqual(code, 0)
        self.assertIn("1 passed, 0 failed, 2 skipped", output)
        self.assertIn("skipped 1: no kernel for this\n    dev: b", output)
        self.assertIn("skipped 1: no redis here\n    dev: c", output)

    def test_a_case_of_a_script_that_is_skipped_is_counted(self):
        code, output = self.summarize(
            case("a", output="test_it (__main__.A.test_it) ... ok\n"
                             "test_one (__main__.A.test_one) ... skipped 'no program'\n"
                             "test_two (__main__.A.test_two)\nWhat it is. ... skipped \"isn't here\"\n"))
        self.assertEqual(code, 0)
        self.assertIn("1 passed, 0 failed, 2 skipped", output)
        self.assertIn("skipped 1: no program\n    dev: a.test_one", output)
        self.assertIn("skipped 1: isn't here\n    dev: a.test_two", output)

    def test_a_failure_is_named(self):
        code, output = self.summarize(case("a"), case("b", "fail", '<failure message=""/>'),
                                      ctest_exit_code=8)
        self.assertEqual(code, 1)
        self.assertIn("failed 1:\n    dev: b", output)

    def test_a_program_that_is_not_there_is_a_failure(self):
        code, output = self.summarize(skipped("a", "", "Unable to find executable"))
        self.assertEqual(code, 1)
        self.assertIn("dev: a  (not run: Unable to find executable)", output)

    def test_a_skip_without_a_word_is_counted(self):
        code, output = self.summarize(case("a"), skipped("b", "", "SKIP_RETURN_CODE=77"))
        self.assertEqual(code, 0)
        self.assertIn("skipped 1: no reason printed\n    dev: b", output)

    def test_a_skip_does_not_hide_a_sanitizer_report(self):
        code, _ = self.summarize(skipped("a", GTEST_SKIP + "==1==ERROR: LeakSanitizer: ..."))
        self.assertEqual(code, 1)

    def test_ctest_that_broke_is_a_failure(self):
        for exit_code in (1, 8, 139):
            code, output = self.summarize(case("a"), ctest_exit_code=exit_code)
            self.assertEqual(code, 1, output)

    def test_a_report_that_is_not_there_is_a_failure(self):
        self.assertEqual(self.summarize(report_exists=False)[0], 1)

    def test_nothing_run_is_a_failure(self):
        code, output = self.summarize()
        self.assertEqual(code, 1)
        self.assertIn("no test ran", output)


if __name__ == "__main__":
    unittest.main()
