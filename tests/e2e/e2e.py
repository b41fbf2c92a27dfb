"""What the end-to-end tests share: servers on port 0, found by their ready line, ended by their pid.

A test is a script with unittest cases that ends with `e2e.main()`. CTest gives it the programs and
the backend through the environment (see CMakeLists.txt); everything runs on loopback and has a
time limit.
"""

import contextlib
import os
import re
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

MYRA = os.environ.get("MYRA", "")
DENY = os.environ.get("DENY", "")
BACKEND = os.environ.get("BACKEND", "auto")

# Of ./dev asan, tsan and coverage: what the program does for itself is then not all that it does.
INSTRUMENTED = os.environ.get("MYRA_INSTRUMENTED", "")

START_SECONDS = 10
STOP_SECONDS = 15


def skip(reason):
    """Ends the whole test as skipped, with its reason where the summary looks for it."""
    print(f"SKIP: {reason}", flush=True)
    sys.exit(77)


def need_program(name):
    if shutil.which(name) is None:
        skip(f"{name} is not installed")


def need_not_instrumented(why):
    if INSTRUMENTED:
        skip(f"not with {INSTRUMENTED}: {why}")


def not_instrumented(why):
    """For one case of several."""
    return unittest.skipIf(INSTRUMENTED, f"not with {INSTRUMENTED}: {why}")


def need_root():
    if os.geteuid() != 0:
        skip("needs root, to become another user")


def main():
    """Runs the script's cases, unless the backend that it is to run on cannot be had here."""
    if not MYRA:
        sys.exit("MYRA is not set; run this through ctest, or set MYRA, DENY and BACKEND")
    if BACKEND == "uring":
        probe = run([MYRA, "probe", "--backend", "uring", "--short"])
        if probe.returncode != 0:
            skip(f"no io_uring here: {probe.stdout.strip()}")
    unittest.main(verbosity=2)


def run(command, timeout=60, **more):
    """Runs to the end; the result has returncode, stdout and stderr as text."""
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, **more)


class Server:
    """A program that prints `listening on HOST:PORT (BACKEND)`; ended with the `with` block."""

    READY = re.compile(r"listening on (\S+):([^:\s]+) \((.*)\)$")

    def __init__(self, command, **popen):
        self.errors = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.errors, text=True, **popen)
        self.line = self._first_line()
        match = self.READY.match(self.line)
        if not match:
            self.kill()
            raise AssertionError(
                f"no ready line from {command}: {self.line!r}, stderr: {self.stderr()}")
        self.host, self.backend = match[1], match[3]
        self.address = f"{match[1]}:{match[2]}"
        self.port = int(match[2]) if match[2].isdigit() else None  # unix:PATH has none

    def _first_line(self):
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            if not ready.select(START_SECONDS):
                return ""
        return self.process.stdout.readline().rstrip("\n")

    def connect(self, timeout=10):
        return socket.create_connection((self.host.strip("[]"), self.port), timeout=timeout)

    def rss_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def socket_count(self):
        folder = f"/proc/{self.process.pid}/fd"
        count = 0
        for fd in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):  # closed since it was listed
                count += os.readlink(os.path.join(folder, fd)).startswith("socket:")
        return count

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read()

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, timeout=STOP_SECONDS):
        return self.process.wait(timeout)

    def stop(self):
        self.signal()
        return self.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self):
        self.kill()
        self.process.stdout.close()
        self.errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def echo(*options, backend=BACKEND, **popen):
    return Server([MYRA, "echo", "--listen", "127.0.0.1:0", "--backend", backend, *options], **popen)


def proxy(target, *options, backend=BACKEND, **popen):
    return Server([MYRA, "proxy", "--listen", "127.0.0.1:0", "--connect", target,
                   "--backend", backend, *options], **popen)


def echo_client(target, *options, backend=BACKEND, timeout=120):
    return run([MYRA, "echo", "--connect", target, "--backend", backend, *options], timeout=timeout)


@contextlib.contextmanager
def listener(backlog=128):
    """A listening socket of the test's own, for a target that the test scripts."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listening:
        listening.settimeout(10)
        yield listening


def address_of(listening):
    host, port = listening.getsockname()[:2]
    return f"{host}:{port}"


def free_port():
    """A port that was free a moment ago, for programs that cannot take port 0."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def listens(port):
    """Whether somebody listens on that port, without a connection that would count as a client's."""
    wanted = f":{port:04X}"
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table][1:]
    return any(row[1].endswith(wanted) and row[3] == "0A" for row in rows)


@contextlib.contextmanager
def in_thread(work, *arguments):
    """Runs `work` beside the block; an exception out of it fails the test after the block."""
    failures = []

    def guarded():
        try:
            work(*arguments)
        except BaseException as error:  # noqa: BLE001  reported below
            failures.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    yield thread
    thread.join(60)
    if thread.is_alive():
        raise AssertionError(f"{work.__name__} did not end")
    if failures:
        raise failures[0]


def receive_all(peer):
    """Everything up to the end of the stream."""
    pieces = []
    while piece := peer.recv(1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def receive_exactly(peer, size):
    """So many bytes, or fewer when the stream ends; by the socket's time limit."""
    pieces = b""
    while len(pieces) < size and (piece := peer.recv(size - len(pieces))):
        pieces += piece
    return pieces


def fill(peer, pattern, seconds=0.5):
    """Sends `pattern` over and over until nothing was taken for that time; how many bytes were.

    The socket does not block afterwards.
    """
    peer.setblocking(False)
    view = memoryview(pattern)
    sent = 0
    while select.select([], [peer], [], seconds)[1]:
        with contextlib.suppress(BlockingIOError):
            start = sent % len(view)
            sent += peer.send(view[start:start + (1 << 16)])
        if sent > 256 << 20:
            raise AssertionError("256 MiB were taken: somebody buffers without bound")
    return sent


def eventually(condition, seconds=10):
    """Whether `condition` became true in that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False
