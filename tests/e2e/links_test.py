"""A network that fails: a link that goes down, loses, is slow, or carries small packets only.

Server and client are in two network namespaces with a pair of virtual cards between them; the client
verifies every byte. The environment's LINK_SECONDS says how long the link is down (1; ./dev abuse links: 1 10 60).
"""

import contextlib
import os
import subprocess
import time
import unittest

import e2e

SECONDS = [float(word) for word in os.environ.get("LINK_SECONDS", "1").split()]
WRITE_TIMEOUT = 30  # of both programs, by default
ANSWER_DEADLINE = 20  # of the client
CONNECTIONS = 4


def command(*words):
    done = e2e.run([str(word) for word in words])
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}: {done.stderr.strip()}")


class Link:
    """Two namespaces, the addresses 10.9.0.1 and 10.9.0.2, and what is between."""

    def __init__(self):
        self.near, self.far = (f"myra-{side}-{os.getpid()}" for side in ("near", "far"))

    def __enter__(self):
        for space in (self.near, self.far):
            command("ip", "netns", "add", space)
        command("ip", "link", "add", "card", "netns", self.near, "type", "veth", "peer", "name", "card", "netns", self.far)
        for space, address in ((self.near, "10.9.0.1"), (self.far, "10.9.0.2")):
            self.within(space, "ip", "address", "add", f"{address}/24", "dev", "card")
            self.within(space, "ip", "link", "set", "lo", "up")
            self.within(space, "ip", "link", "set", "card", "up")
        return self

    def __exit__(self, *_):
        for space in (self.near, self.far):
            subprocess.run(["ip", "netns", "delete", space], capture_output=True, timeout=30)

    @staticmethod
    def words(space, *words):
        return ["ip", "netns", "exec", space, *words]

    def within(self, space, *words):
        command(*self.words(space, *words))

    def server(self, *options):
        return e2e.Server(self.words(self.near, e2e.MYRA, "echo", "--listen", "10.9.0.1:0", "--backend", e2e.BACKEND,
                                     "--stats", *options))

    def client(self, server, *options):
        return subprocess.Popen(
            self.words(self.far, e2e.MYRA, "echo", "--connect", server.address, "--backend", e2e.BACKEND, *options),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def established(self):
        """Connections of the server's side that have not ended."""
        return e2e.run(self.words(self.near, "ss", "-Htn", "state", "established")).stdout.strip()

    def goes_down(self, seconds):
        self.within(self.near, "ip", "link", "set", "card", "down")
        time.sleep(seconds)
        self.within(self.near, "ip", "link", "set", "card", "up")


@contextlib.contextmanager
def talking(link, *options):
    """A server, and a client that is in the middle of its bytes."""
    with link.server() as server:
        client = link.client(server, "--connections", str(CONNECTIONS), *options)
        try:
            if not e2e.eventually(lambda: len(link.established().splitlines()) == CONNECTIONS, 30):
                raise AssertionError("the client does not get to talk")
            time.sleep(0.3)
            yield server, client
        finally:
            if client.poll() is None:
                client.kill()
            client.communicate()


class Links(unittest.TestCase):
    def finishes(self, prepare, size, connections=4, limit=90):
        with Link() as link:
            prepare(link)
            with link.server() as server:
                client = link.client(server, "--bytes", size, "--connections", str(connections))
                out, errors = client.communicate(timeout=limit)
                self.assertEqual(client.returncode, 0, out + errors)
                self.assertEqual(server.stop(), 0, server.stderr())

    def test_five_in_a_hundred_are_lost(self):
        def lossy(link):
            rule = ("table ip lossy { chain came { type filter hook input priority 0; "
                    "numgen random mod 100 < 5 drop; }; }")
            for space in (link.near, link.far):
                link.within(space, "nft", rule)

        self.finishes(lossy, "2MiB")

    def test_a_megabit_a_second(self):
        def slow(link):
            for space in (link.near, link.far):
                link.within(space, "tc", "qdisc", "add", "dev", "card", "root", "tbf", "rate", "1mbit", "burst", "16kb",
                            "latency", "200ms")

        self.finishes(slow, "256KiB")

    def test_small_packets(self):
        def small(link):
            for space in (link.near, link.far):
                link.within(space, "ip", "link", "set", "card", "mtu", "576")

        self.finishes(small, "16MiB")

    def test_the_link_goes_down(self):
        """What is under way goes on when the link is back soon enough, and ends by a deadline otherwise."""
        for seconds in SECONDS:
            with self.subTest(seconds=seconds), Link() as link, \
                    talking(link, "--bytes", "20GiB", "--answer-deadline", f"{ANSWER_DEADLINE}s") as (server, client):
                began = time.monotonic()
                link.goes_down(seconds)
                if seconds < ANSWER_DEADLINE:
                    self.assertIsNone(client.poll(), "it was cut off")
                    before = server.cpu_seconds()
                    self.assertTrue(e2e.eventually(lambda: server.cpu_seconds() > before + 0.05, 60), "it does not go on")
                    self.assertIsNone(client.poll(), "it was cut off")
                    client.kill()
                else:
                    out, errors = client.communicate(timeout=ANSWER_DEADLINE + 60)
                    self.assertNotEqual(client.returncode, 0)
                    self.assertRegex(errors, r"byte \d+ (did not come back|could not be sent): ")
                    self.assertLess(time.monotonic() - began, seconds + ANSWER_DEADLINE + 30)
                self.assertTrue(e2e.eventually(lambda of=link: not of.established(), WRITE_TIMEOUT + 30),
                                "connections are left")
                # And a new client is served.
                fresh = link.client(server, "--bytes", "1MiB")
                out, errors = fresh.communicate(timeout=60)
                self.assertEqual(fresh.returncode, 0, out + errors)


if __name__ == "__main__":
    e2e.need_root()
    for needed in ("ip", "tc", "nft"):
        e2e.need_program(needed)
    e2e.main()
