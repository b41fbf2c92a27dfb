"""The metrics port of running servers: its text, what it counts, and who reads it.

promtool (Debian: prometheus) reads the older form, which is the only one that its `check metrics`
knows; the text of OpenMetrics is read by Prometheus' own strict parser (python3-prometheus-client).
"""

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import time
import unittest

import e2e

# Debian's python3, which has Debian's packages; the one that runs this may be another.
STRICT_PARSER = ["/usr/bin/python3", "-c", """
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = text_string_to_metric_families(sys.stdin.read())
json.dump({one.name: [one.type, one.unit, one.documentation] for one in families}, sys.stdout)
"""]
KV = os.environ.get("KV", "")
LOCAL = ("--metrics", "127.0.0.1:0")
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Scraped:
    """One answer of a metrics port, and its samples by name and labels."""

    def __init__(self, address, request=None):
        host, port = address.rsplit(":", 1)
        self.request = request or f"GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n"
        with socket.create_connection((host, int(port)), timeout=10) as peer:
            peer.sendall(self.request.encode())
            self.answer = e2e.receive_all(peer)
        head, self.body = self.answer.decode().split("\r\n\r\n", 1)
        lines = head.split("\r\n")
        self.status = lines[0]
        self.headers = {name.lower(): value.strip()
                        for name, value in (line.split(":", 1) for line in lines[1:])}
        self.samples = {}
        for line in self.body.splitlines() if " 200 " in self.status else ():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                self.samples[name] = float(value)

    def sum(self, name, labels=""):
        """Over all reactors."""
        pattern = re.compile(rf'{name}{{reactor="\d+"{labels}}}$')
        found = [value for sample, value in self.samples.items() if pattern.match(sample)]
        if not found:
            raise AssertionError(f"no sample {name} {labels}")
        return sum(found)


def metrics_address(server):
    """What a server prints after its ready line."""
    line = server.process.stdout.readline().rstrip("\n")
    match = re.match(r"metrics on (\S+)$", line)
    if not match:
        raise AssertionError(f"no metrics line: {line!r}, stderr: {server.stderr()}")
    return match[1]


def echo_once(server, data):
    with server.connect() as peer:
        peer.sendall(data)
        got = b""
        while len(got) < len(data):
            got += peer.recv(1 << 16)
        assert got == data


class Text(unittest.TestCase):
    def test_it_is_served_as_open_metrics(self):
        with e2e.echo(*LOCAL) as server:
            scraped = Scraped(metrics_address(server))
            self.assertEqual(scraped.status, "HTTP/1.1 200 OK")
            self.assertEqual(scraped.headers["content-type"], OPEN_METRICS)
            self.assertEqual(int(scraped.headers["content-length"]), len(scraped.body))
            self.assertTrue(scraped.body.endswith("\n# EOF\n"))
            self.assertEqual(
                scraped.samples[f'myra_reactor_info{{reactor="0",backend="{e2e.BACKEND}"}}'], 1)

    def test_the_strict_parser_reads_it(self):
        with e2e.echo(*LOCAL, "--latency", "messages", "--threads", "2") as server:
            address = metrics_address(server)
            echo_once(server, b"order" * 40)
            body = Scraped(address).body
        parsed = e2e.run(STRICT_PARSER, input=body)
        self.assertEqual(parsed.returncode, 0, parsed.stderr)
        families = json.loads(parsed.stdout)
        for name, kind, unit in (("myra_received_bytes", "counter", "bytes"),
                                 ("myra_buffers", "gauge", ""), ("myra_reactor", "info", ""),
                                 ("myra_turn_seconds", "histogram", "seconds"),
                                 ("myra_message_seconds", "histogram", "seconds")):
            self.assertEqual(families[name][:2], [kind, unit])
        for name, (_, _, documentation) in families.items():
            self.assertTrue(documentation, name)
        cut = body[:body.rindex("# EOF")]  # it is strict
        self.assertNotEqual(e2e.run(STRICT_PARSER, input=cut).returncode, 0)

    def test_promtool_finds_nothing_wrong(self):
        with e2e.echo(*LOCAL, "--latency", "turns") as server:
            address = metrics_address(server)
            scraped = Scraped(address, "GET /metrics HTTP/1.1\r\nAccept: text/plain\r\n\r\n")
        self.assertEqual(scraped.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        checked = e2e.run(["promtool", "check", "metrics"], input=scraped.body)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))
        # It does find what is wrong.
        broken = scraped.body.replace("# HELP myra_posts_total", "# HELP myra_post_total")
        self.assertNotEqual(
            e2e.run(["promtool", "check", "metrics"], input=broken).returncode, 0)

    def test_bad_requests_are_refused_and_the_server_goes_on(self):
        with e2e.echo(*LOCAL) as server:
            address = metrics_address(server)
            for request, status in (("GET / HTTP/1.1\r\n\r\n", "404"),
                                    ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
                                    ("hello\r\n\r\n", "400"),
                                    ("GET /metrics HTTP/1.1\r\nA: " + "x" * 10000, "431")):
                self.assertIn(f" {status} ", Scraped(address, request).status)
            self.assertEqual(Scraped(address).status, "HTTP/1.1 200 OK")


class Counts(unittest.TestCase):
    def test_they_agree_with_the_traffic(self):
        with e2e.echo(*LOCAL) as server:
            address = metrics_address(server)
            first = Scraped(address)
            for size in (1, 200, 70_000):
                echo_once(server, os.urandom(size))
            second = Scraped(address)

        def grown(name, labels=""):
            return second.sum(name, labels) - first.sum(name, labels)
        payload = 1 + 200 + 70_000
        # A scrape is traffic too. It shows the end of the turn before, in which its connection had
        # been accepted and its request had not been received.
        self.assertEqual(grown("myra_received_bytes_total"), payload + len(first.request))
        self.assertEqual(grown("myra_sent_bytes_total"), payload + len(first.answer))
        self.assertEqual(grown("myra_accepts_total"), 3 + 1)
        self.assertEqual(grown("myra_copied_bytes_total"), 0)
        self.assertGreaterEqual(grown("myra_received_messages_total"), 3)
        self.assertGreaterEqual(grown("myra_receive_arms_total", ',reason="first"'), 3)
        self.assertGreater(grown("myra_kernel_entries_total"), 3)
        self.assertGreater(second.sum("myra_buffers", ',state="free"'), 0)

    def test_an_echo_copies_nothing(self):
        with e2e.echo(*LOCAL) as server:
            address = metrics_address(server)
            for size in ("64", "200", "16KiB"):
                done = e2e.echo_client(server.address, "--size", size, "--bytes", "1MiB")
                self.assertEqual(done.returncode, 0, done.stderr)
            scraped = Scraped(address)
        self.assertGreaterEqual(scraped.sum("myra_received_bytes_total"), 3 << 20)
        self.assertEqual(scraped.sum("myra_copied_bytes_total"), 0)

    def test_all_reactors_are_shown_on_one_port(self):
        with e2e.echo(*LOCAL, "--threads", "3") as server:
            address = metrics_address(server)
            done = e2e.echo_client(server.address, "--connections", "40", "--bytes", "1MiB")
            self.assertEqual(done.returncode, 0, done.stderr)

            def all_is_seen():
                scraped = Scraped(address)
                return (scraped.sum("myra_sent_bytes_total") >= 1 << 20
                        and scraped.sum("myra_accepts_total") >= 40)
            self.assertTrue(e2e.eventually(all_is_seen))
            reactors = [name for name in Scraped(address).samples if "myra_reactor_info" in name]
            self.assertEqual(len(reactors), 3)
            self.assertEqual(server.stop(), 0, server.stderr())

    def test_histograms_count_turns_and_messages(self):
        with e2e.echo(*LOCAL, "--latency", "messages") as server:
            address = metrics_address(server)
            for _ in range(5):
                echo_once(server, b"order")
            scraped = Scraped(address)
        for name in ("myra_turn_seconds", "myra_message_seconds"):
            count = scraped.sum(f"{name}_count")
            self.assertGreaterEqual(count, 5)
            self.assertEqual(scraped.sum(f"{name}_bucket", r',le="\+Inf"'), count)
            self.assertGreater(scraped.sum(f"{name}_sum"), 0)
            bounds = [float(re.search('le="([^"]*)"', sample)[1]) for sample in scraped.samples
                      if sample.startswith(f"{name}_bucket")]
            self.assertEqual(bounds, sorted(bounds))

    def test_scrapes_go_on_under_load(self):
        with e2e.echo(*LOCAL) as server:
            address = metrics_address(server)
            load = subprocess.Popen([e2e.MYRA, "echo", "--connect", server.address,
                                     "--connections", "20", "--bytes", "256MiB"],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            before = -1
            for _ in range(20):
                now = Scraped(address).sum("myra_received_bytes_total")
                self.assertGreater(now, before)
                before = now
            out, errors = load.communicate(timeout=60)
            self.assertEqual(load.returncode, 0, errors)
            self.assertIn("verified", out)

    def test_a_proxy_is_counted_on_both_sides(self):
        with e2e.echo() as target, e2e.proxy(target.address, *LOCAL) as server:
            address = metrics_address(server)
            echo_once(server, b"x" * 1000)
            self.assertTrue(e2e.eventually(
                lambda: Scraped(address).sum("myra_connections_opened_total") >= 3))
            self.assertGreaterEqual(Scraped(address).sum("myra_received_bytes_total"), 2000)

    def test_the_key_value_server_has_one(self):
        command = [KV, "--listen", "127.0.0.1:0", "--backend", e2e.BACKEND, *LOCAL]
        with e2e.Server(command) as server:
            address = metrics_address(server)
            with server.connect() as peer:
                peer.sendall(b"PING\r\n")
                self.assertEqual(peer.recv(100), b"+PONG\r\n")
            self.assertGreaterEqual(Scraped(address).sum("myra_copied_bytes_total"), 7)


class Ends(unittest.TestCase):
    def test_a_scraper_that_hangs_does_not_hold_up_a_drain(self):
        with e2e.echo(*LOCAL) as server:
            host, port = metrics_address(server).rsplit(":", 1)
            with socket.create_connection((host, int(port)), timeout=10) as hanging:
                hanging.sendall(b"GET /metr")
                began = time.monotonic()
                server.signal(signal.SIGTERM)
                e2e.receive_all(hanging)
                hanging.close()
                self.assertEqual(server.wait(), 0, server.stderr())
                self.assertLess(time.monotonic() - began, 5)

    def test_an_address_that_is_taken_is_named(self):
        with e2e.listener() as taken:
            address = e2e.address_of(taken)
            done = e2e.run([e2e.MYRA, "echo", "--listen", "127.0.0.1:0", "--metrics", address])
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(address, done.stderr)
        with e2e.listener() as taken:
            address = e2e.address_of(taken)
            done = e2e.run([e2e.MYRA, "echo", "--listen", address, *LOCAL, "--threads", "2"])
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(address, done.stderr)


class Live(unittest.TestCase):
    def test_a_snapshot_when_piped(self):
        with e2e.echo(*LOCAL, "--latency", "turns") as server:
            address = metrics_address(server)
            echo_once(server, b"x" * 4321)
            done = e2e.run([e2e.MYRA, "probe", "--live", address])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("\033", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^  sent_bytes +4,321 *$")
        self.assertRegex(done.stdout, r"(?m)^  copied_bytes +0 *$")
        self.assertRegex(done.stdout, r"(?m)^  buffers free +[\d,]+ *$")
        self.assertRegex(done.stdout, r"(?m)^  turn +p50 [\d.]+ [um]s, p99 ")

    def test_as_json(self):
        with e2e.echo(*LOCAL) as server:
            address = metrics_address(server)
            done = e2e.run([e2e.MYRA, "probe", "--live", address, "--json"])
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual(told["address"], address)
        self.assertIn({"name": "myra_copied_bytes_total", "labels": {"reactor": "0"}, "value": 0},
                      told["samples"])

    def test_a_terminal_is_refreshed(self):
        with e2e.echo(*LOCAL) as server:
            address = metrics_address(server)
            leader, follower = pty.openpty()
            live = subprocess.Popen([e2e.MYRA, "probe", "--live", address, "--every", "100ms"],
                                    stdout=follower, stderr=subprocess.PIPE, text=True)
            os.close(follower)
            try:
                shown = b""
                end = time.monotonic() + 10
                while shown.count(b"\033[H") < 3 and time.monotonic() < end:
                    if select.select([leader], [], [], 1)[0]:
                        shown += os.read(leader, 1 << 16)
                self.assertGreaterEqual(shown.count(b"\033[H"), 3)
                self.assertRegex(shown.decode(), r"kernel_entries +[\d,]+ +[1-9]")
                server.kill()  # a server that is gone ends it
                end = time.monotonic() + 10
                while live.poll() is None and time.monotonic() < end:
                    if select.select([leader], [], [], 0.1)[0]:
                        try:
                            os.read(leader, 1 << 16)
                        except OSError:  # nobody writes any more
                            break
                self.assertEqual(live.wait(10), 1)
                self.assertIn(address, live.stderr.read())
            finally:
                live.kill()
                live.wait()
                live.stderr.close()
                os.close(leader)

    def test_a_port_that_is_another_is_told(self):
        with e2e.listener() as listening:
            def answer():
                peer, _ = listening.accept()
                with peer:
                    peer.recv(1 << 16)
                    peer.sendall(b"SSH-2.0-thing\r\n")
            with e2e.in_thread(answer):
                done = e2e.run([e2e.MYRA, "probe", "--live", e2e.address_of(listening)])
        self.assertEqual(done.returncode, 1)
        self.assertIn('found "SSH-2.0-thing", expected HTTP/1.1 200', done.stderr)

    def test_nobody_there(self):
        done = e2e.run([e2e.MYRA, "probe", "--live", f"127.0.0.1:{e2e.free_port()}"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("refused", done.stderr.lower())


if __name__ == "__main__":
    e2e.need_program("promtool")
    if e2e.run(STRICT_PARSER, input="# EOF\n").returncode != 0:
        e2e.skip("python3-prometheus-client is not installed")
    e2e.main()
