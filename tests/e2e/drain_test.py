"""SIGTERM under load: what was accepted is finished, and the program ends by its deadline."""

import json
import os
import random
import signal
import socket
import threading
import time
import unittest

import e2e

MESSAGE = 4096
KV = os.environ.get("KV", "")


class Talker(threading.Thread):
    """Sends messages and takes the answers until the server ends the stream."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.peer = server.connect(timeout=20)
        self.answered = 0
        self.partial = 0
        self.error = None
        self.start()

    def run(self):
        message = os.urandom(MESSAGE)
        try:
            while True:
                self.peer.sendall(message)
                answer = self.peer.recv(MESSAGE, socket.MSG_WAITALL)
                if len(answer) < MESSAGE:
                    self.partial = len(answer)
                    return
                assert answer == message
                self.answered += 1
        except BrokenPipeError:
            pass  # the end of the stream was seen before this request was sent
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.error = error
        finally:
            self.peer.close()


class EchoDrain(unittest.TestCase):
    def drain_under_load(self, number, *options):
        with e2e.echo("--stats", "--drain-deadline", "5s", *options) as server:
            talkers = [Talker(server) for _ in range(30)]
            time.sleep(0.5)
            began = time.monotonic()
            server.signal(number)
            status = server.wait()
            took = time.monotonic() - began
            for talker in talkers:
                talker.join(10)
            stats = json.loads(server.stderr().splitlines()[-1])
        self.assertEqual(status, 0)
        self.assertLess(took, 5)
        for talker in talkers:
            self.assertIsNone(talker.error)
            self.assertGreater(talker.answered, 0)
            self.assertEqual(talker.partial, 0, "an answer was cut off")
        # What was answered arrived whole; the only requests without an answer crossed the end on their way.
        answered = sum(talker.answered for talker in talkers) * MESSAGE
        self.assertEqual(stats["bytes_sent"], answered)
        self.assertLessEqual(stats["bytes_received"], answered + len(talkers) * MESSAGE)

    def test_sigterm(self):
        self.drain_under_load(signal.SIGTERM)

    def test_sigint(self):
        self.drain_under_load(signal.SIGINT)

    def test_threads(self):
        self.drain_under_load(signal.SIGTERM, "--threads", "2")

    def test_new_connections_are_refused(self):
        with e2e.echo("--drain-deadline", "3s") as server, server.connect() as stays:
            stays.sendall(b"x")
            self.assertEqual(stays.recv(1), b"x")
            address = (server.host, server.port)
            server.signal()
            self.assertEqual(stays.recv(1), b"")
            stays.close()
            server.wait()
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(address, timeout=2)

    def test_a_peer_that_reads_late_gets_an_unbroken_stream(self):
        """Back-pressure in both directions when the signal comes: what comes back has no hole."""
        pattern = random.Random(7).randbytes(1 << 24)
        with e2e.echo("--drain-deadline", "10s") as server, server.connect() as peer:
            sent = e2e.fill(peer, pattern)
            server.signal()
            time.sleep(0.2)
            peer.settimeout(10)
            peer.shutdown(socket.SHUT_WR)
            back = e2e.receive_all(peer)
            self.assertGreater(len(back), 0)
            self.assertEqual(back, (pattern * (sent // len(pattern) + 1))[:len(back)])
            self.assertEqual(server.wait(), 0)

    def test_a_peer_that_never_reads_is_cut_at_the_deadline(self):
        with e2e.echo("--drain-deadline", "1s") as server, server.connect() as peer:
            e2e.fill(peer, bytes(1 << 16))
            began = time.monotonic()
            self.assertEqual(server.stop(), 1)
            self.assertLess(time.monotonic() - began, 3)


class Pipeliner(threading.Thread):
    """Sends requests in rows and takes the replies, until the server ends the stream."""

    ROW = 50
    REPLY = b"+PONG\r\n"

    def __init__(self, server):
        super().__init__(daemon=True)
        self.peer = server.connect(timeout=20)
        self.rows = 0
        self.last = b""
        self.error = None
        self.start()

    def run(self):
        try:
            while True:
                self.peer.sendall(b"PING\r\n" * self.ROW)
                self.last = self.peer.recv(len(self.REPLY) * self.ROW, socket.MSG_WAITALL)
                if len(self.last) < len(self.REPLY) * self.ROW:
                    return
                self.rows += 1
        except BrokenPipeError:
            pass  # the end of the stream was seen before this row was sent
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.error = error
        finally:
            self.peer.close()


@unittest.skipUnless(KV, "KV is not set")
class KvDrain(unittest.TestCase):
    def test_every_accepted_request_is_answered_whole(self):
        command = [KV, "--listen", "127.0.0.1:0", "--backend", e2e.BACKEND, "--drain-deadline", "5s"]
        with e2e.Server(command) as server:
            clients = [Pipeliner(server) for _ in range(20)]
            time.sleep(0.5)
            began = time.monotonic()
            self.assertEqual(server.stop(), 0, server.stderr())
            self.assertLess(time.monotonic() - began, 5)
            for client in clients:
                client.join(10)
        for client in clients:
            self.assertIsNone(client.error, "a reset instead of an end")
            self.assertGreater(client.rows, 0)
            # Of a row that crossed the end, the part that was accepted has its replies.
            self.assertEqual(client.last, client.REPLY * (len(client.last) // len(client.REPLY)))


def connecting_to(port):
    """Whether somebody's connect to that port has not been answered."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table][1:]
    return any(row[2].endswith(f":{port:04X}") and row[3] == "02" for row in rows)


class ProxyDrain(unittest.TestCase):
    def test_a_request_under_way_is_finished(self):
        """The proxy has the question and not yet the answer when the signal comes."""
        with e2e.listener() as listening, \
                e2e.proxy(e2e.address_of(listening), "--drain-deadline", "10s") as middle:
            with middle.connect() as client:
                client.sendall(b"question")
                target, _ = listening.accept()
                with target:
                    self.assertEqual(target.recv(8, socket.MSG_WAITALL), b"question")
                    middle.signal()
                    time.sleep(0.3)
                    answer = os.urandom(5_000_000)
                    with e2e.in_thread(lambda: (target.sendall(answer), target.close())):
                        self.assertEqual(e2e.receive_all(client), answer)
            self.assertEqual(middle.wait(), 0, middle.stderr())

    def test_a_target_that_is_still_dialled_gets_the_request(self):
        """Its queue is full when the signal comes; it accepts afterwards."""
        with e2e.listener(backlog=0) as listening, \
                e2e.proxy(e2e.address_of(listening), "--drain-deadline", "10s") as middle, \
                socket.create_connection(listening.getsockname()), middle.connect() as client:
            client.sendall(b"question")
            self.assertTrue(e2e.eventually(lambda: connecting_to(listening.getsockname()[1])))
            middle.signal()
            time.sleep(0.3)
            listening.accept()[0].close()
            target, _ = listening.accept()
            with target:
                self.assertEqual(target.recv(8, socket.MSG_WAITALL), b"question")
                target.sendall(b"answer")
            self.assertEqual(e2e.receive_all(client), b"answer")
            client.close()
            self.assertEqual(middle.wait(), 0, middle.stderr())

    def test_an_idle_connection_is_cut_at_the_deadline(self):
        with e2e.listener() as listening, \
                e2e.proxy(e2e.address_of(listening), "--drain-deadline", "1s") as middle:
            with middle.connect():
                target, _ = listening.accept()
                with target:
                    began = time.monotonic()
                    self.assertEqual(middle.stop(), 1)
                    self.assertLess(time.monotonic() - began, 3)


if __name__ == "__main__":
    e2e.main()
