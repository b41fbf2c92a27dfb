"""Limits that hold whatever peers do: descriptors, connections, and how long they may take."""

import contextlib
import os
import socket
import time
import unittest

import e2e

KV = os.environ.get("KV", "")
DEADLINE = 1.0  # of what is evicted
LATE = 1.0      # and how much later at most


def kv(*options, launcher=()):
    return e2e.Server([*launcher, KV, "--listen", "127.0.0.1:0", "--backend", e2e.BACKEND, *options])


def ended(peer):
    """Whether the other end has closed or reset, without waiting."""
    peer.setblocking(False)
    try:
        return peer.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def pings(peer):
    peer.sendall(b"PING\r\n")
    return peer.recv(7, socket.MSG_WAITALL) == b"+PONG\r\n"


class Descriptors(unittest.TestCase):
    @e2e.not_instrumented("UBSan looks at objects through a pipe, for which no descriptor is left")
    def test_none_is_left(self):
        """64 descriptors, 200 clients: those that got in are served, the rest wait for their turn; no spin."""
        with kv(launcher=[e2e.DENY, "--descriptors", "64", "--"]) as server, contextlib.ExitStack() as crowd:
            peers = [crowd.enter_context(server.connect()) for _ in range(200)]
            for peer in peers:
                peer.sendall(b"PING\r\n")
            served = []
            self.assertTrue(e2e.eventually(
                lambda: served.extend(p for p in peers if p not in served and self.answered(p)) or len(served) > 20))
            began, before = time.monotonic(), server.cpu_seconds()
            time.sleep(2)
            share = (server.cpu_seconds() - before) / (time.monotonic() - began)
            self.assertLess(share, 0.05, "it spins for want of descriptors")
            # Those that are served let go, and then the others get in.
            began = time.monotonic()
            while len(served) < len(peers):
                for peer in served:
                    peer.close()
                fresh = [p for p in peers if p not in served]
                self.assertTrue(e2e.eventually(lambda left=fresh: any(self.answered(p) for p in left)),
                                f"{len(fresh)} still wait")
                served += [p for p in fresh if self.answered(p)]
            self.assertIn("RLIMIT_NOFILE is 64", server.stderr())

    @staticmethod
    def answered(peer):
        if peer.fileno() < 0:
            return True
        peer.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            return len(peer.recv(7, socket.MSG_PEEK)) == 7
        return False


class Connections(unittest.TestCase):
    def test_beyond_the_limit_they_wait(self):
        with kv("--listener.connections-max", "5") as server, contextlib.ExitStack() as crowd:
            peers = [crowd.enter_context(server.connect()) for _ in range(5)]
            self.assertTrue(all(pings(peer) for peer in peers))
            late = crowd.enter_context(server.connect())
            late.sendall(b"PING\r\n")
            late.settimeout(0.3)
            with self.assertRaises(TimeoutError):
                late.recv(1)
            peers[0].close()
            late.settimeout(10)
            self.assertEqual(late.recv(7, socket.MSG_WAITALL), b"+PONG\r\n")


    def test_beyond_what_is_served_they_are_told(self):
        with kv("--clients-max", "5") as server, contextlib.ExitStack() as crowd:
            peers = [crowd.enter_context(server.connect()) for _ in range(5)]
            self.assertTrue(all(pings(peer) for peer in peers))
            late = crowd.enter_context(server.connect())
            self.assertEqual(e2e.receive_all(late), b"-ERR max number of clients reached\r\n")

    def test_the_listener_does_not_keep_the_number_of_clients_from_being_met(self):
        shown = e2e.run([KV, "--clients-max", "20000", "--print-config"])
        self.assertTrue("\nconnections_max = 0\n" in shown.stdout, "the listener has a limit of its own")
        done = e2e.run([KV, "--clients-max", "20", "--listener.connections-max", "5"], timeout=10)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("listener.connections_max: found 5", done.stderr)
        self.assertIn("kv.clients_max = 20", done.stderr)


class SlowWriters(unittest.TestCase):
    """Peers that say too little are gone by their deadline, and at most a second later."""

    def evicted(self, server, peers, work=lambda: None):
        began = time.monotonic()
        with server.connect() as good:
            while not all(ended(peer) for peer in peers) and time.monotonic() < began + 30:
                work()
                self.assertTrue(pings(good))
                time.sleep(0.05)
        return time.monotonic() - began

    def check(self, took):
        self.assertGreaterEqual(took, DEADLINE - 0.2)
        self.assertLessEqual(took, DEADLINE + LATE)

    def test_who_says_nothing(self):
        with kv("--connection.first-byte-timeout", "1s") as server, contextlib.ExitStack() as crowd:
            self.check(self.evicted(server, [crowd.enter_context(server.connect()) for _ in range(300)]))

    def test_who_falls_silent(self):
        with kv("--connection.idle-timeout", "1s") as server, contextlib.ExitStack() as crowd:
            peers = [crowd.enter_context(server.connect()) for _ in range(300)]
            self.assertTrue(all(pings(peer) for peer in peers))
            self.check(self.evicted(server, peers))

    def test_who_trickles(self):
        with kv("--request-timeout", "1s") as server, contextlib.ExitStack() as crowd:
            peers = [crowd.enter_context(server.connect()) for _ in range(300)]

            def trickle():
                for peer in peers:
                    with contextlib.suppress(OSError):
                        peer.send(b"P")

            trickle()
            self.check(self.evicted(server, peers, trickle))


class SlowReaders(unittest.TestCase):
    def test_who_asked_in_time_may_read_late(self):
        """A request in two pieces was complete in its time: reading the answer may take longer."""
        value = os.urandom(8 << 20)
        with kv("--request-timeout", "1s") as server, socket.socket() as peer:
            with server.connect() as sets:
                sets.sendall(b"*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%d\r\n%s\r\n" % (len(value), value))
                self.assertEqual(sets.recv(5, socket.MSG_WAITALL), b"+OK\r\n")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.settimeout(10)
            peer.connect((server.host, server.port))
            peer.sendall(b"GE")
            time.sleep(0.05)  # or both pieces come as one
            peer.sendall(b"T big\r\nQUIT\r\n")
            time.sleep(2 * DEADLINE)
            self.assertEqual(e2e.receive_all(peer), b"$%d\r\n%s\r\n+OK\r\n" % (len(value), value))


if __name__ == "__main__":
    e2e.main()
