#!/usr/bin/env python3
"""Tests of the statistics."""

import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from suite.spread import change, paired_ratios, summary  # noqa: E402


class SummaryTest(unittest.TestCase):
    def test_quartiles_of_five_are_the_second_and_the_fourth(self):
        found = summary([5.0, 1.0, 3.0, 2.0, 4.0])
        self.assertEqual((found.least, found.lower, found.median, found.upper, found.most),
                         (1, 2, 3, 4, 5))

    def test_one_value_is_its_own_spread(self):
        found = summary([7.0])
        self.assertEqual((found.lower, found.median, found.upper, found.count), (7, 7, 7, 1))

    def test_an_even_number_has_its_median_between_two(self):
        self.assertEqual(summary([1.0, 2.0, 3.0, 10.0]).median, 2.5)

    def test_nothing_has_no_summary(self):
        with self.assertRaises(ValueError):
            summary([])


class PairedRatiosTest(unittest.TestCase):
    def test_pairs_what_ran_in_the_same_round(self):
        self.assertEqual(paired_ratios({0: 2.0, 1: 9.0}, {0: 1.0, 1: 3.0}), [2.0, 3.0])

    def test_leaves_out_rounds_that_lack_one(self):
        self.assertEqual(paired_ratios({0: 2.0, 2: 8.0}, {1: 3.0, 2: 4.0}), [2.0])

    def test_a_drift_of_the_machine_falls_out(self):
        base = {number: 100.0 * (1 + number) for number in range(5)}
        measured = {number: 0.9 * value for number, value in base.items()}
        for ratio in paired_ratios(measured, base):
            self.assertAlmostEqual(ratio, 0.9)

    def test_a_base_of_zero_has_no_ratio(self):
        self.assertEqual(paired_ratios({0: 1.0}, {0: 0.0}), [])


class ChangeTest(unittest.TestCase):
    def test_the_same_values_are_the_same(self):
        self.assertEqual(change([1.0, 1.1, 0.9], [1.0, 1.1, 0.9], 0.03).verdict, "same")

    def test_more_is_worse_and_less_is_better(self):
        self.assertEqual(change([1.0] * 5, [1.1] * 5, 0.03).verdict, "worse")
        self.assertEqual(change([1.1] * 5, [1.0] * 5, 0.03).verdict, "better")

    def test_what_is_within_the_tolerance_is_the_same(self):
        self.assertEqual(change([1.0] * 5, [1.029] * 5, 0.03).verdict, "same")

    def test_a_noisy_figure_has_to_move_out_of_its_noise(self):
        old, new = [0.8, 0.9, 1.0, 1.1, 1.2], [0.9, 1.0, 1.1, 1.2, 1.3]
        self.assertEqual(change(old, new, 0.03).verdict, "same")
        self.assertEqual(change(old, [1.5] * 5, 0.03).verdict, "worse")

    def test_one_outlier_does_not_hide_a_change(self):
        self.assertEqual(change([1.0, 1.0, 1.0, 1.0, 3.0], [1.2] * 5, 0.03).verdict, "worse")

    def test_less_than_the_slack_is_the_same_however_large_the_ratio(self):
        self.assertEqual(change([0.001] * 3, [0.002] * 3, 0.1, slack=0.002).verdict, "same")

    def test_out_of_zero_is_a_change(self):
        self.assertEqual(change([0.0] * 3, [1.0] * 3, 0.1).verdict, "worse")
        self.assertEqual(change([0.0] * 3, [0.0] * 3, 0.1).verdict, "same")


if __name__ == "__main__":
    unittest.main()
