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
import truth


def run(series, failed=(), wrong=(), part="layers", users=("root", "user")):
    does = steps.Machine(part, {user: [] for user in users})
    made = matrix.Run(series, does, release=series + ".0", version=series + ".0-1", seconds=9.0,
                      boots=1)
    for user in users:
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
        text = printed(report.as_json([run("6.1"), missing("5.10")]))
        lines = text.splitlines()
        self.assertRegex(lines[1], r"^6\.1 \(6\.1\.0-1\) +root +uring +10 +0 +2 +right")
        self.assertIn("Linux 5.10 was skipped: cannot be had: no network", text)
        self.assertIn("6.1 as user skipped 2: assertions are off", text)
        self.assertIn("1 kernels run, 1 skipped, 0 failures", text)

    def test_machines_of_a_kernel_are_summed_up(self):
        found = report.as_json([run("6.1"), run("6.1", part="cases", users=("root",))])
        sums = report.users(found["kernels"][0])
        self.assertEqual([sums[user]["passed"] for user in ("root", "user")], [20, 10])
        self.assertEqual(sums["root"]["skipped"], {"assertions are off": 4})

    def test_failures_are_counted(self):
        bad = run("6.1", failed=["io.case"], wrong=["as user, probe: rings: used, but ..."])
        found = report.as_json([bad])
        self.assertEqual(found["failed"], 3)
        self.assertIn("wrong", printed(found).splitlines()[2])

    def test_boots_that_were_needed_again_are_counted(self):
        again = run("6.1")
        again.boots = 3
        self.assertIn("1 machines, 2 of them booted again", printed(report.as_json([again])))

    def test_what_is_printed_is_also_json(self):
        found = report.as_json([run("6.1")])
        self.assertEqual(json.loads(json.dumps(found)), found)


class Explained(unittest.TestCase):
    def test_the_last_lines_of_a_step_that_ended_without_a_report(self):
        failed = run("6.1", failed=["io ended with 137 and no report"], users=("user",))
        failed.output = "== user: probe\nyes\n== user: io\nfirst\nhangs here\n== user: echo\nwell\n"
        with contextlib.redirect_stderr(io.StringIO()) as said:
            report.explain(failed)
        self.assertIn("    hangs here\n", said.getvalue())
        self.assertNotIn("well", said.getvalue())


class Merged(unittest.TestCase):
    def test_kernels_of_the_same_build_are_kept(self):
        earlier = report.as_json([run("6.12"), run("6.1", failed=["io.case"])], "build 1")
        now = report.as_json([run("6.1")], "build 1")
        both = report.merged(earlier, now)
        self.assertEqual([each["series"] for each in both["kernels"]], ["6.1", "6.12"])
        self.assertEqual((both["kernels_run"], both["failed"]), (2, 0))

    def test_other_machines_of_a_kernel_are_kept(self):
        earlier = report.as_json([run("6.1"), run("6.1", part="cases")], "build 1")
        both = report.merged(earlier, report.as_json([run("6.1", wrong=["x"])], "build 1"))
        self.assertEqual((both["machines"], both["failed"]), (2, 1))
        other = report.merged(earlier, report.as_json([run("6.1", users=("root",))], "build 1"))
        self.assertEqual(other["machines"], 3)

    def test_another_build_is_not_mixed_in(self):
        earlier = report.as_json([run("6.12")], "build 1")
        self.assertEqual(len(report.merged(earlier, report.as_json([run("6.1")], "2"))["kernels"]), 1)


class Skips(unittest.TestCase):
    def test_for_want_of_io_uring_where_there_is_io_uring(self):
        odd = run("6.1")
        odd.results["root"][0].skipped["io_uring is used from Linux 6.1, this is 6.1"] = 4
        matrix.judge_skips(odd)
        (found,) = odd.wrong
        self.assertIn("as root: 4 skipped though the probe finds io_uring", found)

    def test_no_kernel_at_all_is_a_skip_and_not_a_pass(self):
        with mock.patch.object(kernel, "get", side_effect=kernel.Unavailable("no network")), \
                mock.patch.object(matrix.shutil, "which", return_value="/usr/bin/it"), \
                mock.patch.object(matrix, "listed_variants", return_value=set()), \
                mock.patch.object(matrix, "forgotten_variants", return_value=[]), \
                contextlib.redirect_stdout(io.StringIO()) as out, \
                contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(matrix.main(["--short"]), steps.SKIPPED)
        self.assertIn("SKIP: none of the kernels", out.getvalue())

    def test_no_emulator_is_a_skip_and_not_a_pass(self):
        with mock.patch.object(matrix.shutil, "which", return_value=None), \
                contextlib.redirect_stdout(io.StringIO()) as out:
            self.assertEqual(matrix.main(["--short"]), steps.SKIPPED)
        self.assertEqual(out.getvalue(), "SKIP: qemu-system-x86_64 is not installed\n")

    def test_a_variant_that_no_kernel_would_run_is_named(self):
        _, features = truth.read()
        known = {*steps.BOTH_BACKENDS, *steps.OTHER_VARIANTS, *steps.NO_KERNEL,
                 *(variant for each in features.values() for variant in each.variants)}
        self.assertEqual(matrix.forgotten_variants(known), [])
        (found,) = matrix.forgotten_variants(known | {"uring_new"})
        self.assertIn("variant uring_new: no row", found)
        (found,) = matrix.forgotten_variants(known - {"uring_sockets_only"})
        self.assertIn("has none of that name", found)


class Document(unittest.TestCase):
    def test_each_kernel_is_a_column(self):
        text = document.text(document.summary(report.as_json([run("6.1"), run("7.3")])))
        self.assertIn("| feature | 6.1 | 7.3 |", text)
        self.assertIn("| rings | **used** / available | **used** / available |", text)
        self.assertIn("| 6.1 (6.1.0-1) | root | uring | 10 | 0 | 2 | 2: assertions are off | "
                      "units and servers |",
                      text)

    def test_what_is_of_another_build_is_named(self):
        earlier = report.as_json([run("6.1"), run("6.1", part="cases"), run("7.3")], "1" * 64)
        both = report.combined(earlier, report.as_json([run("6.1", part="cases")], "2" * 64))
        self.assertEqual(both["machines"], 3)
        text = document.text(document.summary(both))
        self.assertIn("it is of 111111111111, but for\n\n- 222222222222: 6.1 cases as root and user.\n",
                      text)
        self.assertNotIn("one build", document.text(document.summary(earlier)))

    def test_known_bad_kernels_have_a_reason(self):
        rows = list(document.known_bad_rows())
        self.assertGreater(len(rows), 2)
        for row in rows:
            self.assertTrue(all(row), row)

    def test_what_a_run_finds_differently_is_named(self):
        known = document.summary(report.as_json([run("6.1"), run("7.3")]))
        self.assertEqual(document.out_of_date(report.as_json([run("7.3")]), known), [])
        changed = run("7.3")
        changed.probes["root"]["features"][0]["state"] = "absent"
        found = document.out_of_date(report.as_json([changed]), known)
        self.assertEqual(found[0], "docs/kernels.md says of rings on Linux 7.3 as root: used, it is "
                                   "absent")
        self.assertIn("lacks Linux 6.12 as root",
                      document.out_of_date(report.as_json([run("6.12")]), known)[0])

    def test_a_matrix_with_machines_missing_is_not_written_down(self):
        missing_ones = document.parts_missing(report.as_json([run("6.1", users=("root",))]))
        self.assertIn("Linux 6.1, probe as root and user", missing_ones)
        whole = document.parts_missing(report.as_json([run("6.1", part="probe")]))
        self.assertNotIn("Linux 6.1, probe as root and user", whole)

    def test_pins_and_features_that_the_matrix_did_not_see_are_named(self):
        known = document.summary(report.as_json([run("6.1")]))
        wrong = document.unfounded(known)
        self.assertTrue([each for each in wrong if each.startswith("Linux 7.3: pinned")])
        self.assertTrue([each for each in wrong if "only in one of" in each])

    def test_the_committed_document_is_what_the_matrix_found(self):
        known = document.read()
        self.assertEqual(document.unfounded(known), [], "run ./dev vm matrix, ./dev vm document")
        self.assertEqual(document.FILE.read_text(), document.text(known),
                         "docs/kernels.md is written by ./dev vm document and not by hand")
        for each in known["kernels"]:
            for user in each["users"].values():
                self.assertEqual(user["failed"], 0)


if __name__ == "__main__":
    unittest.main()
