"""The DNS example, asked by dig and driven by dnsperf."""

import os
import signal
import socket
import struct
import tempfile
import unittest

import e2e

DNS = os.environ.get("DNS", "")

ZONE = """
example.test       SOA   ns.example.test
www.example.test   A     192.0.2.1
www.example.test   A     192.0.2.2
www.example.test   AAAA  2001:db8::1
example.test       TXT   answered by Myra
""" + "".join(f"many.example.test A 198.51.100.{i}\n" for i in range(40)) \
    + "".join(f"host{i}.example.test A 203.0.113.{i % 256}\n" for i in range(500))

QUESTIONS = "".join(f"host{i}.example.test A\n" for i in range(500)) \
    + "www.example.test AAAA\nexample.test TXT\nnone.example.test A\nmany.example.test A\n"


class DnsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.zone = self.file("zone", ZONE)

    def file(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def server(self, *options, listen="127.0.0.1:0"):
        server = e2e.Server([DNS, "--listen", listen, "--backend", e2e.BACKEND,
                             "--zone", self.zone, *options])
        self.addCleanup(server.close)
        return server

    def dig(self, server, *question):
        host = server.host.strip("[]")
        done = e2e.run(["dig", f"@{host}", "-p", str(server.port), "+tries=2", "+time=3",
                        *question])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_dig_is_answered(self):
        e2e.need_program("dig")
        server = self.server()
        self.assertEqual(sorted(self.dig(server, "+short", "www.example.test", "A").split()),
                         ["192.0.2.1", "192.0.2.2"])
        self.assertEqual(self.dig(server, "+short", "WWW.Example.TEST", "AAAA").strip(),
                         "2001:db8::1")
        self.assertEqual(self.dig(server, "+short", "example.test", "TXT").strip(),
                         '"answered by Myra"')
        whole = self.dig(server, "www.example.test", "A")
        self.assertRegex(whole, r"flags: qr aa rd;")
        self.assertRegex(whole, r"EDNS: version: 0")
        nothing = self.dig(server, "none.example.test", "A")
        self.assertIn("status: NXDOMAIN", nothing)
        self.assertRegex(nothing, r"example\.test\.\s+300\s+IN\s+SOA\s+ns\.example\.test\.")
        self.assertIn("status: REFUSED", self.dig(server, "example.com", "A"))
        self.assertIn("ANSWER: 0", self.dig(server, "www.example.test", "MX"))

    def test_dig_is_told_what_did_not_fit(self):
        e2e.need_program("dig")
        server = self.server()
        short = self.dig(server, "+noedns", "+ignore", "many.example.test", "A")
        self.assertRegex(short, r"flags: qr aa tc rd;")
        roomy = self.dig(server, "+ignore", "many.example.test", "A")
        self.assertIn("ANSWER: 40", roomy)

    def test_dig_over_ipv6(self):
        e2e.need_program("dig")
        server = self.server(listen="[::1]:0")
        self.assertEqual(self.dig(server, "+short", "www.example.test", "AAAA").strip(),
                         "2001:db8::1")

    def test_dnsperf_loses_nothing(self):
        e2e.need_program("dnsperf")
        server = self.server()
        questions = self.file("questions", QUESTIONS)
        rounds = 40
        done = e2e.run(["dnsperf", "-s", "127.0.0.1", "-p", str(server.port), "-d", questions,
                        "-n", str(rounds), "-c", "8", "-q", "200", "-e", "-t", "5"], timeout=100)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        count = rounds * QUESTIONS.count("\n")
        self.assertRegex(done.stdout, rf"Queries sent:\s+{count}\b")
        self.assertRegex(done.stdout, rf"Queries completed:\s+{count} \(100.00%\)")
        self.assertRegex(done.stdout, r"Queries lost:\s+0 ")
        self.assertRegex(done.stdout, rf"NXDOMAIN {rounds} ")
        self.assertEqual(server.stop(), 0)
        told = server.process.stdout.read()
        self.assertRegex(told, rf"{count} questions, {count} answers, 0 dropped")

    def test_rubbish_harms_nobody(self):
        server = self.server()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.settimeout(5)
            peer.connect(("127.0.0.1", server.port))
            for size in (0, 1, 11, 12, 100, 1500, 40_000):
                peer.send(b"\x00" * size)
                peer.send(b"\xff" * size)
            question = struct.pack(">HHHHHH", 77, 0, 1, 0, 0, 0) \
                + b"\x03www\x07example\x04test\x00\x00\x01\x00\x01"
            peer.send(question)
            while (reply := peer.recv(4096))[:2] != b"\x00\x4d":
                self.assertEqual(reply[3] & 0xF, 1, "what is not well formed is told so")
            self.assertEqual(struct.unpack(">H", reply[6:8]), (2,))

    def test_wrong_zones_are_refused_with_their_line(self):
        bad = self.file("bad", "example.test SOA ns.example.test\nx.example.test A nonsense\n")
        done = e2e.run([DNS, "--listen", "127.0.0.1:0", "--zone", bad])
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"^myra-dns: .*bad:2: found no IPv4 address")

    def test_a_signal_ends_it(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.server()
            # An answer shows that it has begun to wait for signals.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                peer.settimeout(5)
                peer.sendto(bytes(12), ("127.0.0.1", server.port))
                peer.recv(512)
            server.signal(number)
            self.assertEqual(server.wait(), 0)


if __name__ == "__main__":
    e2e.main()
