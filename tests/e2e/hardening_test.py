"""What a server can do is what docs/security.md says: its system calls, its ring, its descriptors."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import unittest

import e2e

KV = os.environ.get("KV", "")
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "security.md"
WHO = {"uring": "io_uring", "epoll": "epoll"}[e2e.BACKEND]
CLOSE_ON_EXEC = 0o2000000


def published_calls():
    """The system calls of the page that concern this backend, the program's start included."""
    rows = re.findall(r"^\| `(\w+)` \| (both|io_uring|epoll|start) \|", PAGE.read_text(), re.MULTILINE)
    return [call for call, who in rows if who in ("both", "start", WHO)]


def confined(calls, *command):
    return [e2e.DENY, "--only", ",".join(calls), "--", *command]


def servers():
    yield [e2e.MYRA, "echo", "--listen", "127.0.0.1:0", "--backend", e2e.BACKEND]
    yield [e2e.MYRA, "echo", "--listen", "127.0.0.1:0", "--backend", e2e.BACKEND, "--threads", "2"]
    if e2e.BACKEND == "uring":
        yield [e2e.MYRA, "echo", "--listen", "127.0.0.1:0", "--backend", "uring",
               "--reactor.ring.sockets-only"]
    yield [KV, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--backend", e2e.BACKEND]


def exchange(server, size):
    """A conversation both kinds of server have an answer to, and every way to end it."""
    line = b"PING " + b"x" * size + b"\r\n"
    with server.connect() as peer:
        peer.sendall(line)
        answer = peer.recv(len(line) - 5, socket.MSG_WAITALL)
        assert b"x" * 8 in answer, answer[:64]
        if size % 3 == 0:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif size % 3 == 1:
            peer.shutdown(socket.SHUT_WR)
            e2e.receive_all(peer)


def descriptors(pid):
    """Number, target and flags of each descriptor of a process beyond the standard three."""
    for number in sorted(os.listdir(f"/proc/{pid}/fd"), key=int):
        if int(number) > 2:
            with contextlib.suppress(FileNotFoundError):  # closed since it was listed
                target = os.readlink(f"/proc/{pid}/fd/{number}")
                with open(f"/proc/{pid}/fdinfo/{number}") as file:
                    flags = int(re.search(r"^flags:\s+(\d+)$", file.read(), re.MULTILINE)[1], 8)
                yield number, target, flags


class SystemCalls(unittest.TestCase):
    @e2e.not_instrumented("it makes system calls of its own")
    def test_the_published_ones_are_enough(self):
        for command in servers():
            with self.subTest(command=command), e2e.Server(confined(published_calls(), *command)) as server:
                for size in (16, 17, 18, 4096, 40_000):
                    exchange(server, size)
                self.assertEqual(server.stop(), 0, server.stderr())

    def test_any_other_ends_the_process(self):
        """The filter filters: mkdir(2) is not among them."""
        done = e2e.run(confined(published_calls(), "/bin/mkdir", "/tmp"))
        self.assertEqual(done.returncode, -signal.SIGSYS)

    def test_a_list_that_lacks_one_ends_the_server(self):
        lacks = {"uring": "io_uring_enter", "epoll": "epoll_wait"}[e2e.BACKEND]
        calls = [call for call in published_calls() if call != lacks]
        done = e2e.run(confined(calls, *next(servers())))
        self.assertEqual(done.returncode, -signal.SIGSYS)

    def test_no_call_is_listed_twice(self):
        calls = published_calls()
        self.assertGreater(len(calls), 40)
        self.assertEqual(len(calls), len(set(calls)))


class Descriptors(unittest.TestCase):
    def test_none_is_inherited(self):
        for command in servers():
            with self.subTest(command=command), e2e.Server(command) as server, contextlib.ExitStack() as peers:
                for _ in range(10):
                    peer = peers.enter_context(server.connect())
                    peer.sendall(b"PING x\r\n")
                    self.assertTrue(peer.recv(1))
                found = list(descriptors(server.process.pid))
                self.assertGreater(len(found), 2)
                for number, target, flags in found:
                    self.assertTrue(flags & CLOSE_ON_EXEC, f"{number} -> {target}: flags {flags:o}")

    def test_the_check_sees_one_that_would_be(self):
        """The same look at a program that does leak."""
        end, other = os.pipe()
        os.set_inheritable(end, True)
        with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
            try:
                flags = {number: flags for number, _, flags in descriptors(child.pid)}
                self.assertIn(str(end), flags)
                self.assertFalse(flags[str(end)] & CLOSE_ON_EXEC)
            finally:
                child.kill()
        os.close(end)
        os.close(other)


if __name__ == "__main__":
    e2e.main()
