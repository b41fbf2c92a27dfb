#!/usr/bin/env python3
"""Measures what several threads cost: how rings are laid over them, and two reactors against one.

Two load generators, one on each processor, drive a server whose threads stay on these processors.
Figures are medians of ratios between runs that alternate, with the smallest and the largest; CPU is
that of all tasks of the server.
"""

import sys

sys.dont_write_bytecode = True

from core import two_threads  # noqa: E402
from core.frame import run_sections  # noqa: E402

SECTIONS = {
    "layouts": two_threads.layout_rows,
    "reactors": two_threads.reactor_rows,
    "instructions": two_threads.instruction_rows,
    "hand-over": two_threads.hand_over_rows,
}


if __name__ == "__main__":
    sys.exit(run_sections(sys.argv[1:], "./dev bench layouts", __doc__, SECTIONS))
