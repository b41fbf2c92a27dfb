"""The example slow_work, in a network of its own: its port is always the same."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import unittest

import e2e

SLOW_WORK = os.environ.get("SLOW_WORK", "")
OWN_NETWORK = "MYRA_TEST_OWN_NETWORK"


def connect():
    with contextlib.suppress(ConnectionRefusedError):
        return socket.create_connection(("127.0.0.1", 7000), timeout=10)
    return None


@contextlib.contextmanager
def slow_work():
    with subprocess.Popen([SLOW_WORK]) as server:
        try:
            yield server
        finally:
            server.kill()


class SlowWork(unittest.TestCase):
    def test_a_signal_drops_the_jobs_that_wait(self):
        """Twenty jobs of a second each: the one under way is waited for, the others are not."""
        with slow_work() as server, contextlib.ExitStack() as ends:
            peers = []
            self.assertTrue(e2e.eventually(lambda: peers.append(connect()) or peers[-1]))
            peer = ends.enter_context(peers[-1])
            for _ in range(20):
                peer.sendall(b"olleh\n")
                time.sleep(0.02)  # or several come as one
            self.assertEqual(peer.recv(6, socket.MSG_WAITALL), b"hello\n")
            server.terminate()
            began = time.monotonic()
            self.assertEqual(server.wait(60), 0)
            self.assertLess(time.monotonic() - began, 5)


if __name__ == "__main__":
    e2e.need_root()
    for needed in ("ip", "unshare"):
        e2e.need_program(needed)
    if OWN_NETWORK not in os.environ:
        within = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        os.execvpe(within[0], [*within, sys.executable, *sys.argv], {**os.environ, OWN_NETWORK: "1"})
    e2e.main()
