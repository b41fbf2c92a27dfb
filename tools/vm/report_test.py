"""The matrix as a table, as JSON, and as docs/kernels.md."""

import contextlib
import io
import json
import unittest
from collections import Counter
from unittest import mock

import document
import kernel
import matrix
import report
import steps


def run(series, failed=(), wrong=()):
    made = matrix.Run(series, release=series + ".0", version=series + ".0-1", seconds=9.0)
    for user in ("root", "user"):
        made.results[user] = [steps.Result("io", 0, 2.5, passed=10, failed=list(failed),
                                           skipped=Counter({"assertions are off": 2}))]
        state = "used" if user == "root" else "available"
        made.probes[user] = {"backend": "uring", "backend_why": "deferred", "uring": True,
                             "features": [{"name": "rings", "state": state, "why": "yes"}]}
    made.wrong = list(wrong)
    return made


def missing(series):
    return matrix.Run(series, skipped="cannot be had: no network")


def printed(found):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        report.print_table(found)
    return out.getvalue()


class Table(unittest.TestCase):
    def test_kernels_and_users_are_rows(self):
        text = printed(report.as_json([run("6.1"), missing("5.10")], short=True))
        lines = text.splitlines()
        self.assertRegex(lines[1], r"^6\.1 \(6\.1\.0-1\) +root +uring +10 +0 +2 +right")
        self.assertIn("Linux 5.10 was skipped: cannot be had: no network", text)
        self.assertIn("6.1 as user skipped 2: assertions are off", text)
        self.assertIn("1 kernels run, 1 skipped, 0 failures", text)

    def test_failures_are_counted(self):
        bad = run("6.1", failed=["io.case"], wrong=["as user, probe: rings: used, but ..."])
        found = report.as_json([bad])
        self.assertEqual(found["failed"], 3)
        self.assertIn("wrong", printed(found).splitlines()[2])

    def test_what_is_printed_is_also_json(self):
        found = report.as_json([run("6.1")])
        self.assertEqual(json.loads(json.dumps(found)), found)


class Merged(unittest.TestCase):
    def test_kernels_of_the_same_build_are_kept(self):
        earlier = report.as_json([run("6.12"), run("6.1", failed=["io.case"])], "build 1")
        now = report.as_json([run("6.1")], "build 1")
        both = report.merged(earlier, now)
        self.assertEqual([each["series"] for each in both["kernels"]], ["6.1", "6.12"])
        self.assertEqual((both["kernels_run"], both["failed"]), (2, 0))

    def test_another_build_is_not_mixed_in(self):
        earlier = report.as_json([run("6.12")], "build 1")
        self.assertEqual(len(report.merged(earlier, report.as_json([run("6.1")], "2"))["kernels"]), 1)
        short = report.as_json([run("6.1")], "build 1", short=True)
        self.assertEqual(len(report.merged(earlier, short)["kernels"]), 1)


class Skips(unittest.TestCase):
    def test_for_want_of_io_uring_where_there_is_io_uring(self):
        odd = run("6.1")
        odd.results["root"][0].skipped["io_uring is used from Linux 6.1, this is 6.1"] = 4
        matrix.judge_skips(odd)
        (found,) = odd.wrong
        self.assertIn("as root: 4 skipped though the probe finds io_uring", found)

    def test_no_kernel_at_all_is_a_skip_and_not_a_pass(self):
        with mock.patch.object(kernel, "get", side_effect=kernel.Unavailable("no network")), \
                mock.patch.object(matrix, "keep"), \
                contextlib.redirect_stdout(io.StringIO()) as out, \
                contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(matrix.main(["--short"]), matrix.SKIPPED)
        self.assertIn("SKIP: none of the kernels", out.getvalue())


class Document(unittest.TestCase):
    def test_each_kernel_is_a_column(self):
        text = document.text(report.as_json([run("6.1"), run("7.3")]))
        self.assertIn("| feature | 6.1 | 7.3 |", text)
        self.assertIn("| rings | **used** / available | **used** / available |", text)
        self.assertIn("| 6.1 (6.1.0-1) | root | uring | 10 | 0 | 2: assertions are off |", text)

    def test_known_bad_kernels_have_a_reason(self):
        rows = list(document.known_bad_rows())
        self.assertGreater(len(rows), 2)
        for row in rows:
            self.assertTrue(all(row), row)


if __name__ == "__main__":
    unittest.main()
