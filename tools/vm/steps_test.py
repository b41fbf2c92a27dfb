"""What the matrix makes of what a machine left behind."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import steps
import truth

REPORT = b"""<?xml version="1.0"?><testsuites><testsuite name="s">
<testcase name="good" status="run" result="completed" classname="s"/>
<testcase name="bad" status="run" result="completed" classname="s"><failure message="no"/></testcase>
<testcase name="left" status="run" result="skipped" classname="s">
<skipped message="file.cpp:3&#x0A;needs  Linux 6.1&#x0A;"/></testcase>
<testcase name="other" status="notrun" result="suppressed" classname="s"/>
</testsuite></testsuites>"""

UNIT = steps.gtest("unit_test", 10)
SHARDED = steps.gtest("unit_test", 10, shards=2)
OTHER = steps.Step("kv auto", "./kv.sh auto", 10)


def read(lines, **files):
    left = {"root/steps": lines.encode()}
    left.update({f"root/{name}.0.xml": content for name, content in files.items()})
    return steps.read([UNIT, OTHER], "root", left)


class Steps(unittest.TestCase):
    def test_cases_are_counted(self):
        unit, other = read("unit|1|2.0|5.5\nkv auto|0|5.5|7.0\n", unit=REPORT)
        self.assertEqual((unit.passed, unit.failed), (1, ["s.bad"]))
        self.assertEqual(dict(unit.skipped), {"needs Linux 6.1": 1})
        self.assertEqual(unit.seconds, 3.5)
        self.assertEqual((other.passed, other.failed), (1, []))

    def test_a_program_that_died_is_a_failure(self):
        unit, other = read("unit|139|2.0|5.5\nkv auto|137|5.5|7.0\n")
        self.assertEqual(unit.failed, ["unit ended with 139 and no report"])
        self.assertEqual(other.failed, ["kv auto ended with 137"])

    def test_a_bad_status_with_a_good_report_is_a_failure(self):
        good = REPORT.replace(b'<failure message="no"/>', b"")
        unit, _ = read("unit|1|2.0|5.5\nkv auto|0|5.5|7.0\n", unit=good)
        self.assertEqual(unit.failed, ["unit ended with 1"])

    def test_what_did_not_run_is_a_failure(self):
        for result in steps.read([UNIT, OTHER], "root", {}):
            self.assertFalse(result.fine)

    def test_a_program_without_cases_is_a_failure(self):
        unit, _ = read("unit|0|2.0|5.5\nkv auto|0|5.5|7.0\n", unit=b"<testsuites/>")
        self.assertEqual(unit.failed, ["unit ran no case"])

    def test_shards_are_counted_together(self):
        left = {"root/steps": b"unit|1|0.0|1.0\n", "root/unit.0.xml": REPORT}
        (result,) = steps.read([SHARDED], "root", left)
        self.assertEqual((result.passed, len(result.failed)), (1, 2))  # the second has no report
        left["root/unit.1.xml"] = REPORT
        (result,) = steps.read([SHARDED], "root", left)
        self.assertEqual((result.passed, result.failed), (2, ["s.bad", "s.bad"]))

    def test_a_shard_that_fails_fails_the_step(self):
        with tempfile.TemporaryDirectory() as folder:
            stand_in = Path(folder) / "unit_test"
            for body, status in (("exit 0", 0), ("exit $GTEST_SHARD_INDEX", 1)):
                stand_in.write_text(f"#!/bin/sh\n{body}\n")
                stand_in.chmod(0o755)
                done = subprocess.run(["sh", "-c", SHARDED.command], cwd=folder,
                                      env={"OUT": folder, "PATH": "/bin"})
                self.assertEqual(done.returncode, status)

    def test_a_step_that_asks_to_be_skipped_has_to_say_why(self):
        left = {"root/steps": b"kv auto|77|0.0|1.0\n"}
        (result,) = steps.read([OTHER], "root", left)
        self.assertEqual(result.failed, ["kv auto ended with 77"])
        left["root/kv auto.skipped"] = b"needs Linux 6.2\n"
        (result,) = steps.read([OTHER], "root", left)
        self.assertTrue(result.fine)
        self.assertEqual(dict(result.skipped), {"needs Linux 6.2": 1})

    def test_a_variant_runs_where_its_feature_is_youngest_and_on_the_newest(self):
        features = {"rings": truth.Expected("6.10", variants=("uring_without_rings",)),
                    "old": truth.Expected("5.1", variants=("uring_without_old",))}
        series = ["5.10", "6.1", "6.12", "6.18", "7.3"]
        found = {each: steps.variants_of(each, series, features, "6.1") for each in series}
        others = list(steps.OTHER_VARIANTS)
        self.assertEqual(found, {
            "5.10": [], "6.1": ["uring_without_old", *others], "6.12": ["uring_without_rings"],
            "6.18": [], "7.3": ["uring_without_rings", "uring_without_old", *others]})

    def test_the_script_is_one(self):
        since, features = truth.read()
        machines = [*steps.full("7.3", ["7.3"], features, since), *steps.short()]
        names = [each.name for each in machines]
        self.assertEqual(len(set(names)), len(names))
        for chosen in [each.steps for each in machines]:
            checked = subprocess.run(["sh", "-n"], input=steps.script(chosen), text=True,
                                     capture_output=True)
            self.assertEqual(checked.returncode, 0, checked.stderr)
            for user, each in chosen.items():
                self.assertEqual(len({step.name for step in each}), len(each), user)
            self.assertEqual(len(steps.files(chosen)), sum(map(len, chosen.values())))


if __name__ == "__main__":
    unittest.main()
