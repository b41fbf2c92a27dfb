"""An ordinary user with little memory that may be locked: Myra works, smaller, and names the limit."""

import json
import os
import shutil
import tempfile
import unittest

import e2e

USER = "65534"


class Memlock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # The build folder may be closed to other users.
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        os.chmod(cls.folder.name, 0o755)
        cls.myra = shutil.copy(e2e.MYRA, cls.folder.name)

    def limited(self, limit, *command):
        return [e2e.DENY, "--memlock", str(limit), "--user", USER, "--", self.myra, *command]

    def serve(self, limit, *options):
        with e2e.Server(self.limited(limit, "echo", "--listen", "127.0.0.1:0", *options),
                        cwd="/") as server:
            done = e2e.echo_client(server.address, "--bytes", "16MiB", "--connections", "200",
                                   backend="auto")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(server.stop(), 0, server.stderr())
            return server.backend, server.stderr()

    def expect_limit_and_need(self, text, limit_kib):
        self.assertRegex(text, rf"RLIMIT_MEMLOCK is {limit_kib} KiB")
        self.assertRegex(text, r"needs about \d+ KiB")

    def test_64_kib(self):
        backend, said = self.serve(64 * 1024)
        if backend != "uring":
            self.assertRegex(backend, "^epoll: ")
            said = backend
        self.expect_limit_and_need(said, 64)

    def test_none(self):
        backend, said = self.serve(0)
        if backend == "uring":  # a kernel that does not charge rings to the limit
            return
        self.expect_limit_and_need(backend, 0)

    def test_probe_names_the_limit(self):
        found = json.loads(e2e.run(self.limited(0, "probe", "--json"), cwd="/").stdout)
        self.assertEqual(found["limits"]["locked_memory_bytes"], 0)
        if found["backend"] == "epoll":
            self.expect_limit_and_need(found["backend_why"], 0)

    def test_ordinary_limit(self):
        """8 MiB, as most systems have it."""
        self.serve(8 << 20)


if __name__ == "__main__":
    e2e.need_root()
    e2e.main()
