"""A file of 1 GiB by curl through myra proxy: every byte is there."""

import functools
import hashlib
import http.server
import os
import random
import tempfile
import threading
import unittest

import e2e

SIZE = 1 << 30
BLOCK = 1 << 20


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def write_file(path):
    """Fills the file with blocks that all differ; returns its digest."""
    digest = hashlib.sha256()
    noise = random.Random(42).randbytes(BLOCK - 8)
    with open(path, "wb") as file:
        for number in range(SIZE // BLOCK):
            block = number.to_bytes(8, "big") + noise
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def digest_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


class Curl(unittest.TestCase):
    def test_a_file_of_1_gib(self):
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "source")
            target = os.path.join(folder, "target")
            expected = write_file(source)
            handler = functools.partial(QuietHandler, directory=folder)
            with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
                thread = threading.Thread(target=web.serve_forever, daemon=True)
                thread.start()
                try:
                    self.download(web.server_address[1], target)
                finally:
                    web.shutdown()
                    thread.join()
            self.assertEqual(os.path.getsize(target), SIZE)
            self.assertEqual(digest_of(target), expected)

    def download(self, port, target):
        with e2e.proxy(f"127.0.0.1:{port}") as middle:
            done = e2e.run(["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "60",
                            "--output", target, f"http://{middle.address}/source"], timeout=90)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(middle.stop(), 0, middle.stderr())


if __name__ == "__main__":
    e2e.need_program("curl")
    e2e.main()
