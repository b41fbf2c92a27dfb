"""What a profile says about copies: callgrind (valgrind) sees every call of copy_payload, the one
function that copies payload.

An echo of small and of order-sized messages calls it never, and neither does a feed of orders in
frames. The key-value server, whose replies are copied into the queue, shows that a call would be
seen.
"""

import os
import re
import tempfile
import unittest

import e2e

KV = os.environ.get("KV", "")
FEED = os.environ.get("FEED", "")  # not built where the schema compiler is not
COPY = "myra::copy_payload("
e2e.START_SECONDS = 60  # a program runs some fifty times slower

# "fn=(12) name" names a function, or "cfn=" when it is called; later ones give the number alone.
NAMED = re.compile(r"^c?fn=\(\d+\) (.*)$", re.MULTILINE)


def functions_called(command, run):
    """The names of all functions that ran in a program, which `run` starts and waits for."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "callgrind.out")
        run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command])
        with open(out) as profile:
            return set(NAMED.findall(profile.read()))


def functions_called_in_server(command, drive):
    """The same of a server, while `drive` talked with it."""
    def run(wrapped):
        with e2e.Server([*wrapped, "--listen", "127.0.0.1:0",
                         "--backend", e2e.BACKEND]) as server:
            drive(server)
            server.signal()
            status = server.wait(60)
            if status != 0:
                raise AssertionError(f"{wrapped} ended with {status}: {server.stderr()}")
    return functions_called(command, run)


def talk(server, request, answer_size, times):
    with server.connect(timeout=60) as peer:
        for _ in range(times):
            peer.sendall(request)
            got = 0
            while got < answer_size:
                got += len(peer.recv(1 << 16))


class Copies(unittest.TestCase):
    def test_an_echo_never_calls_the_function_that_copies(self):
        def drive(server):
            for size in (1, 64, 204):  # 204: an order of 200 bytes behind its length
                talk(server, os.urandom(size), size, 200)
                talk(server, os.urandom(size * 16), size * 16, 50)
        called = functions_called_in_server([e2e.MYRA, "echo"], drive)
        self.assertTrue(any("connection::send(" in name for name in called), "no profile of an echo")
        self.assertEqual([name for name in called if COPY in name], [])

    def test_orders_in_frames_never_call_it(self):
        if not FEED:
            self.skipTest("order-book-feed is not built")

        def run(wrapped):
            done = e2e.run(wrapped, timeout=60)
            if done.returncode != 0:
                raise AssertionError(f"{wrapped} ended with {done.returncode}: {done.stderr}")
        backend = "epoll" if e2e.BACKEND == "epoll" else "automatic"
        called = functions_called([FEED, "300", backend], run)
        self.assertTrue(any("frame_reader" in name or "stream::" in name for name in called),
                        "no profile of a feed")
        self.assertEqual([name for name in called if COPY in name], [])

    def test_one_that_copies_is_seen_to(self):
        called = functions_called_in_server(
            [KV], lambda server: talk(server, b"PING\r\n", 7, 20))
        self.assertNotEqual([name for name in called if COPY in name], [])


if __name__ == "__main__":
    e2e.need_not_instrumented("valgrind cannot run it")
    e2e.need_program("valgrind")
    e2e.main()
