#!/usr/bin/env python3
"""Each rule of check_layers.py finds what breaks it, and a tree that keeps them all passes."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import check_layers

GOOD_TREE = {
    "src/myra/core/CMakeLists.txt": "myra_layer(NAME core SOURCES a.cpp)",
    "src/myra/core/a.hpp": "#include <vector>\n",
    "src/myra/core/a.cpp": '#include "myra/core/a.hpp"\n',
    "src/myra/io/CMakeLists.txt": "myra_layer(NAME io USES core)  # not SOURCES x.cpp",
    "src/myra/io/operation.hpp": '#include "myra/core/a.hpp"\n',
    "src/myra/io/uring/CMakeLists.txt": "myra_layer(NAME io_uring SOURCES r.cpp\n  USES io core)",
    "src/myra/io/uring/r.hpp": '#include <liburing.h>\n#include "myra/io/operation.hpp"\n',
    "src/myra/io/uring/r.cpp": '#include "myra/io/uring/r.hpp"\n',
    "src/myra/reactor/CMakeLists.txt":
        "myra_layer(NAME reactor SOURCES l.cpp USES io io_uring core)",
    "src/myra/reactor/l.cpp": '#include "myra/io/uring/r.hpp"\n',
    "src/myra/reactor.hpp": '#include "myra/io/operation.hpp"\n',
    "src/myra/io/sim/CMakeLists.txt": "myra_layer(NAME io_sim USES io core)",
    "src/myra/io/sim/s.hpp": '#include "myra/io/operation.hpp"\n',
    "tests/sim/t.cpp": '#include "myra/io/sim/s.hpp"\n',
    "examples/one/main.cpp": '#include "local.hpp"\n#include "myra/reactor.hpp"\n',
    "bench/raw.cpp": "#include <liburing.h>\n",
}


class Rules(unittest.TestCase):
    def output_of(self, changes):
        """Exit code and output for the good tree with some files changed or added."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**GOOD_TREE, **changes}.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                code = check_layers.main([folder])
            return code, output.getvalue()

    def assert_refused(self, changes, words):
        code, output = self.output_of(changes)
        self.assertEqual(code, 1)
        self.assertIn(words, output)
        self.assertEqual(output.count("\n"), 1, output)

    def test_the_good_tree_passes(self):
        self.assertEqual(self.output_of({}), (0, ""))

    def test_an_include_that_points_up(self):
        self.assert_refused({"src/myra/core/a.hpp": '#include "myra/io/operation.hpp"\n'},
                            "core/a.hpp:1: includes myra/io/operation.hpp, but layer core uses")

    def test_angle_brackets_do_not_hide_it(self):
        self.assert_refused({"src/myra/core/a.hpp": "#  include <myra/io/operation.hpp>\n"},
                            "layer core uses")

    def test_an_umbrella_header_belongs_to_its_layer(self):
        self.assert_refused({"src/myra/io/operation.hpp": '#include "myra/reactor.hpp"\n'},
                            "layer io uses only core")

    def test_a_backend_is_known_to_the_reactor_only(self):
        self.assert_refused({"examples/one/main.cpp": '#include "myra/io/uring/r.hpp"\n'},
                            "only reactor may know the backends")

    def test_liburing_stays_in_its_folder(self):
        for name in ("src/myra/reactor/l.cpp", "examples/one/main.cpp"):
            for header in ("liburing.h", "liburing/io_uring.h", "linux/io_uring.h"):
                self.assert_refused({name: f"#include <{header}>\n"}, f"includes {header}; only")

    def test_a_path_that_is_not_from_the_root(self):
        self.assert_refused({"src/myra/core/a.cpp": '#include "a.hpp"\n'}, "write the path from")

    def test_a_source_that_nobody_builds(self):
        self.assert_refused({"src/myra/core/b.cpp": ""}, "core/b.cpp: not listed")

    def test_a_source_of_no_layer(self):
        self.assert_refused({"src/myra/lost/b.hpp": ""}, "lost/b.hpp: belongs to no layer")

    def test_a_layer_with_another_name_than_its_folder(self):
        code, output = self.output_of(
            {"src/myra/core/CMakeLists.txt": "myra_layer(NAME kernel SOURCES a.cpp)"})
        self.assertEqual(code, 1)
        self.assertIn("layer is called kernel, expected core", output)

    def test_a_folder_whose_name_says_nothing(self):
        self.assert_refused({"tools/utils/x.txt": ""}, "tools/utils: a folder's name says")

    def test_a_long_file_is_a_note_only(self):
        code, output = self.output_of({"src/myra/core/a.cpp": "\n" * 401})
        self.assertEqual(code, 0)
        self.assertIn("note: src/myra/core/a.cpp has 401 lines", output)


if __name__ == "__main__":
    unittest.main()
