"""iperf3 through myra proxy, both ways."""

import json
import subprocess
import unittest

import e2e


class Iperf3(unittest.TestCase):
    def measure(self, *options):
        """Two seconds of iperf3; its own report."""
        port = e2e.free_port()
        command = ["iperf3", "-s", "-1", "-B", "127.0.0.1", "-p", str(port)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as target:
            try:
                self.assertTrue(e2e.eventually(lambda: e2e.listens(port)))
                with e2e.proxy(f"127.0.0.1:{port}") as middle:
                    done = e2e.run(["iperf3", "-c", middle.host, "-p", str(middle.port), "-t", "2",
                                    "-J", *options], timeout=30)
                    cpu = middle.cpu_seconds()
                    self.assertEqual(middle.stop(), 0, middle.stderr())
                target.wait(10)
            finally:
                target.kill()
        report = json.loads(done.stdout)
        self.assertNotIn("error", report)
        sums = ("sum_received", "sum_received_bidir_reverse")
        received = sum(report["end"][name]["bytes"] for name in sums if name in report["end"])
        print(f"{received / 2e9:.2f} GB/s, {cpu / (received / 1e9):.3f} CPU s/GB", flush=True)
        self.assertGreater(received, 100_000_000)

    def test_forward(self):
        self.measure()

    def test_reverse(self):
        self.measure("-R")

    def test_parallel_streams_both_ways(self):
        self.measure("-P", "4", "--bidir")


if __name__ == "__main__":
    e2e.need_program("iperf3")
    e2e.main()
