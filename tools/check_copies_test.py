#!/usr/bin/env python3
"""check_copies.py finds each way to copy payload, and lets pass what says that it is not payload."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import check_copies

GOOD = """\
#include "myra/core/copy.hpp"
// std::memcpy( in a comment, and "std::memcpy(" in a string, copy nothing.
const char* words = "memcpy(a, b, c)";
void f() {
  std::memcpy(&address, storage, sizeof address);  // not payload: an address
  // Both families keep it there.
  // not payload: an address
  std::memcpy(&address, storage,
              sizeof address);
  copy_payload({tail.data + tail.size, count}, bytes.first(count), loop_.tally().bytes_copied);
  copy_payload({storage_.get(), capacity_}, part, bytes_copied_);
  waiting.append(live_);
  made.assign(&address, sizeof address);
  queue_ = std::move(taken);
}
"""


class Rules(unittest.TestCase):
    def output_of(self, text, name="transport/thing.cpp"):
        with tempfile.TemporaryDirectory() as folder:
            for path, content in (("src/myra/transport/other.cpp", "int x;\n"),
                                  (f"src/myra/{name}", text)):
                path = Path(folder, path)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                code = check_copies.main([folder])
            return code, output.getvalue()

    def assert_refused(self, line, words):
        code, output = self.output_of(f"void f() {{\n  {line}\n}}\n")
        self.assertEqual(code, 1, line)
        self.assertIn("src/myra/transport/thing.cpp:2: ", output)
        self.assertIn(words, output)
        self.assertEqual(output.count("\n"), 1, output)

    def test_what_is_right_passes(self):
        for name in ("transport/thing.cpp", "io/uring/thing.hpp", "framing/thing.cpp"):
            self.assertEqual(self.output_of(GOOD, name), (0, ""))

    def test_each_way_to_copy_is_found(self):
        for line, what in (
                ("std::memcpy(to, from, size);", "memcpy"),
                ("::memmove(to, from, size);", "memmove"),
                ("mempcpy(to, from, size);", "mempcpy"),
                ("__builtin_memcpy(to, from, size);", "__builtin_memcpy"),
                ("bcopy(from, to, size);", "bcopy"),
                ("std::copy(from.begin(), from.end(), to);", "std::copy"),
                ("std::copy_n(from, size, to);", "std::copy_n"),
                ("std::copy_backward(a, b, to);", "std::copy_backward"),
                ("std::ranges::copy(from, to);", "std::ranges::copy"),
                ("std::ranges::copy_n(from, size, to);", "std::ranges::copy_n"),
                ("std::uninitialized_copy(a, b, to);", "std::uninitialized_copy"),
                ("text.append(bytes.data(), bytes.size());", "append"),
                ("kept_->assign(received.begin(), received.end());", "assign"),
                ("kept.insert(kept.end(), bytes.begin(), bytes.end());", "insert"),
                ("kept.append_range(bytes);", "append_range"),
                ("const std::string text(bytes.data(), bytes.size());", "std::string"),
                ("keep(std::vector<std::byte>(part.begin(), part.end()));", "std::vector")):
            with self.subTest(line):
                self.assert_refused(line, what)

    def test_every_copy_needs_its_own_reason(self):
        code, output = self.output_of("// not payload: an address\n"
                                      "std::memcpy(a, b, 1);\nstd::memcpy(a, b, 1);\n")
        self.assertEqual(code, 1)
        self.assertIn("thing.cpp:3: copies", output)

    def test_a_function_that_gives_a_string_is_no_copy(self):
        self.assertEqual(self.output_of("std::string check(const options& of) {\n"
                                        "  const auto bytes = of.bytes;\n}\n"), (0, ""))

    def test_a_reason_says_what_it_is(self):
        self.assert_refused("std::memcpy(a, b, c);  // not payload: address", "does not say what")

    def test_a_reason_that_excuses_nothing(self):
        self.assert_refused("f();  // not payload: an address", "where nothing is copied")

    def test_a_copy_that_is_counted_where_nobody_reads(self):
        self.assert_refused("copy_payload(to, from, ignored);", "copies in 'ignored'")
        self.assert_refused("copy_payload(to, from.first(f(1, 2)), sum[bytes_copied]);",
                            "copies in 'sum[bytes_copied]'")

    def test_other_layers_the_simulated_kernel_and_tests_may_copy(self):
        for name in ("core/copy.cpp", "io/sim/byte_queue.hpp", "transport/thing_test.cpp"):
            self.assertEqual(self.output_of("std::memcpy(a, b, c);\n", name), (0, ""))

    def test_a_tree_without_sources_is_no_success(self):
        with tempfile.TemporaryDirectory() as folder:
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                self.assertEqual(check_copies.main([folder]), 1)
            self.assertIn("no sources", output.getvalue())


if __name__ == "__main__":
    unittest.main()
