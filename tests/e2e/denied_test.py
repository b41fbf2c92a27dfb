"""io_uring denied by a seccomp filter: the same binary runs on epoll, and says so and why."""

import json
import os
import unittest

import e2e

ERRNO = os.environ.get("ERRNO", "EPERM")
WHY = {"EPERM": "seccomp", "ENOSYS": "io_uring"}[ERRNO]


def denied(*command):
    return [e2e.DENY, "--errno", ERRNO, "--", *command]


class Denied(unittest.TestCase):
    def test_probe_says_so_and_why(self):
        done = e2e.run(denied(e2e.MYRA, "probe", "--json"))
        found = json.loads(done.stdout)
        self.assertEqual(found["backend"], "epoll")
        self.assertFalse(found["uring"])
        self.assertIn(WHY, found["backend_why"])
        self.assertEqual(done.returncode, 0)
        # Nothing of io_uring is claimed to be in use.
        used = [each["name"] for each in found["features"] if each["state"] == "used"]
        self.assertEqual(used, [])

    def test_uring_by_name_is_refused(self):
        done = e2e.run(denied(e2e.MYRA, "echo", "--listen", "127.0.0.1:0", "--backend", "uring"))
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(WHY, done.stderr)

    def test_echo(self):
        server_command = denied(e2e.MYRA, "echo", "--listen", "127.0.0.1:0")
        with e2e.Server(server_command) as server:
            self.assertRegex(server.backend, f"^epoll: .*{WHY}")
            done = e2e.run(denied(e2e.MYRA, "echo", "--connect", server.address, "--bytes", "16MiB",
                                  "--connections", "100"))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("(epoll)", done.stdout)
            self.assertEqual(server.stop(), 0, server.stderr())

    def test_proxy(self):
        with e2e.echo(backend="auto") as target:
            command = denied(e2e.MYRA, "proxy", "--listen", "127.0.0.1:0", "--connect", target.address)
            with e2e.Server(command) as server:
                self.assertRegex(server.backend, f"^epoll: .*{WHY}")
                done = e2e.echo_client(server.address, "--bytes", "16MiB", backend="auto")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(server.stop(), 0, server.stderr())


if __name__ == "__main__":
    e2e.main()
