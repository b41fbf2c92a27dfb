"""The soak's client: what it tells of a server that does wrong."""

import json
import os
import subprocess
import threading
import unittest

import soak

HANGS_SECONDS = 10 * max(1.0, float(os.environ.get("MYRA_TIME_FACTOR", "1")))


class Client(unittest.TestCase):
    def test_a_stream_that_hangs_is_told_before_the_end(self):
        """The server takes connections and answers nothing; the client is killed, as a soak's are."""
        with soak.e2e.listener(backlog=4096) as listening:
            host, port = listening.getsockname()
            client = subprocess.Popen([os.environ["SOAK_CLIENT"], host, str(port), "20", "600", "1"],
                                      stdout=subprocess.PIPE, text=True)
            killer = threading.Timer(HANGS_SECONDS + 5, client.kill)
            killer.start()
            lines = client.communicate()[0].splitlines()
            killer.join()
        told = json.loads([line for line in lines if line.endswith("}")][-1])
        self.assertGreater(told["ended_early"], 0, told)
        self.assertEqual(told["bytes_verified"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
