"""Peers that mean no good, beside one that behaves: it is served all the time, and nothing is left of them.

The peers are those of ./dev abuse (tests/abuse/abusers.py), fewer and for a moment; figures are that verb's.
"""

import contextlib
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import time
import unittest
import urllib.request

import e2e

ABUSERS = pathlib.Path(__file__).resolve().parents[1] / "abuse" / "abusers.py"
POOL_SLOTS = 1024  # of 16 KiB
LARGE_BUFFERS = 64  # of 64 KiB
MEMORY = POOL_SLOTS * 16 * 1024 + LARGE_BUFFERS * 64 * 1024
# ThreadSanitizer's shadow takes twice what a program touches, and a half more.
RESIDENT_MAX = MEMORY * 1.1 * (3.5 if e2e.INSTRUMENTED == "ThreadSanitizer" else 1)
SECONDS = 1.0
POOL = ("--reactor.pool.slot-count-max", str(POOL_SLOTS), "--reactor.large-buffers.count-max", str(LARGE_BUFFERS))
# What all of them may have queued, received and to be sent, fits into it.
FITTING = (*POOL, *(f"--connection.{what}={value}" for what, value in (
    ("send-high-water-bytes", "32KiB"), ("send-low-water-bytes", "8KiB"), ("receive-high-water-bytes", "32KiB"),
    ("receive-low-water-bytes", "8KiB"), ("receive-turn-bytes", "32KiB"))))


class Abuse(unittest.TestCase):
    def beside(self, kind, count, *options, launcher=()):
        """The server's resident memory at its most, above what it was."""
        command = [*launcher, e2e.MYRA, "echo", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0",
                   "--backend", e2e.BACKEND, *options]
        with e2e.Server(command) as server:
            metrics = re.search(r"metrics on (\S+)$", server.process.stdout.readline().strip())[1]
            e2e.echo_client(server.address, "--bytes", "1MiB")
            base, most = server.rss_bytes(), 0
            with self.abusers(kind, server, count), server.connect() as good:
                end = time.monotonic() + SECONDS
                while time.monotonic() < end:
                    good.sendall(b"served?")
                    self.assertEqual(e2e.receive_exactly(good, 7), b"served?")
                    most = max(most, server.rss_bytes() - base)
                    time.sleep(0.02)
            self.assertTrue(e2e.eventually(lambda: self.connections(metrics) <= 1, 20), "connections are left")
            done = e2e.echo_client(server.address, "--bytes", "1MiB")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(server.stop(), 0, server.stderr())
        return most

    @contextlib.contextmanager
    def abusers(self, kind, server, count):
        """They run until the block is left, a session of their own."""
        process = subprocess.Popen([sys.executable, ABUSERS, kind, server.address, str(count)],
                                   stdout=subprocess.PIPE, start_new_session=True)
        try:
            self.assertTrue(select.select([process.stdout], [], [], 60)[0], "they did not get ready")
            self.assertEqual(process.stdout.readline().strip(), b"ready")
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    @staticmethod
    def connections(metrics):
        with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=10) as answer:
            return int(re.search(r"^myra_connections\{[^}]*\} (\d+)$", answer.read().decode(), re.MULTILINE)[1])

    def test_never_readers(self):
        most = self.beside("never_readers", 100, *FITTING)
        self.assertLess(most, RESIDENT_MAX)

    def test_never_readers_a_few_bytes_at_a_time(self):
        most = self.beside("tiny_never_readers", 50, *POOL)
        self.assertLess(most, RESIDENT_MAX)

    def test_slow_readers(self):
        self.beside("slow_readers", 50, *FITTING)

    def test_peers_that_are_stopped(self):
        self.beside("stopped", 20)

    def test_clients_that_are_killed(self):
        self.beside("killed", 100)

    def test_resets_before_the_answer(self):
        self.beside("reset_storm", 30)

    def test_sockets_that_the_kernel_destroys(self):
        if e2e.run(["ss", "-K", "src", "127.0.0.3"]).returncode != 0:
            self.skipTest("ss -K is not allowed here")
        self.beside("cut_off", 20)

    def test_flood_on_a_completion_queue_of_eight(self):
        self.beside("flooders", 10, "--reactor.submission-entries", "4", "--reactor.completion-entries", "8")

    def test_flood_on_four_receive_buffers(self):
        self.beside("flooders", 10, "--reactor.receive-buffer-count", "4")

    def test_storm_with_little_lockable_memory(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to become another user")
        self.beside("storm", 20, launcher=[e2e.DENY, "--memlock", "65536", "--user", "65534", "--"])


if __name__ == "__main__":
    e2e.need_program("ss")
    e2e.main()
