"""Rows about echo servers: CPU, entries, instructions, allocations, latency, idle connections."""

import json
import os
import re
import sys
import tempfile

from core.processes import Absent, Failure, idle_bytes
from core.report import Row, ratios, summary
from core.subjects import LOAD_CPU, SERVER_CPU

MYRA = ("myra uring", "myra epoll")
FIFTY = ("--connections", 50)
IDLE_CONNECTIONS = 9000


def _row(group, name, measure, **limits):
    """A row whose figures come from a callable that may find something absent or failing."""
    try:
        return Row(group, name, **measure(), **limits)
    except Absent as why:
        return Row(group, name, absent=str(why), **limits)
    except Failure as why:
        return Row(group, name, failed=str(why), **limits)


def _ratio_row(group, name, rounds, absent, measured, base, figure, **limits):
    for subject in (measured, base):
        why = absent.get(subject, "")
        if why.startswith("FAILED "):
            return Row(group, name, failed=why[7:], **limits)
        if why:
            return Row(group, name, absent=why, **limits)
    return Row(group, name, **ratios(rounds, measured, base, figure), **limits)


def echo_rows(bench):
    """50 connections, depth 1 and 16: server CPU per message, and the gates of the baselines."""
    rows = []
    subjects = ["raw-epoll", "raw-uring", "asio-echo", "libuv-echo", *MYRA]
    for depth in (1, 16):
        def measure(subject, depth=depth):
            return _cpu(bench, subject, *FIFTY, "--depth", depth)

        group, is_gate = f"echo 50 x {depth}", depth == 1
        rounds, absent = bench.rounds(subjects, measure)
        found = _echo_rows_at(group, is_gate, rounds, absent)
        if any(row.gate and row.verdict == "MISSED" for row in found):
            # A busy machine blurs the ratios: as many rounds again, and all of them count.
            rounds += bench.rounds(subjects, measure)[0]
            found = _echo_rows_at(group, is_gate, rounds, absent)
        rows += found
    return rows


def _cpu(bench, subject, *options):
    with bench.serve(subject) as server:
        return bench.load(server, *options, *bench.timed())


def _echo_rows_at(group, is_gate, rounds, absent):
    cost = "server_cpu_ns_per_message"

    def row(name, measured, base, **limits):
        return _ratio_row(group, name, rounds, absent, measured, base, cost, **limits)

    gates = {"asio-echo": 0.97, "libuv-echo": 1.10}
    rows = [Row(group, "raw epoll: server CPU per message", unit="ns",
                **summary([one["raw-epoll"][cost] for one in rounds]))]
    for subject, least in gates.items():
        limits = {"at_least": least, "gate": True} if is_gate else {}
        rows.append(row(f"{subject} / raw epoll", subject, "raw-epoll", **limits))
    rows.append(row("raw uring / raw epoll", "raw-uring", "raw-epoll"))
    load = [one["raw-uring"]["own_cpu_ns_per_message"] / one["raw-uring"][cost] for one in rounds]
    # The cheapest server there is: the load must cost less than that.
    rows.append(Row(group, "load generator / raw uring", at_most=1.0, **summary(load)))
    rows.append(row("myra uring / raw epoll", "myra uring", "raw-epoll", at_most=1.03))
    rows.append(row("myra uring / raw uring", "myra uring", "raw-uring", at_most=1.06))
    rows.append(row("myra epoll / raw epoll", "myra epoll", "raw-epoll", at_most=1.10))
    return rows


def ping_pong_rows(bench):
    return _spinning_rows(bench) + _same_core_rows(bench) + _sleeping_rows(bench)


def _spinning_rows(bench):
    group = "ping-pong 64 B, both ends spin, two cores"

    def measure(subject):
        with bench.serve(subject, wait="spin") as server:
            return bench.load(server, "--mode", "ping-pong", "--wait", "spin", *bench.timed())

    rounds, absent = bench.rounds(
        ["spin-pair", "raw-epoll", "raw-uring", "myra uring", "myra epoll"], measure)
    floor = [one["spin-pair"]["p50_us"] for one in rounds]
    rows = [Row(group, "recv/send loop: p50", unit="us", **summary(floor))]
    for subject, limits in (("raw-epoll", {}), ("raw-uring", {}), ("myra uring", {"at_most": 1.15}),
                            ("myra epoll", {})):
        rows.append(_ratio_row(group, f"{subject} / recv/send loop, p50", rounds, absent, subject,
                               "spin-pair", "p50_us", **limits))
    return rows


def _same_core_rows(bench):
    group = "ping-pong 64 B, both ends on one core"

    def measure(subject, *options):
        with bench.serve(subject) as server:
            return bench.load(server, "--mode", "ping-pong", *bench.timed(), *options,
                              cpu=SERVER_CPU)

    rounds, absent = bench.rounds(["raw-epoll", "raw-uring", *MYRA], measure)
    cost = "server_cpu_ns_per_message"
    rows = [Row(group, "raw epoll: server CPU per round trip", unit="ns",
                **summary([one["raw-epoll"][cost] for one in rounds]))]
    for subject, limits in (("raw-uring", {}), ("myra uring", {"at_most": 1.05}),
                            ("myra epoll", {"at_most": 1.05})):
        rows.append(_ratio_row(group, f"{subject} / raw epoll, CPU per round trip", rounds, absent,
                               subject, "raw-epoll", cost, **limits))
    for subject, limits in (("raw-epoll", {}), ("raw-uring", {}), ("myra uring", {"at_most": 1.01}),
                            ("myra epoll", {})):
        rows.append(_row(group, f"{subject}: kernel entries per round trip",
                         lambda subject=subject: {"value": measure(
                             subject, "--count-entries")["server_entries_per_message"]},
                         unit="/trip", **limits))
    return rows


def _sleeping_rows(bench):
    group = "ping-pong 64 B, both ends sleep, two cores, idle spinners"

    def measure(subject):
        spinners = bench.processes.spinners((SERVER_CPU, LOAD_CPU))
        try:
            with bench.serve(subject) as server:
                return bench.load(server, "--mode", "ping-pong", *bench.timed())
        finally:
            for spinner in spinners:
                bench.processes.end(spinner)

    rounds, absent = bench.rounds(["raw-epoll", "raw-uring", *MYRA], measure)
    rows = [Row(group, "raw epoll: p50", unit="us",
                **summary([one["raw-epoll"]["p50_us"] for one in rounds]))]
    for subject in ("raw-uring", *MYRA):
        rows.append(_ratio_row(group, f"{subject} / raw epoll, p50", rounds, absent, subject,
                               "raw-epoll", "p50_us"))
    return rows


def entry_rows(bench):
    """Kernel entries at 50 x 1, counted by the kernel, and by the server itself. The load answers
    each reply at once here: one that waits for a batch decides how many a turn of the server has."""
    group = "kernel entries at 50 x 1 (raw_syscalls:sys_enter)"
    found = {}

    def count(subject):
        seen = []
        for number in range(1 if bench.quick else 3):
            bench.progress(f"kernel entries {number + 1}: {subject}")
            bench.quiet.wait()
            with bench.serve(subject) as server:
                counted = bench.load(server, *FIFTY, "--batch", 1, "--count-entries",
                                     "--milliseconds", 3 * bench.milliseconds)
            seen.append(counted["server_entries_per_message"])
            found.setdefault(subject, []).append((counted, server.stderr))
        return summary(seen)

    def own_count(subject):
        agreement = []
        for counted, stderr in found.get(subject, []):
            own = _stats(stderr)["kernel_entries"]
            agreement.append(own / counted["server_entries_in_all"])
        if not agreement:
            raise Absent("the server was not measured")
        return summary(agreement)

    rows = [_row(group, f"{subject}: entries per message", lambda s=subject: count(s),
                 unit="/message", **limits)
            for subject, limits in (("raw-epoll", {}), ("raw-uring", {}),
                                    ("myra uring", {"at_most": 0.05}), ("myra epoll", {}))]
    for subject in MYRA:
        rows.append(_row(group, f"{subject}: its own counter / the kernel's",
                         lambda s=subject: own_count(s), at_most=1.01, at_least=0.99))
    return rows


def _stats(stderr):
    """The JSON line that a server prints at its end with --stats."""
    for line in reversed(stderr.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise Failure("the server printed no counters at its end")


def instruction_rows(bench):
    """User instructions per message: callgrind over two runs of different length, so that what
    start and end cost falls out."""
    rows = []
    for depth in (1, 16):
        group = f"user instructions per message at 50 x {depth} (callgrind)"
        found = {}

        def measure(subject, depth=depth, found=found):
            found[subject] = _instructions(bench, subject, depth)
            return {"value": found[subject]}

        def above(subject, found=found):
            if subject not in found or "raw-uring" not in found:
                raise Absent("one of the two was not measured")
            return {"value": found[subject] - found["raw-uring"]}

        for subject in ("raw-uring", "myra uring"):
            rows.append(_row(group, subject, lambda s=subject: measure(s), unit="insns"))
        rows.append(_row(group, "myra uring above raw uring", lambda: above("myra uring"),
                         unit="insns", at_most=200))
    return rows


def _instructions(bench, subject, depth):
    few, many = 20000 * depth, 100000 * depth
    valgrind = bench.installed("valgrind", "valgrind")
    totals = []
    for messages in (few, many):
        bench.progress(f"callgrind: {subject}, {messages} messages")
        with tempfile.TemporaryDirectory(prefix="myra-bench-") as folder:
            out = os.path.join(folder, "callgrind.out")
            wrapper = [valgrind, "--tool=callgrind", f"--callgrind-out-file={out}"]
            with bench.serve(subject, wrapper=wrapper, patience=60.0) as server:
                counted = bench.load(server, *FIFTY, "--depth", depth, "--warm-up", 0,
                                     "--messages", messages)
            if counted["messages"] != messages:
                raise Failure(f"{counted['messages']} messages instead of {messages}")
            with open(out, encoding="utf-8") as lines:
                found = re.search(r"^(?:totals|summary): (\d+)", lines.read(), re.MULTILINE)
        if not found:
            raise Failure("callgrind wrote no total")
        totals.append(int(found.group(1)))
    return (totals[1] - totals[0]) / (many - few)


def allocation_rows(bench):
    group = "heap allocations per message, steady state"

    def measure(subject, depth):
        bench.progress(f"allocations: {subject}, depth {depth}")
        with tempfile.TemporaryDirectory(prefix="myra-bench-") as folder:
            count = os.path.join(folder, "count")
            environment = {"LD_PRELOAD": bench.ours("count-allocations.so"),
                           "ALLOCATION_COUNT_FILE": count}
            with bench.serve(subject, environment=environment) as server:
                counted = bench.load(server, *FIFTY, "--depth", depth, "--counter-file", count,
                                     "--messages", 200000)
            with open(count, "rb") as file:
                if int.from_bytes(file.read(8), sys.byteorder) == 0:
                    raise Failure("not even the server's start was counted")
        return {"value": counted["server_counted"] / counted["messages"]}

    rows = []
    for subject in MYRA:
        for depth in (1, 16):
            rows.append(_row(group, f"{subject} at 50 x {depth}",
                             lambda s=subject, d=depth: measure(s, d), unit="/message", at_most=0))
    return rows


def idle_rows(bench):
    group = f"idle connections: (resident at {IDLE_CONNECTIONS:,} - at 0) / {IDLE_CONNECTIONS:,}"

    def measure(subject):
        bench.progress(f"{IDLE_CONNECTIONS} idle connections: {subject}")
        with bench.serve(subject) as server:
            return {"value": idle_bytes(bench.processes, bench.ours("myra-load"), LOAD_CPU, server,
                                        IDLE_CONNECTIONS)}

    limits = {"raw-epoll": {}, "raw-uring": {}, "myra uring": {"at_most": 1024},
              "myra epoll": {"at_most": 1024}}
    return [_row(group, subject, lambda s=subject: measure(s), unit="bytes", **most)
            for subject, most in limits.items()]
