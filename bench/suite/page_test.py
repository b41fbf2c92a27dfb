#!/usr/bin/env python3
"""Tests of the page, the plots and the table."""

import io
import os
import re
import sys
import unittest
import xml.etree.ElementTree as xml

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from suite import plots  # noqa: E402
from suite.page import page  # noqa: E402
from suite.results import Results, ScenarioResult, SubjectResult  # noqa: E402
from suite.svg import Scale, even_ticks, log_bounds, log_ticks  # noqa: E402
from suite.table import bytes_text, number, print_scenario, user_ns  # noqa: E402


def runs(cpu, entries):
    return [{"round": number, "cpu_ns": cpu + number, "user_ns": 0.1 * cpu, "system_ns": 0.9 * cpu,
             "messages_per_second": 1e9 / cpu, "p50_us": 10.0, "p90_us": 20.0, "p99_us": 30.0,
             "p999_us": 400.0, "p9999_us": 5000.0, "entries": entries} for number in range(5)]


def scenario(name, subjects, parameters=None):
    return ScenarioResult(name, f"about {name}", "cpu_ns", "ns", subjects[0].name,
                          parameters or {}, subjects)


def results():
    subjects = [SubjectResult("raw epoll", runs(4500.0, 2.0)),
                SubjectResult("myra uring", runs(4300.0, 0.03)),
                SubjectResult("libuv", absent="it is <not> there")]
    toggled = [SubjectResult("myra uring", runs(4300.0, 0.03)),
               SubjectResult("myra uring -silent_sends", runs(4800.0, 0.05))]
    about = {"cpus": 2, "cpu": "a <cpu>", "pairs": 5, "milliseconds": 800}
    return Results(about, [scenario("echo 50 x 1", subjects, {"connections": 50, "depth": 1}),
                           scenario("echo 1000 x 1", subjects, {"connections": 1000, "depth": 1}),
                           scenario("open loop 10,000/s", subjects),
                           scenario("features 50 x 1", toggled)])


class PageTest(unittest.TestCase):
    def test_has_every_plot(self):
        text = page(results())
        for heading in ("At a glance", "CPU per message", "Kernel entries per message",
                        "Throughput against connections", "Latency percentiles",
                        "Feature by feature", "All figures"):
            self.assertIn(f"<h2>{heading}</h2>", text)

    def test_every_picture_is_well_formed_and_has_numbers(self):
        pictures = re.findall(r"<svg.*?</svg>", page(results()), re.DOTALL)
        self.assertGreaterEqual(len(pictures), 6)
        for picture in pictures:
            root = xml.fromstring(picture)
            self.assertNotIn("nan", picture)
            self.assertTrue(root.get("aria-label"))

    def test_needs_nothing_from_elsewhere(self):
        text = page(results())
        self.assertNotRegex(text, r"https?:|src=|url\(|@import|<script|<link")

    def test_names_from_outside_are_escaped(self):
        text = page(results())
        self.assertIn("it is &lt;not&gt; there", text)
        self.assertIn("a &lt;cpu&gt;", text)

    def test_without_results_there_is_a_page_without_plots(self):
        self.assertNotIn("<svg", page(Results({}, [])))

    def test_a_feature_within_the_noise_is_grey(self):
        noisy = [SubjectResult("myra uring", runs(4300.0, 0.03)), SubjectResult(
            "myra uring +x", [{"round": number, "cpu_ns": 4300.0 + number + 200 * (number - 2)}
                              for number in range(5)])]
        drawn = plots.features(scenario("features 50 x 1", noisy))
        self.assertIn('class="noise"', drawn)
        self.assertNotIn('class="worse"', drawn)

    def test_user_time_is_of_all_rounds_together(self):
        one = SubjectResult("a", [{"round": 0, "cpu_ns": 100.0, "user_ns": 0.0},
                                  {"round": 1, "cpu_ns": 100.0, "user_ns": 0.0},
                                  {"round": 2, "cpu_ns": 100.0, "user_ns": 30.0}])
        self.assertAlmostEqual(user_ns(one), 10.0)

    def test_a_ratio_beyond_the_scale_is_said(self):
        slow = scenario("churn", [SubjectResult("raw epoll", runs(1000.0, 2.0)),
                                  SubjectResult("myra uring", runs(5000.0, 2.0))])
        self.assertIn(">4.99 \u25b8<", plots.overview(Results({}, [slow])))

    def test_has_both_colour_schemes(self):
        self.assertIn("prefers-color-scheme: dark", page(results()))


class ScaleTest(unittest.TestCase):
    def test_linear(self):
        self.assertEqual(Scale(0, 10, 100, 200)(5), 150)

    def test_logarithmic(self):
        self.assertAlmostEqual(Scale(1, 100, 0, 100, logarithmic=True)(10), 50)

    def test_outside_is_the_edge(self):
        self.assertEqual(Scale(1, 2, 0, 100)(3), 100)
        self.assertEqual(Scale(1, 100, 0, 100, logarithmic=True)(0.1), 0)

    def test_ticks(self):
        self.assertEqual(even_ticks(0, 10), [0, 2, 4, 6, 8, 10])
        self.assertEqual(log_ticks(1, 10), [1, 2, 5, 10])

    def test_bounds_of_logarithms(self):
        self.assertEqual(log_bounds([3.0, 70.0]), (2.0, 100.0))
        self.assertEqual(log_bounds([5.0]), (5.0, 50.0))


class TableTest(unittest.TestCase):
    def test_numbers_have_few_figures(self):
        self.assertEqual([number(value) for value in (12345.6, 123.4, 12.34, 1.234, 0.01234, 0)],
                         ["12,346", "123", "12.3", "1.234", "0.0123", "0"])

    def test_bytes_have_units(self):
        self.assertEqual([bytes_text(value) for value in (700.0, 2048.0, 5.5 * 1024 ** 2)],
                         ["700 B", "2.0 KiB", "5.5 MiB"])

    def test_columns_are_aligned_and_reasons_are_said(self):
        out = io.StringIO()
        print_scenario(results().scenarios[0], out)
        lines = out.getvalue().splitlines()
        self.assertIn("not run: it is <not> there", lines[-1])
        self.assertEqual(len(lines[2]), len(lines[3]))


if __name__ == "__main__":
    unittest.main()
