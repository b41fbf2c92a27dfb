"""myra proxy: what it passes on, and that slow peers cost bounded memory."""

import os
import socket
import struct
import time
import unittest

import e2e


def reset(peer):
    """Closes with RST."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


class Pair:
    """A client and the target's end of one connection through the proxy."""

    def __init__(self, *options):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.settimeout(10)
        self.server = e2e.proxy(e2e.address_of(self.listening), *options)
        self.client = self.server.connect()
        self.target, _ = self.listening.accept()
        self.target.settimeout(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in (self.client, self.target, self.listening):
            each.close()
        self.server.close()


class Proxy(unittest.TestCase):
    def test_verifies_through_the_proxy(self):
        with e2e.echo() as server, e2e.proxy(server.address) as middle:
            for size in ("1", "64KiB", "1MiB"):
                amount = "1000" if size == "1" else "64MiB"
                done = e2e.echo_client(middle.address, "--size", size, "--bytes", amount,
                                       "--connections", "5")
                self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(middle.stop(), 0, middle.stderr())

    def test_thousands_of_connections(self):
        with e2e.echo() as server, e2e.proxy(server.address) as middle:
            done = e2e.echo_client(middle.address, "--connections", "2000", "--size", "1KiB",
                                   "--bytes", "8MiB")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(middle.stop(), 0, middle.stderr())

    def test_half_close_of_the_client(self):
        with Pair() as pair:
            pair.client.sendall(b"question")
            pair.client.shutdown(socket.SHUT_WR)
            self.assertEqual(e2e.receive_all(pair.target), b"question")
            pair.target.sendall(b"answer, long after the end of the question")
            pair.target.shutdown(socket.SHUT_WR)
            self.assertEqual(e2e.receive_all(pair.client),
                             b"answer, long after the end of the question")

    def test_half_close_of_the_target(self):
        with Pair() as pair:
            pair.target.sendall(b"greeting")
            pair.target.shutdown(socket.SHUT_WR)
            self.assertEqual(e2e.receive_all(pair.client), b"greeting")
            pair.client.sendall(b"still talking")
            pair.client.shutdown(socket.SHUT_WR)
            self.assertEqual(e2e.receive_all(pair.target), b"still talking")

    def test_end_comes_after_bytes_that_waited(self):
        """The target reads late: the end must not overtake what the proxy holds."""
        sent = os.urandom(12_000_000)
        with Pair() as pair:
            def send():
                pair.client.sendall(sent)
                pair.client.shutdown(socket.SHUT_WR)
            with e2e.in_thread(send):
                time.sleep(0.3)
                self.assertEqual(e2e.receive_all(pair.target), sent)

    def test_reset_of_the_client_reaches_the_target(self):
        with Pair() as pair:
            pair.client.sendall(b"x")
            self.assertEqual(pair.target.recv(1), b"x")
            reset(pair.client)
            with self.assertRaises(ConnectionResetError):
                pair.target.recv(1)

    def test_reset_of_the_target_reaches_the_client(self):
        with Pair() as pair:
            pair.client.sendall(b"x")
            self.assertEqual(pair.target.recv(1), b"x")
            reset(pair.target)
            with self.assertRaises(ConnectionResetError):
                pair.client.recv(1)

    def test_nobody_at_the_target(self):
        with e2e.proxy(f"127.0.0.1:{e2e.free_port()}") as middle:
            for _ in range(3):
                with middle.connect() as client:
                    try:
                        self.assertEqual(client.recv(1), b"")
                    except ConnectionResetError:
                        pass
            self.assertTrue(e2e.eventually(lambda: "Connection refused" in middle.stderr()),
                            middle.stderr())
            self.assertEqual(middle.stop(), 0)

    def test_descriptors_come_back(self):
        with e2e.echo() as server, e2e.proxy(server.address) as middle:
            e2e.echo_client(middle.address, "--connections", "20", "--bytes", "1MiB")
            self.assertTrue(e2e.eventually(lambda: middle.socket_count() == 1),
                            f"{middle.socket_count()} sockets are open, 1 was expected")


class SlowPeers(unittest.TestCase):
    COUNT = 1000

    def test_back_pressure_reaches_the_sender(self):
        with Pair() as pair:
            sent = e2e.fill(pair.target, bytes(1 << 16))
            self.assertLess(sent, 64 << 20)
            pair.target.settimeout(10)
            pair.target.shutdown(socket.SHUT_WR)
            self.assertEqual(len(e2e.receive_all(pair.client)), sent)

    def test_who_is_paused_for_a_slow_one_is_not_idle(self):
        sent = os.urandom(20_000_000)
        with Pair("--connection.idle-timeout", "1s") as pair:
            with e2e.in_thread(lambda: (pair.target.sendall(sent), pair.target.shutdown(socket.SHUT_WR))):
                time.sleep(3)
                self.assertEqual(e2e.receive_all(pair.client), sent)

    @e2e.not_instrumented("it has memory of its own")
    def test_many_that_never_read_cost_bounded_memory(self):
        # Small kernel buffers: the bytes are to wait in the proxy. With thousands of large ones the
        # kernel as a whole runs short of memory for TCP (tcp_mem), drops what it has received, and
        # the fast connection waits for retransmissions.
        small = ("--connection.send-buffer-bytes", "128KiB")
        with e2e.listener(backlog=4096) as listening, \
                e2e.proxy(e2e.address_of(listening), *small) as middle:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 << 10)
            clients, targets = [], []
            try:
                for _ in range(self.COUNT):
                    client = socket.socket()
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    client.connect((middle.host, middle.port))
                    clients.append(client)
                    target, _ = listening.accept()
                    target.setblocking(False)
                    targets.append(target)
                before = middle.rss_bytes()
                for _ in range(40):
                    for target in targets:
                        try:
                            target.send(bytes(1 << 17))
                        except BlockingIOError:
                            pass
                    time.sleep(0.02)
                grown = middle.rss_bytes() - before
                per_connection = grown / self.COUNT
                print(f"{self.COUNT} slow clients: {per_connection / 1024:.0f} KiB each",
                      flush=True)
                self.assertLess(per_connection, 320 << 10)
                self.a_fast_one_gets_through(middle, listening)
            finally:
                for each in clients + targets:
                    each.close()

    def a_fast_one_gets_through(self, middle, listening):
        sent = os.urandom(20_000_000)
        with middle.connect() as client:
            target, _ = listening.accept()
            with target, e2e.in_thread(lambda: (target.sendall(sent), target.close())):
                self.assertEqual(e2e.receive_all(client), sent)


if __name__ == "__main__":
    e2e.main()
