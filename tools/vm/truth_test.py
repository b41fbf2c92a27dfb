"""The probe is judged: right, too modest, too bold, silent."""

import unittest

import truth

EXPECTED = {"rings": truth.Expected("6.12"), "cards": truth.Expected("7.0", "not built in yet")}

MASKS = {series: {"ring_features": 7, "last_operation": 48} for series in ("6.1", "6.12", "6.18", "7.3")}


def probe(uring=True, why="deferred task running", **states):
    words = {"absent": "needs Linux 6.12", "used": "saves a copy", "available": "not used yet"}
    return {"ring_features": 7, "last_operation": 48, "uring": uring, "uring_why": why, "backend": "uring" if uring else "epoll",
            "backend_why": why,
            "features": [{"name": name, "state": state, "why": words.get(state, "")}
                         for name, state in states.items()]}


def wrong(found, series):
    return truth.mismatches(found, series, "6.1", EXPECTED, MASKS)


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

    def test_what_not_everybody_has_is_absent_for_that_reason_only(self):
        row = truth.Expected(since="7.1", needs="CAP_NET_ADMIN")
        found = {"state": "absent", "why": "needs CAP_NET_ADMIN, which this process has not"}
        self.assertIsNone(truth.wrong_feature("cards", found, row, "7.3"))
        found["why"] = "some reason"
        self.assertIn("cards: Linux 7.3 has it", truth.wrong_feature("cards", found, row, "7.3"))

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

    def test_a_mask_that_is_more_or_less_than_the_kernels(self):
        for bits in (3, 15):
            odd = {**probe(rings="used", cards="absent"), "ring_features": bits}
            self.assertEqual(wrong(odd, "6.12"),
                             [f"ring_features: {bits}, expected 7 on Linux 6.12"])
        (found,) = wrong({**probe(rings="used", cards="absent"), "last_operation": 47}, "6.12")
        self.assertIn("last_operation: 47", found)
        self.assertIn("no row in [masks]", wrong(probe(rings="used", cards="absent"), "6.13")[0])

    def test_a_self_test_that_fails(self):
        odd = probe(rings="available", cards="absent")
        odd["features"][0]["why"] = "this kernel gets it wrong in the self-test: byte 3"
        (found,) = wrong(odd, "6.12")
        self.assertIn("rings: the self-test finds it wrong", found)

    def test_what_a_kernel_is_known_to_get_wrong_the_self_test_has_to_find(self):
        row = {"rings": truth.Expected("6.12", wrong_on={"6.18": "byte 3"})}
        says = "this kernel gets it wrong in the self-test: byte 3 is not"
        for state, why, series, count in (("available", says, "6.18", 0), ("used", says, "6.18", 1),
                                          ("used", "saves a copy", "6.18", 1), ("available", says, "6.12", 1),
                                          ("used", "saves a copy", "6.12", 0)):
            odd = probe(rings=state)
            odd["features"][0]["why"] = why
            found = truth.mismatches(odd, series, "6.1", row, MASKS)
            self.assertEqual(len(found), count, (state, why, series, found))

    def test_every_row_is_held_in_both_directions(self):
        """Each committed row, wrong either way on each kernel with io_uring, fails the matrix."""
        since, features = truth.read()
        for series, masks in truth.masks().items():
            right = {"uring": True, "uring_why": "x", "backend": "uring", "backend_why": "x", **masks,
                     "features": [self.right_row(name, row, series) for name, row in features.items()]}
            self.assertEqual(truth.mismatches(right, series, since, features, truth.masks()), [])
            for at, row in enumerate(right["features"]):
                wrong_way = "used" if row["state"] == "absent" else "absent"
                rows = [*right["features"]]
                rows[at] = {**row, "state": wrong_way, "why": "some reason"}
                found = truth.mismatches({**right, "features": rows}, series, since, features,
                                         truth.masks())
                self.assertEqual(len(found), 1, (series, row["name"]))
                self.assertTrue(found[0].startswith(row["name"]), found)

    @staticmethod
    def right_row(name, row, series):
        there = truth.ordered(series) >= truth.ordered(row.since)
        if words := row.wrong_on.get(series):
            return {"name": name, "state": "available", "why": f"{truth.SELF_TEST_SAYS}: {words}"}
        state = "used" if there and not row.refused else "absent"
        return {"name": name, "state": state, "why": row.refused or "some reason"}

    def test_10_is_more_than_9(self):
        self.assertGreater(truth.ordered("6.10"), truth.ordered("6.9"))
        self.assertGreater(truth.ordered("7.0"), truth.ordered("6.18"))

    def test_the_committed_table_is_readable(self):
        since, features = truth.read()
        self.assertEqual(since, "6.1")
        self.assertGreater(len(features), 10)


if __name__ == "__main__":
    unittest.main()
