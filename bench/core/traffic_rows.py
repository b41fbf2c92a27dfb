"""Rows with other people's programs: Redis and its benchmark, HAProxy and iperf3."""

import contextlib
import csv
import io
import json
import os
import subprocess
import tempfile
import time

from core.processes import (Absent, Failure, Server, bound_socket, cpu_ns, free_port,
                            wait_for_port)
from core.report import Row, ratios, summary
from core.subjects import LOAD_CPU, SERVER_CPU


class _Foreign:
    """A server that is not ours; the same face as Server."""

    def __init__(self, processes, process, port):
        self._processes = processes
        self.process = process
        self.pid = process.pid
        self.port = port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._processes.end(self.process)


def _alternate(bench, what, starters, measure):
    """Rounds of measurements, order turned about; a starter that is absent or fails is left out."""
    why_not, rounds = {}, []
    for number in range(bench.pairs):
        one = {}
        names = list(starters)
        for name in names if number % 2 == 0 else names[::-1]:
            if name in why_not:
                continue
            bench.progress(f"{what}, round {number + 1}/{bench.pairs}: {name}")
            bench.quiet.wait()
            try:
                with starters[name]() as server:
                    one[name] = measure(server)
            except (Absent, Failure) as why:
                why_not[name] = why
        rounds.append(one)
    return rounds, why_not


def _row(group, name, why_not, needed, figures, **limits):
    for subject in needed:
        why = why_not.get(subject)
        if isinstance(why, Absent):
            return Row(group, name, absent=str(why), **limits)
        if why is not None:
            return Row(group, name, failed=str(why), **limits)
    return Row(group, name, **figures(), **limits)


# --- key-value ---

def key_value_rows(bench):
    starters = {"redis-server": lambda: _redis(bench), "myra-kv uring": lambda: _kv(bench, "uring"),
                "myra-kv epoll": lambda: _kv(bench, "epoll")}
    rows = []
    for depth in (1, 16):
        rounds, why_not = _alternate(bench, f"key-value 50 x {depth}", starters,
                                     lambda server, depth=depth: _drive(bench, server, depth))
        rows += _key_value_rows_at(depth, rounds, why_not)
    return rows


def _key_value_rows_at(depth, rounds, why_not):
    group = f"key-value 50 x {depth}, redis-benchmark, against redis-server"
    most = {1: 0.95, 16: 0.85}[depth]
    rows = []
    for test in ("get", "set"):
        for figure, words, unit in (("cpu_ns", "server CPU per request", "ns"),
                                    ("rps", "requests/s", "/s")):
            rows.append(_row(group, f"redis-server {test.upper()}: {words}", why_not,
                             ["redis-server"], lambda t=test, f=figure: summary(
                                 [one["redis-server"][f"{t} {f}"] for one in rounds]), unit=unit))
        for kv in ("myra-kv uring", "myra-kv epoll"):
            is_figure = kv.endswith("uring")
            for figure, words, limit in (
                    ("cpu_ns", "server CPU per request", {"at_most": most}),
                    ("rps", "requests/s", {"at_least": 0.97})):
                rows.append(_row(
                    group, f"{kv} / redis-server, {test.upper()}: {words}", why_not, [kv, "redis-server"],
                    lambda k=kv, t=test, f=figure: ratios(rounds, k, "redis-server", f"{t} {f}"),
                    **(limit if is_figure else {})))
    rows.append(_row(group, "myra-kv uring: entries per request (INFO)", why_not,
                     ["myra-kv uring"], lambda: summary(
                         [one["myra-kv uring"]["entries"] for one in rounds]), unit="/message"))
    return rows


def _kv(bench, backend):
    return Server(bench.processes, [bench.ours("myra-kv"), "--listen", "127.0.0.1:0",
                                    "--backend", backend], SERVER_CPU)


def _redis(bench):
    binary = bench.installed("redis-server", "redis-server")
    port = free_port()
    process = bench.processes.start(
        [binary, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
         "--daemonize", "no"], SERVER_CPU, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        cwd=tempfile.gettempdir())
    wait_for_port(port, process)
    return _Foreign(bench.processes, process, port)


def _drive(bench, server, depth):
    client = bench.installed("redis-benchmark", "redis-tools")
    requests = {1: 100_000, 16: 800_000}[depth] // (4 if bench.quick else 1)

    def run(test, count):
        out = bench.processes.run(
            [client, "-h", "127.0.0.1", "-p", server.port, "-t", test, "-n", count, "-c", 50,
             "-P", depth, "--csv"], LOAD_CPU)
        return float(list(csv.reader(io.StringIO(out)))[-1][1])

    found = {}
    run("set", 10_000)  # so that GET finds its key, and the server is warm
    entries = _entries(bench, server)
    for test in ("get", "set"):
        before = cpu_ns(server.pid)
        found[f"{test} rps"] = run(test, requests)
        time.sleep(0.01)  # a task's account is exact once it sleeps
        found[f"{test} cpu_ns"] = (cpu_ns(server.pid) - before) / requests
    if entries is not None:
        found["entries"] = (_entries(bench, server) - entries) / (2 * requests)
    return found


def _entries(bench, server):
    """The line `kernel_entries:` of INFO, where the server has one."""
    cli = bench.installed("redis-cli", "redis-tools")
    out = bench.processes.run([cli, "-h", "127.0.0.1", "-p", server.port, "info"], LOAD_CPU)
    for line in out.splitlines():
        if line.startswith("kernel_entries:"):
            return int(line.split(":")[1])
    return None


# --- proxy ---

def proxy_rows(bench):
    group = "proxy, iperf3 through it: the proxy's CPU per byte"
    starters = {
        "haproxy": lambda: _Relay(bench, _haproxy(splice=False)),
        "haproxy splice-auto": lambda: _Relay(bench, _haproxy(splice=True)),
        "myra proxy uring": lambda: _Relay(bench, _myra_proxy("uring")),
        "myra proxy epoll": lambda: _Relay(bench, _myra_proxy("epoll")),
    }
    rounds, why_not = _alternate(bench, "proxy", starters, lambda relay: relay.measure())
    rows = []
    for name in ("haproxy", "haproxy splice-auto"):
        rows.append(_row(group, f"{name}: CPU s/GB", why_not, [name], lambda n=name: summary(
            [one[n]["cpu_s_per_gb"] for one in rounds]), unit="s/GB"))
    for name in ("myra proxy uring", "myra proxy epoll"):
        for base in ("haproxy", "haproxy splice-auto"):
            # The figure to reach is that against HAProxy without splice, on either backend.
            limits = {"at_most": 1.0} if base == "haproxy" else {}
            rows.append(_row(group, f"{name} / {base}", why_not, [name, base],
                             lambda n=name, b=base: ratios(rounds, n, b, "cpu_s_per_gb"), **limits))
    for name in starters:
        rows.append(_row(group, f"{name}: throughput", why_not, [name], lambda n=name: summary(
            [one[n]["gb_per_s"] for one in rounds]), unit="GB/s"))
    return rows


class _Relay:
    """A proxy with an iperf3 server behind it."""

    def __init__(self, bench, start_proxy):
        self._bench = bench
        self._start_proxy = start_proxy
        self._open = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as opening:
            bench = self._bench
            self._iperf3 = bench.installed("iperf3", "iperf3")
            target = free_port()
            process = bench.processes.start(
                [self._iperf3, "--server", "--bind", "127.0.0.1", "--port", target,
                 "--forceflush"], LOAD_CPU, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            opening.callback(bench.processes.end, process)
            while b"listening" not in process.stdout.readline():
                if process.poll() is not None:
                    raise Failure("iperf3 --server did not start")
            self._pid, self._port = self._start_proxy(bench, opening, target)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_):
        self._open.close()

    def measure(self):
        before = cpu_ns(self._pid)
        out = self._bench.processes.run(
            [self._iperf3, "--client", "127.0.0.1", "--port", self._port, "--time",
             1 if self._bench.quick else 2, "--json"], LOAD_CPU)
        time.sleep(0.02)
        received = json.loads(out)["end"]["sum_received"]
        gigabytes = received["bytes"] / 1e9
        return {"cpu_s_per_gb": (cpu_ns(self._pid) - before) / 1e9 / gigabytes,
                "gb_per_s": gigabytes / received["seconds"]}


def _myra_proxy(backend):
    def start(bench, opening, target):
        server = opening.enter_context(Server(bench.processes, [
            bench.ours("myra"), "proxy", "--listen", "127.0.0.1:0", "--connect",
            f"127.0.0.1:{target}", "--backend", backend], SERVER_CPU))
        return server.pid, server.port

    return start


def _haproxy(splice):
    def start(bench, opening, target):
        binary = bench.installed("haproxy", "haproxy")
        folder = opening.enter_context(tempfile.TemporaryDirectory(prefix="myra-bench-"))
        listener = opening.enter_context(bound_socket())
        path = os.path.join(folder, "haproxy.cfg")
        with open(path, "w", encoding="ascii") as settings:
            settings.write(
                "global\n nbthread 1\n maxconn 1000\n"
                "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n"
                " timeout server 60s\n" + (" option splice-auto\n" if splice else "") +
                f"listen relay\n bind fd@{listener.fileno()}\n server target 127.0.0.1:{target}\n")
        process = bench.processes.start(
            [binary, "-db", "-f", path], SERVER_CPU, pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        opening.callback(bench.processes.end, process)
        return process.pid, listener.getsockname()[1]

    return start
