#!/usr/bin/env python3
"""Measures Myra's engine against the baselines and prints each figure beside the one to reach.

Servers run on CPU 0 and the load on CPU 1 (same-core rows: both on CPU 0). Figures are medians of
ratios between runs that alternate, with the smallest and the largest; CPU is that of all tasks of
the server. Counting kernel entries, raising priorities and a network of its own need root.
"""

import sys

sys.dont_write_bytecode = True

from core import echo_rows, traffic_rows  # noqa: E402
from core.frame import run_sections  # noqa: E402

SECTIONS = {
    "echo": echo_rows.echo_rows,
    "ping-pong": echo_rows.ping_pong_rows,
    "entries": echo_rows.entry_rows,
    "instructions": echo_rows.instruction_rows,
    "allocations": echo_rows.allocation_rows,
    "idle": echo_rows.idle_rows,
    "key-value": traffic_rows.key_value_rows,
    "proxy": traffic_rows.proxy_rows,
}


if __name__ == "__main__":
    sys.exit(run_sections(sys.argv[1:], "./dev bench core", __doc__, SECTIONS))
