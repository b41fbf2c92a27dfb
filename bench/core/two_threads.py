"""A server on two processors, under the load of two generators, one on each of them."""

import json
import os
import re
import socket
import struct
import tempfile
import time

from core.processes import Failure, Server, cpu_ns
from core.report import Row, ratios, summary
from core.subjects import LOAD_CPU, SERVER_CPU

CPUS = (SERVER_CPU, LOAD_CPU)
COST = "server_cpu_ns_per_message"


def load_both(bench, server, connections, messages, depth=1):
    """Two loads of half the connections each, at the same time. CPU of all tasks of the server
    from before the first connection to after the last; so messages are to be many."""
    if connections % 2 or messages % 2:
        raise Failure("two loads share connections and messages: both have to be even")
    before = cpu_ns(server.pid)
    began = time.monotonic()
    loads = [bench.processes.start(
        [bench.ours("myra-load"), "--connect", server.address, "--connections", connections // 2,
         "--depth", depth, "--warm-up", 0, "--messages", messages // 2],
        cpu, stdout=-1, stderr=-1, text=True) for cpu in CPUS]
    done = 0
    for load in loads:
        out, errors = load.communicate(timeout=240)
        if load.returncode != 0:
            raise Failure(f"myra-load: {(errors or out).strip()}")
        done += json.loads(out)["messages"]
        bench.processes.end(load)
    time.sleep(0.01)  # its account is exact once it sleeps
    return {COST: (cpu_ns(server.pid) - before) / done, "messages": done,
            "seconds": time.monotonic() - began}


def alternate(bench, subjects, measure):
    """A B A B, and B A B A the next time: {subject: figures} of each round."""
    results = []
    for number in range(bench.pairs):
        order = subjects if number % 2 == 0 else subjects[::-1]
        one = {}
        for subject in order:
            bench.progress(f"round {number + 1}/{bench.pairs}: {subject}")
            bench.quiet.wait()
            one[subject] = measure(subject)
        results.append(one)
    return results


def layout_rows(bench):
    """How rings are laid over threads and connections: an experiment."""
    layouts = ("per-core", "shared", "per-connection")
    rows = []
    for connections in (50,) if bench.quick else (50, 1000):
        messages = 100_000 if bench.quick else 300_000

        def measure(layout, connections=connections, messages=messages):
            argv = [bench.ours("uring-layouts"), "--layout", layout, "--threads", 2]
            with Server(bench.processes, argv, SERVER_CPU) as server:
                return load_both(bench, server, connections, messages)

        rounds = alternate(bench, layouts, measure)
        group = f"ring layouts, 2 threads, {connections} connections"
        rows.append(Row(group, "a ring for each thread: server CPU per message", unit="ns",
                        **summary([one["per-core"][COST] for one in rounds])))
        for layout, name in (("shared", "one ring for all"), ("per-connection",
                                                             "a ring for each connection")):
            rows.append(Row(group, f"{name} / a ring for each thread, CPU",
                            **ratios(rounds, layout, "per-core", COST)))
            rows.append(Row(group, f"{name} / a ring for each thread, time",
                            **ratios(rounds, layout, "per-core", "seconds")))
    return rows


def _echo(bench, threads, *options):
    return [bench.ours("myra"), "echo", "--listen", "127.0.0.1:0", "--threads", threads,
            "--cpus", ",".join(map(str, CPUS[:threads])), "--stats", *options]


def reactor_rows(bench):
    """Two reactors against one, under the same load on both processors."""
    rows = []
    for backend, depth in (("uring", 1), ("uring", 16), ("epoll", 1)):
        messages = (100_000 if bench.quick else 300_000) * (1 if depth == 1 else 5)

        def measure(threads, backend=backend, depth=depth, messages=messages):
            argv = _echo(bench, int(threads), "--backend", backend)
            with Server(bench.processes, argv, SERVER_CPU) as server:
                return load_both(bench, server, 50, messages, depth)

        rounds = alternate(bench, ("1", "2"), measure)
        group = f"two reactors against one, {backend}, 50 x {depth}"
        limit = {"at_most": 1.10} if backend == "uring" else {}
        rows.append(Row(group, "one reactor: CPU per message", unit="ns",
                        **summary([one["1"][COST] for one in rounds])))
        rows.append(Row(group, "two / one, CPU per message", **limit,
                        **ratios(rounds, "2", "1", COST)))
        rows.append(Row(group, "two / one, time", **ratios(rounds, "2", "1", "seconds")))
    return rows


def instruction_rows(bench):
    """User instructions per message of two reactors and of one, by callgrind: two runs of different
    length, so that what start and end cost falls out. On epoll: valgrind lets no other thread run
    while one waits in io_uring_enter(2)."""
    found = {threads: _instructions(bench, threads) for threads in (1, 2)}
    group = "user instructions per message, epoll, 50 x 1 (callgrind)"
    return [Row(group, "one reactor", unit="insns", value=found[1]),
            Row(group, "two reactors", unit="insns", value=found[2]),
            Row(group, "two / one", at_most=1.02, value=found[2] / found[1])]


def _instructions(bench, threads):
    valgrind = bench.installed("valgrind", "valgrind")
    few, many = 20_000, 100_000
    totals = []
    for messages in (few, many):
        bench.progress(f"callgrind: {threads} reactors, {messages} messages")
        with tempfile.TemporaryDirectory(prefix="myra-bench-") as folder:
            out = os.path.join(folder, "callgrind.out")
            argv = [valgrind, "--tool=callgrind", f"--callgrind-out-file={out}",
                    "--fair-sched=yes", *_echo(bench, threads, "--backend", "epoll")]
            with Server(bench.processes, argv, SERVER_CPU, patience=60.0) as server:
                load_both(bench, server, 50, messages)
                server.process.terminate()
                server.process.wait(timeout=60)  # callgrind takes its time to write
            with open(out, encoding="utf-8") as lines:
                total = re.search(r"^(?:totals|summary): (\d+)", lines.read(), re.MULTILINE)
        if not total:
            raise Failure("callgrind wrote no total")
        totals.append(int(total.group(1)))
    return (totals[1] - totals[0]) / (many - few)



def hand_over_rows(bench):
    """One acceptor that hands connections to the other reactor, from ring to ring and through its
    inbox: server CPU per connection, each with one message, in bursts."""
    ways = {
        "ring": ("--reactor.features.ring-messages",),
        "ring, ordinary": ("--reactor.features.ring-messages",
                           "--no-reactor.features.direct-descriptors"),
        "inbox": (),
    }
    bursts, burst = (20, 50) if bench.quick else (200, 50)

    def measure(way):
        argv = _echo(bench, 2, "--backend", "uring", "--sharing", "one_acceptor", *ways[way])
        with Server(bench.processes, argv, SERVER_CPU) as server:
            _connect_in_bursts(server.port, 4, burst)
            before = cpu_ns(server.pid)
            _connect_in_bursts(server.port, bursts, burst)
            time.sleep(0.05)
            cost = (cpu_ns(server.pid) - before) / (bursts * burst)
        handed = _handed_over(server.stderr)
        if (handed > 0) != (way != "inbox"):
            raise Failure(f"{way}: {handed} connections went from ring to ring")
        return {"cpu": cost}

    rounds = alternate(bench, tuple(ways), measure)
    group = "one acceptor, 2 reactors, connections of one message"
    rows = [Row(group, "through the inbox: server CPU per connection", unit="ns",
                **summary([one["inbox"]["cpu"] for one in rounds]))]
    for way in ("ring", "ring, ordinary"):
        name = "direct descriptors" if way == "ring" else "ordinary descriptors"
        rows.append(Row(group, f"from ring to ring, {name} / through the inbox, CPU",
                        **ratios(rounds, way, "inbox", "cpu")))
    return rows


def _connect_in_bursts(port, bursts, burst):
    """Connects so many at a time, sends a message on each, takes the answer, and resets."""
    reset = struct.pack("ii", 1, 0)
    for _ in range(bursts):
        clients = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(burst)]
        for client in clients:
            client.sendall(b"x" * 64)
        for client in clients:
            if client.recv(64, socket.MSG_WAITALL) != b"x" * 64:
                raise Failure("an echo was wrong")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            client.close()


def _handed_over(stderr):
    for line in reversed(stderr.splitlines()):
        if line.startswith("{"):
            return json.loads(line)["handed_over"]
    raise Failure("the server printed no counters at its end")
