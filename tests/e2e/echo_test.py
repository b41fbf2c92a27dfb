"""myra echo: the server against the client that verifies every byte, and against a plain socket."""

import json
import os
import socket
import tempfile
import unittest

import e2e


class Echo(unittest.TestCase):
    def verify(self, server_options, *client_options):
        with e2e.echo("--stats", *server_options) as server:
            done = e2e.echo_client(server.address, *client_options)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("verified", done.stdout)
            self.assertEqual(server.stop(), 0, server.stderr())
            return json.loads(server.stderr().splitlines()[-1])

    def test_ready_line_names_the_backend(self):
        with e2e.echo() as server:
            if e2e.BACKEND == "epoll":
                self.assertRegex(server.backend, r"^epoll: .+")
            else:
                self.assertEqual(server.backend, "uring")

    def test_small_messages(self):
        stats = self.verify([], "--size", "64", "--bytes", "1MiB", "--connections", "50")
        self.assertEqual(stats["bytes_received"], 1 << 20)
        self.assertEqual(stats["bytes_sent"], 1 << 20)
        self.assertEqual(stats["accepted"], 50)

    def test_no_byte_is_copied(self):
        stats = self.verify([], "--size", "16KiB", "--bytes", "16MiB", "--connections", "4")
        self.assertEqual(stats["bytes_copied"], 0)

    def test_one_byte_messages(self):
        self.verify([], "--size", "1", "--bytes", "2000", "--connections", "3")

    def test_messages_larger_than_a_buffer(self):
        self.verify([], "--size", "1MiB", "--bytes", "64MiB", "--connections", "3")

    def test_spinning_server(self):
        self.verify(["--wait", "spin"], "--bytes", "1MiB")
        self.verify(["--wait", "spin_then_block", "--spin-time", "200us"], "--bytes", "1MiB")

    def test_threads_share_the_port(self):
        stats = self.verify(["--threads", "2"], "--connections", "40", "--bytes", "4MiB")
        self.assertEqual(stats["threads"], 2)
        self.assertEqual(stats["accepted"], 40)
        self.assertEqual(stats["bytes_sent"], 4 << 20)

    def test_one_acceptor_hands_out_what_threads_on_their_processors_serve(self):
        stats = self.verify(["--threads", "2", "--cpus", "0", "--sharing", "one_acceptor"],
                            "--connections", "40", "--bytes", "4MiB")
        self.assertEqual(stats["threads"], 2)
        self.assertEqual(stats["accepted"], 40)
        self.assertEqual(stats["bytes_sent"], 4 << 20)

    def test_many_connections(self):
        self.verify([], "--connections", "1000", "--size", "100", "--bytes", "1000000")

    def test_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "echo.sock")
            command = [e2e.MYRA, "echo", "--listen", f"unix:{path}", "--backend", e2e.BACKEND]
            with e2e.Server(command) as server:
                done = e2e.echo_client(f"unix:{path}", "--bytes", "1MiB")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(server.stop(), 0)
            self.assertFalse(os.path.exists(path), "the socket file was left behind")

    def test_ipv6(self):
        with e2e.Server([e2e.MYRA, "echo", "--listen", "[::1]:0",
                         "--backend", e2e.BACKEND]) as server:
            done = e2e.echo_client(server.address, "--bytes", "1MiB")
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_half_close_gets_all_bytes_back(self):
        sent = os.urandom(3_000_000)
        with e2e.echo() as server, server.connect() as peer:
            def send():
                peer.sendall(sent)
                peer.shutdown(socket.SHUT_WR)
            with e2e.in_thread(send):
                self.assertEqual(e2e.receive_all(peer), sent)

    def test_a_peer_that_does_not_read_stops_being_read(self):
        """Sends until the server takes no more; then everything comes back."""
        with e2e.echo() as server, server.connect() as peer:
            sent = e2e.fill(peer, bytes(1 << 16))
            peer.settimeout(10)
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(len(e2e.receive_all(peer)), sent)


class LyingServer(unittest.TestCase):
    """The client must notice what a server does wrong."""

    def failure_of(self, answer):
        with e2e.listener() as listening:
            def serve():
                peer, _ = listening.accept()
                with peer:
                    answer(peer)
            with e2e.in_thread(serve):
                done = e2e.echo_client(e2e.address_of(listening), "--connections", "1",
                                       "--bytes", "10KiB", "--size", "10KiB")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        return done.stderr

    def test_a_changed_byte(self):
        def answer(peer):
            bytes_in = bytearray(peer.recv(10240, socket.MSG_WAITALL))
            bytes_in[5000] ^= 1
            peer.sendall(bytes_in)
            peer.recv(1)
        self.assertIn("byte 5000 came back changed", self.failure_of(answer))

    def test_an_early_end(self):
        def answer(peer):
            peer.sendall(peer.recv(10240, socket.MSG_WAITALL)[:100])
        self.assertIn("byte 100 did not come back", self.failure_of(answer))

    def test_more_than_was_sent(self):
        def answer(peer):
            peer.sendall(peer.recv(10240, socket.MSG_WAITALL) + b"!")
            e2e.receive_all(peer)
        self.assertIn("came back", self.failure_of(answer))

    def test_nobody_listens(self):
        done = e2e.echo_client(f"127.0.0.1:{e2e.free_port()}", "--bytes", "1KiB")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Connection refused", done.stderr)


if __name__ == "__main__":
    e2e.main()
