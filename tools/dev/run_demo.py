#!/usr/bin/env python3
"""Shows the key-value server at work: what ./dev run does after the build.

Prints what io_uring can do here, drives myra-kv with redis-benchmark on the backend that it
chooses by itself and on epoll, Debian's redis-server for reference, and prints one table.

  --serve   leaves a server running afterwards, for redis-cli
  --json    prints the figures as JSON instead of the table
"""
import argparse
import contextlib
import csv
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = 50
TESTS = [("SET", 1), ("GET", 1), ("SET", 16), ("GET", 16)]
SECONDS_PER_TEST = 2.5
# So many requests find out how many fill the time, and warm the server up.
TRIAL_REQUESTS = 10_000
# So many requests under perf count redis-server's kernel entries: apart, since counting costs CPU.
COUNTED_REQUESTS = 20_000
START_SECONDS = 10
STOP_SECONDS = 8
SERVE_ADDRESS = "127.0.0.1:6380"


class Failure(Exception):
    """What the user has to know, in one line."""


class Progress:
    """One line on the terminal that says what goes on and vanishes; nothing when piped."""

    def __init__(self):
        self.shown = sys.stderr.isatty()

    def say(self, text):
        if self.shown:
            sys.stderr.write("\r\033[K" + text)
            sys.stderr.flush()

    def clear(self):
        self.say("")


class Server:
    """A server process under measurement, on a CPU of its own where there are two."""

    def __init__(self, name, command, cpus, folder=None):
        self.name = name
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, cwd=folder,
            start_new_session=True,  # Ctrl-C is for us; we end the server
            preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        self.port = 0
        self.backend = self.reason = None

    def wait_for_line(self):
        """myra-kv says when it is ready, where, and on which backend."""
        line = read_line(self.process.stdout, START_SECONDS)
        found = re.match(r"listening on \S+:(\d+) \((.*)\)$", line)
        if not found:
            raise Failure(f"{self.name} did not start: {line.strip() or 'no output'}")
        self.port = int(found.group(1))
        facts = self.facts()
        self.backend, self.reason = facts["backend"], facts["backend_reason"]

    def wait_for_port(self, port):
        """redis-server is ready when it answers."""
        self.port = port
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                self.facts()
                return
            time.sleep(0.05)
        raise Failure(f"{self.name} did not start")

    def facts(self):
        """What INFO says, by name."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
            client.sendall(b"INFO\r\n")
            stream = client.makefile("rb")
            size = int(stream.readline()[1:])
            lines = stream.read(size).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def cpu_nanoseconds(self):
        """CPU time of all threads that it has (proc(5), schedstat)."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)

    def stop(self):
        stop_process(self.process)


def stop_process(process, with_signal=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(with_signal)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


def read_line(stream, seconds):
    """The next line, or an empty one when it does not come in time or the program ended."""
    ready, _, _ = select.select([stream], [], [], seconds)
    return stream.readline() if ready else ""


@contextlib.contextmanager
def running(server, ready):
    try:
        ready(server)
        yield server
    finally:
        server.stop()


class Bench:
    """redis-benchmark, on the CPUs that the server does not have."""

    def __init__(self, progress):
        cpus = sorted(os.sched_getaffinity(0))
        self.server_cpus = {cpus[0]}
        self.client_cpus = set(cpus[1:]) or {cpus[0]}
        self.progress = progress

    def drive(self, server, test, depth, requests):
        """One run; redis-benchmark's own figures by their names."""
        command = ["redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "-t", test.lower(),
                   "-c", str(CLIENTS), "-P", str(depth), "-n", str(requests), "--csv"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, self.client_cpus))
        try:
            text, _ = process.communicate(timeout=30)
        finally:
            stop_process(process)
        lines = [line for line in text.splitlines() if line.startswith('"')]
        if process.returncode != 0 or len(lines) < 2:
            raise Failure(f"redis-benchmark failed on {server.name}")
        return next(csv.DictReader(lines))

    def measure(self, server, test, depth):
        self.progress.say(f"{server.name}: {test} {CLIENTS} x {depth}")
        trial = self.drive(server, test, depth, TRIAL_REQUESTS)
        requests = max(TRIAL_REQUESTS, int(float(trial["rps"]) * SECONDS_PER_TEST))
        entries = self.own_entries(server)
        cpu = server.cpu_nanoseconds()
        seen = self.drive(server, test, depth, requests)
        cpu = server.cpu_nanoseconds() - cpu
        if entries is not None:
            entries = (self.own_entries(server) - entries) / requests
        else:
            entries = self.counted_entries(server, test, depth)
        return {
            "server": server.name, "test": test, "connections": CLIENTS, "depth": depth,
            "requests": requests, "requests_per_second": float(seen["rps"]),
            "p50_ms": number(seen.get("p50_latency_ms")),
            "p99_ms": number(seen.get("p99_latency_ms")),
            "kernel_entries_per_request": entries,
            "cpu_microseconds_per_request": cpu / requests / 1000,
        }

    @staticmethod
    def own_entries(server):
        """myra-kv counts its kernel entries itself."""
        return int(server.facts()["kernel_entries"]) if server.backend else None

    def counted_entries(self, server, test, depth):
        """Another server's are counted by perf, which needs root; None without."""
        if os.geteuid() != 0 or not shutil.which("perf"):
            return None
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "perf"
            perf = subprocess.Popen(
                ["perf", "stat", "-x,", "-o", out, "-e", "raw_syscalls:sys_enter",
                 "-p", str(server.process.pid)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                time.sleep(0.3)
                self.drive(server, test, depth, COUNTED_REQUESTS)
            finally:
                stop_process(perf, signal.SIGINT)
            text = out.read_text() if out.exists() else ""
        found = re.search(r"^(\d+),", text, re.MULTILINE)
        return int(found.group(1)) / COUNTED_REQUESTS if found else None


def number(text):
    return float(text) if text else None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def myra_server(binaries, bench, backend):
    command = [str(binaries / "myra-kv"), "--listen", "127.0.0.1:0", "--backend", backend]
    return Server(f"myra-kv ({backend})", command, bench.server_cpus)


def measure_myra(binaries, bench, backend):
    """The rows of myra-kv on one backend, and what it said of its choice."""
    with running(myra_server(binaries, bench, backend), Server.wait_for_line) as server:
        server.name = f"myra-kv ({server.backend})"
        rows = [bench.measure(server, test, depth) for test, depth in TESTS]
        return rows, server.backend, server.reason


def measure_redis(bench, folder):
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
               "--appendonly", "no", "--io-threads", "1", "--daemonize", "no"]
    server = Server("redis-server", command, bench.server_cpus, folder)
    with running(server, lambda started: started.wait_for_port(port)):
        return [bench.measure(server, test, depth) for test, depth in TESTS]


def measure_all(binaries, bench):
    rows, backend, reason = measure_myra(binaries, bench, "auto")
    notes = [f"automatic backend: {backend} ({reason})"]
    if backend != "epoll":
        rows += measure_myra(binaries, bench, "epoll")[0]
    if shutil.which("redis-server"):
        with tempfile.TemporaryDirectory() as folder:
            rows += measure_redis(bench, folder)
    else:
        notes.append("redis-server is not installed: no reference rows")
    if os.cpu_count() and len(os.sched_getaffinity(0)) < 2:
        notes.append("one CPU only: server and load share it")
    return {"backend": backend, "reason": reason, "rows": rows, "notes": notes}


COLUMNS = [
    ("server", "server", str),
    ("test", "test", str),
    ("load", "load", str),
    ("requests/s", "requests_per_second", "{:,.0f}".format),
    ("p50 ms", "p50_ms", "{:.3f}".format),
    ("p99 ms", "p99_ms", "{:.3f}".format),
    ("kernel entries/request", "kernel_entries_per_request", "{:.3f}".format),
    ("CPU us/request", "cpu_microseconds_per_request", "{:.3f}".format),
]
TEXT_COLUMNS = 3


def table(rows):
    cells = [[title for title, _, _ in COLUMNS]]
    for row in rows:
        shown = dict(row, load=f"{row['connections']} x {row['depth']}")
        cells.append([form(shown[key]) if shown[key] is not None else "-"
                      for _, key, form in COLUMNS])
    widths = [max(len(line[at]) for line in cells) for at in range(len(COLUMNS))]
    lines = []
    for line in cells:
        padded = [text.ljust(width) if at < TEXT_COLUMNS else text.rjust(width)
                  for at, (text, width) in enumerate(zip(line, widths))]
        lines.append("  ".join(padded).rstrip())
    bold = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    if bold:
        lines[0] = f"\033[1m{lines[0]}\033[0m"
    return "\n".join(lines)


def print_probe(binaries):
    sys.stdout.flush()
    if subprocess.run([str(binaries / "myra"), "probe", "--short"], check=False).returncode == 2:
        raise Failure("myra probe failed")
    print()


def serve(binaries, bench):
    command = [str(binaries / "myra-kv"), "--listen", SERVE_ADDRESS]
    with running(Server("myra-kv", command, os.sched_getaffinity(0)), Server.wait_for_line) as server:
        print(f"myra-kv listens on {SERVE_ADDRESS} ({server.backend}). In another terminal:\n"
              f"  redis-cli -p {server.port} set greeting hello\n"
              f"  redis-cli -p {server.port} info\n"
              "Ctrl-C ends it.", flush=True)
        try:
            return server.process.wait()
        except KeyboardInterrupt:
            return 0


def run(options):
    binaries = Path(options.bin)
    if not shutil.which("redis-benchmark"):
        raise Failure("redis-benchmark is not installed: apt-get install redis-tools")
    progress = Progress()
    bench = Bench(progress)
    if not options.json:
        print_probe(binaries)
    try:
        figures = measure_all(binaries, bench)
    finally:
        progress.clear()
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        print(table(figures["rows"]))
        print()
        print("\n".join(figures["notes"]), flush=True)
    return serve(binaries, bench) if options.serve else 0


def main():
    parser = argparse.ArgumentParser(prog="./dev run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", action="store_true", help="leave a server running, for redis-cli")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--bin", default=str(ROOT / "build/release/bin"), help="where the programs are")
    options = parser.parse_args()
    # Ended from outside, we end what we started, as for Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run(options)
    except Failure as why:
        print(f"run: {why}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("run: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
