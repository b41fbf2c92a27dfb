"""The probe is judged: right, too modest, too bold, silent."""

import unittest

import truth

EXPECTED = {"rings": truth.Expected("6.12"), "cards": truth.Expected("7.0", "not built in yet")}


def probe(uring=True, why="deferred task running", **states):
    words = {"absent": "needs Linux 6.12", "used": "saves a copy", "available": "not used yet"}
    return {"uring": uring, "uring_why": why, "backend": "uring" if uring else "epoll",
            "backend_why": why,
            "features": [{"name": name, "state": state, "why": words.get(state, "")}
                         for name, state in states.items()]}


def wrong(found, series):
    return truth.mismatches(found, series, "6.1", EXPECTED)


class Truth(unittest.TestCase):
    def test_what_is_right_passes(self):
        self.assertEqual(wrong(probe(rings="absent", cards="absent"), "6.1"), [])
        self.assertEqual(wrong(probe(rings="used", cards="absent"), "6.12"), [])
        self.assertEqual(wrong(probe(rings="available", cards="absent"), "6.18"), [])
        self.assertEqual(wrong(probe(uring=False, why="needs Linux 6.1"), "5.10"), [])

    def test_a_feature_refused_without_a_reason(self):
        (found,) = wrong(probe(rings="absent", cards="absent"), "6.12")
        self.assertIn("rings: Linux 6.12 has it", found)

    def test_a_feature_that_the_kernel_lacks(self):
        (found,) = wrong(probe(rings="used", cards="absent"), "6.1")
        self.assertEqual(found, "rings: used, but Linux has it only since 6.12")

    def test_a_known_refusal_needs_its_reason(self):
        refused = probe(rings="used", cards="absent")
        (found,) = wrong(refused, "7.3")
        self.assertIn("cards: Linux 7.3 has it", found)
        refused["features"][1]["why"] = "not built in yet"
        self.assertEqual(wrong(refused, "7.3"), [])
        refused["features"][1]["state"] = "used"
        self.assertIn("still says", wrong(refused, "7.3")[0])

    def test_no_reason_at_all(self):
        silent = probe(rings="used", cards="absent")
        silent["features"][0]["why"] = ""
        self.assertEqual(wrong(silent, "6.12"), ["rings: used, and no reason given"])

    def test_a_feature_more_or_less(self):
        (found,) = wrong(probe(rings="used"), "6.12")
        self.assertEqual(found, "cards: the probe does not mention it")
        found = wrong(probe(rings="used", cards="absent", new="used"), "6.12")
        self.assertIn("new: not in tools/vm/features.toml", found[0])

    def test_the_wrong_backend(self):
        self.assertIn("io_uring is refused", wrong(probe(uring=False, why="?"), "6.1")[0])
        self.assertIn("older than", wrong(probe(rings="absent", cards="absent"), "5.10")[0])
        self.assertIn("does not name", wrong(probe(uring=False, why="no"), "5.10")[0])

    def test_10_is_more_than_9(self):
        self.assertGreater(truth.ordered("6.10"), truth.ordered("6.9"))
        self.assertGreater(truth.ordered("7.0"), truth.ordered("6.18"))

    def test_the_committed_table_is_readable(self):
        since, features = truth.read()
        self.assertEqual(since, "6.1")
        self.assertGreater(len(features), 10)


if __name__ == "__main__":
    unittest.main()
