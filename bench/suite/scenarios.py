"""The scenarios of the suite, in the order in which they run."""

import json
import subprocess
from dataclasses import dataclass, field

from core.processes import Failure, idle_bytes
from suite.stand import LOAD_CPU, SERVER_CPU, settled_cpu_ns

RAW = ("raw epoll", "raw uring")
LIBRARIES = ("asio epoll", "asio uring", "libuv")
OURS = ("myra uring", "myra epoll")
# What decides how large messages are received, and how they are sent.
RECEIVES = ("myra uring -large_buffers", "myra uring +incremental_buffers",
            "myra uring +receive_bundles")
ZERO_COPY = ("myra uring +zero_copy_always", "myra uring +zero_copy_registered")


@dataclass
class Scenario:
    """`measure(stand, subject)` makes one run and returns figures; ratios of `figure` are to
    `base`, in the same round. Less of every such figure is better."""
    name: str
    title: str
    subjects: tuple
    measure: object
    figure: str = "cpu_ns"
    unit: str = "ns"
    base: str = "raw epoll"
    parameters: dict = field(default_factory=dict)
    entries: object = None  # a run that counts kernel entries, or nothing
    once: bool = False      # one round is enough: the figure hardly varies


def _plain(role, load, server_extra=(), **how):
    """One run, and a run of its own for the kernel entries: counting slows the server."""
    def measure(stand, subject):
        return stand.measure(role, subject, load, server_extra, **how)

    def entries(stand, subject):
        return stand.measure(role, subject, load, server_extra, count_entries=True, **how)

    return {"measure": measure, "entries": entries}


def _echo(connections, depth=1, active=0, subjects=(*RAW, *OURS)):
    load = ["--connections", connections, "--depth", depth]
    name = f"echo {connections} x {depth}"
    if active:
        load += ["--active", active]
        name = f"echo {connections}, {active} active"
    count = "1 connection" if connections == 1 else f"{connections:,} connections"
    return Scenario(name, f"Requests of 64 B, closed loop, {count}"
                    + (f" of which {active} send" if active else f", {depth} under way on each"),
                    subjects, **_plain("echo", load),
                    parameters={"connections": connections, "depth": depth, "active": active})


def _ping_pong():
    spin = ["--wait", "spin"]
    yield Scenario(
        "ping-pong, spinning", "64 B there and back, both ends spin on cores of their own: p50",
        ("recv/send", *RAW, *OURS), figure="p50_us", unit="us", base="recv/send",
        **{**_plain("echo", ["--mode", "ping-pong", *spin], spin), "entries": None})
    yield Scenario(
        "ping-pong, same core", "64 B there and back, both ends sleep on one core: CPU of a trip",
        (*RAW, *OURS), **_plain("echo", ["--mode", "ping-pong"], cpu=SERVER_CPU))


def _open_loop(rate, subjects):
    return Scenario(f"open loop {rate:,}/s", f"{rate:,} requests/s at given times over 50 "
                    "connections, latency from when each was due: p50", subjects,
                    **_plain("echo", ["--mode", "open", "--connections", 50, "--rate", rate]),
                    figure="p50_us", unit="us", parameters={"rate": rate, "connections": 50})


def _bulk(write_kib, ours):
    """Sender and receiver are both the subject, CPU is that of both."""
    size = write_kib * 1024
    slots = " +slots_1m" if write_kib == 1024 else " +slots_64k"

    def measure(stand, subject, **how):
        client = "neutral" if subject.name == "blocking" else subject.name
        if subject.is_myra:  # it sends a write as one buffer
            client += slots
        found = stand.measure("sink", subject, ["--mode", "bulk", "--size", size], client=client,
                              **how)
        found["both_cpu_s_per_gb"] = found["both_cpu_ns"] / size
        found["bytes_per_second"] = found["messages_per_second"] * size
        return found

    return Scenario(f"bulk {write_kib} KiB", f"One stream of {write_kib} KiB writes: CPU seconds "
                    "per GB, both ends", ("blocking", "raw uring", *ours), measure,
                    "both_cpu_s_per_gb", "s/GB", "blocking", {"write_bytes": size},
                    lambda stand, subject: measure(stand, subject, count_entries=True))


def _large():
    load = ["--connections", 8, "--size", 65536]
    subjects = (*RAW, *LIBRARIES, *OURS, *RECEIVES, "myra epoll -large_buffers",
                "myra uring +slots_64k")

    def of(subject):
        return ["--buffer-bytes", 65536, "--buffers", 16] if subject.name == "raw uring" else []

    return Scenario(
        "echo 64 KiB", "Requests of 64 KiB, closed loop, 8 connections", subjects,
        lambda stand, subject: stand.measure("echo", subject, load, of(subject)),
        parameters={"connections": 8, "bytes": 65536},
        entries=lambda stand, subject: stand.measure("echo", subject, load, of(subject),
                                                     count_entries=True))


def _churn():
    return Scenario("churn", "Connect, one message, its echo, reset; 16 abreast: server CPU each",
                    (*RAW, *LIBRARIES, *OURS),
                    **_plain("echo", ["--mode", "churn", "--connections", 16]))


def _datagrams(depth):
    return Scenario(f"datagrams x {depth}", f"UDP datagrams of 64 B, {depth} under way",
                    (*RAW, *OURS),
                    **_plain("datagrams", ["--mode", "datagrams", "--depth", depth]),
                    parameters={"depth": depth})


def _idle(connections):
    def measure(stand, subject):
        with stand.serve("echo", subject) as server:
            return {"idle_bytes": idle_bytes(stand.processes, stand.program("myra-load"), LOAD_CPU,
                                             server, connections)}

    return Scenario("idle", f"{connections:,} connections that say nothing: resident bytes each",
                    (*RAW, *LIBRARIES, *OURS), measure, "idle_bytes", "bytes",
                    parameters={"connections": connections}, once=True)


def _reactors():
    """The same load of two threads, a core each, on one reactor and on two."""
    return Scenario("two reactors", "50 x 1 from each of two loads, a core each: server CPU per "
                    "message", ("myra uring", "myra uring +two_reactors"), _two_loads,
                    base="myra uring")


def _two_loads(stand, subject):
    with stand.serve("echo", subject) as server:
        before = settled_cpu_ns(server.pid)
        loads = [stand.processes.start(
            [stand.program("myra-load"), "--connect", server.address, "--connections", 50,
             "--milliseconds", stand.milliseconds, "--warm-up", 0], cpu,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for cpu in (SERVER_CPU, LOAD_CPU)]
        reports = [_report_of(stand, load) for load in loads]
        spent = settled_cpu_ns(server.pid) - before
    messages = sum(one["messages"] for one in reports)
    return {"cpu_ns": spent / messages, "messages": messages,
            "messages_per_second": sum(one["messages_per_second"] for one in reports)}


def _report_of(stand, load):
    out, errors = load.communicate(timeout=60.0)
    stand.processes.end(load)
    if load.returncode != 0:
        raise Failure(errors.strip() or "a load failed")
    return json.loads(out)


def _clients():
    """The other way round: one server, and what each client costs."""
    def measure(stand, subject):
        server = stand.catalogue.subject("raw uring")
        return stand.measure("echo", server, ["--connections", 50], client=subject.name)

    return Scenario("clients", "A client of 50 x 1 against the raw io_uring loop: the client's CPU "
                    "per message (the neutral one waits for batches)",
                    ("raw epoll", "neutral", *LIBRARIES, *OURS), measure, "client_cpu_ns")


def _waiting():
    """One request at a time is due every 200 us: what waiting costs, and what it gives."""
    ways = ["myra uring", "myra uring +spin_then_block", "myra uring +spin",
            "myra uring +minimum_wait", "myra uring +submission_polling", "myra epoll",
            "myra epoll +spin_then_block", "myra epoll +spin"]
    return Scenario("waiting", "5,000 requests/s at given times on one connection, latency from "
                    "when each was due: p50", tuple(ways),
                    **_plain("echo", ["--mode", "open", "--rate", 5000]), figure="p50_us",
                    unit="us", base="myra uring", parameters={"rate": 5000})


def _features(catalogue, depth):
    names = catalogue.turned_about("myra uring", ("datagram",))
    names += [f"myra uring +{one}" for one in ("one_shot", "cooperative_tasks",
                                               "interrupting_tasks", "sockets_only", "huge_pages")]
    return Scenario(f"features 50 x {depth}", f"Myra's features turned about one at a time, 50 x "
                    f"{depth}: CPU per message", ("myra uring", *names),
                    **_plain("echo", ["--connections", 50, "--depth", depth]), base="myra uring",
                    parameters={"connections": 50, "depth": depth})


def all_scenarios(catalogue):
    every = (*RAW, *LIBRARIES, *OURS)
    found = [*_ping_pong()]
    for connections, depth in ((1, 1), (1, 16), (50, 1), (50, 16), (1000, 1), (1000, 16)):
        found.append(_echo(connections, depth, subjects=every))
    found.append(_echo(9000, active=90, subjects=every))
    found += [_bulk(64, (*OURS, *RECEIVES, *ZERO_COPY)), _bulk(1024, OURS)]
    found += [_large(), _churn(), _idle(9000), _datagrams(1), _datagrams(32)]
    found += [_open_loop(10_000, (*RAW, *OURS)), _open_loop(50_000, (*RAW, *OURS))]
    found += [_reactors(), _clients(), _waiting()]
    found += [_features(catalogue, 1), _features(catalogue, 16)]
    return found
