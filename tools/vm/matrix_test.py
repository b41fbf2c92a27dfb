"""What a matrix is asked for, and what becomes of one that is stopped."""

import contextlib
import io
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import matrix


class Asked(unittest.TestCase):
    def refused(self, *arguments):
        with contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit) as ended:
            matrix.parse(arguments)
        self.assertEqual(ended.exception.code, 2)
        return said.getvalue()

    def test_a_part_that_there_is_not_is_refused(self):
        self.assertIn("begins with layerz", self.refused("--part", "layerz"))
        self.assertTrue(matrix.machines_of("6.1", matrix.parse(["--part", "layers"])))

    def test_what_the_short_form_does_not_heed_is_refused(self):
        self.assertIn("--short", self.refused("--short", "--part", "layers"))
        self.assertIn("--short", self.refused("--short", "--as", "user"))


class Stopped(unittest.TestCase):
    def test_what_was_cut_short_is_no_result(self):
        def cut(kernel, does, options):
            ran.append(does)
            if len(ran) == 1:
                raise KeyboardInterrupt
            stopped.wait(60)
            return "cut"

        class Watched(ThreadPoolExecutor):
            def shutdown(self, wait=True, *, cancel_futures=False):
                super().shutdown(wait=False, cancel_futures=cancel_futures)
                stopped.set()
                super().shutdown(wait=wait)

        ran, stopped = [], threading.Event()
        options = matrix.parse(["--kernel", "6.1", "--jobs", "1"])
        with mock.patch.object(matrix, "run_machine", cut), \
                mock.patch.object(matrix, "find_kernel", lambda series: ("kernel", None)), \
                mock.patch.object(matrix, "ThreadPoolExecutor", Watched), \
                mock.patch.object(matrix, "binaries", lambda folder: ""), \
                mock.patch.object(matrix, "keep") as kept, \
                mock.patch.object(matrix.report, "explain"), \
                self.assertRaises(KeyboardInterrupt):
            matrix.run_all(options)
        self.assertLessEqual(len(ran), 2)  # the next may have begun
        kept.assert_not_called()


if __name__ == "__main__":
    unittest.main()
