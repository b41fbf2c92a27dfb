#!/usr/bin/env python3
"""Tests of how scenarios are run: order, rounds, and what is absent or fails."""

import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from core.processes import Absent, Failure  # noqa: E402
from suite.engine import run_scenario  # noqa: E402
from suite.scenarios import Scenario  # noqa: E402


class Stand:
    """Stands for the real one: subjects are their names."""

    class catalogue:
        @staticmethod
        def subject(name):
            if name == "unknown":
                raise Absent("there is no such subject")
            return name

    @staticmethod
    def progress(_):
        pass


class RunScenarioTest(unittest.TestCase):
    def setUp(self):
        self.order = []

    def run_it(self, subjects, measure=None, pairs=4, **more):
        def note(_, subject):
            self.order.append(subject)
            return measure(subject) if measure else {"cpu_ns": 1.0}

        scenario = Scenario("s", "", subjects, note, base=subjects[0], **more)
        return run_scenario(Stand, scenario, pairs, lambda: None)

    def test_the_order_turns_about_from_round_to_round(self):
        self.run_it(("a", "b", "c"), pairs=3)
        self.assertEqual("".join(self.order), "abccbaabc")

    def test_every_run_has_the_number_of_its_round(self):
        found = self.run_it(("a", "b"))
        self.assertEqual([run["round"] for run in found.subject("b").runs], [0, 1, 2, 3])

    def test_one_round_where_one_is_enough(self):
        self.run_it(("a", "b"), once=True)
        self.assertEqual(self.order, ["a", "b"])

    def test_an_absent_subject_is_left_out_with_its_reason(self):
        found = self.run_it(("a", "unknown"))
        self.assertEqual(found.subject("unknown").absent, "there is no such subject")
        self.assertEqual(set(self.order), {"a"})

    def test_a_subject_that_fails_is_not_tried_again_and_keeps_what_it_had(self):
        def measure(subject):
            if subject == "b" and self.order.count("b") == 2:
                raise Failure("it hung")
            return {"cpu_ns": 1.0}

        found = self.run_it(("a", "b"), measure)
        self.assertEqual(found.subject("b").failed, "it hung")
        self.assertEqual(len(found.subject("b").runs), 1)
        self.assertEqual(len(found.subject("a").runs), 4)

    def test_entries_are_counted_in_runs_of_their_own(self):
        counted = []

        def entries(_, subject):
            counted.append(subject)
            return {"entries": 2.0, "cpu_ns": 99.0}

        found = self.run_it(("a",), entries=entries)
        self.assertEqual(counted, ["a"] * 3)
        self.assertEqual(found.subject("a").values("entries"), [2.0] * 3)
        self.assertEqual(found.subject("a").values("cpu_ns"), [1.0] * 4)

    def test_ratios_are_of_one_round(self):
        costs = {"a": iter([10.0, 20.0, 40.0, 80.0]), "b": iter([5.0, 10.0, 20.0, 40.0])}
        found = self.run_it(("a", "b"), lambda subject: {"cpu_ns": next(costs[subject])})
        self.assertEqual(found.ratios(found.subject("b")), [0.5] * 4)


if __name__ == "__main__":
    unittest.main()
