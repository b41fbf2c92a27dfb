"""The key-value example, driven as Redis is: by its own clients, beside its own server, and badly."""

import contextlib
import os
import random
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import e2e

KV = os.environ.get("KV", "")

INTEGER = b"-ERR value is not an integer or out of range\r\n"
SYNTAX = b"-ERR syntax error\r\n"
OK = b"+OK\r\n"
NIL = b"$-1\r\n"

# A session: what is sent, what is to come back. Redis is held to the same list where it is there.
SESSION = [
    ("ping", b"+PONG\r\n"), ("PING hello", b"$5\r\nhello\r\n"),
    ("ping a b", b"-ERR wrong number of arguments for 'ping' command\r\n"),
    ("echo hey", b"$3\r\nhey\r\n"), ("echo", b"-ERR wrong number of arguments for 'echo' command\r\n"),
    ("nosuch", b"-ERR unknown command 'nosuch', with args beginning with: \r\n"),
    ("nosuch a 'b c'", b"-ERR unknown command 'nosuch', with args beginning with: 'a' 'b c' \r\n"),
    ("get k", NIL), ("set k v", OK), ("get k", b"$1\r\nv\r\n"), ("type k", b"+string\r\n"),
    ("type none", b"+none\r\n"), ("get", b"-ERR wrong number of arguments for 'get' command\r\n"),
    ("get a b", b"-ERR wrong number of arguments for 'get' command\r\n"),
    ("set k", b"-ERR wrong number of arguments for 'set' command\r\n"),
    ("set k w nx", NIL), ("set k w xx", OK), ("set n w xx", NIL), ("set n w nx", OK),
    ("set k v nx xx", SYNTAX), ("set k v xx nx", SYNTAX), ("set k v ex", SYNTAX),
    ("set k v bogus", SYNTAX), ("set k v ex 5 px 5", SYNTAX), ("set k v ex x", INTEGER),
    ("set k v ex 0", b"-ERR invalid expire time in 'set' command\r\n"),
    ("set k v px -5", b"-ERR invalid expire time in 'set' command\r\n"),
    ("set k v ex 9223372036854775807", b"-ERR invalid expire time in 'set' command\r\n"),
    ("get k", b"$1\r\nw\r\n"), ("ttl k", b":-1\r\n"), ("ttl none", b":-2\r\n"),
    ("set k v ex 100", OK), ("ttl k", b":100\r\n"), ("set k v px 100000 nx", NIL),
    ("set k v px 50000", OK), ("ttl k", b":50\r\n"), ("set k v", OK), ("ttl k", b":-1\r\n"),
    ("expire k 70", b":1\r\n"), ("ttl k", b":70\r\n"), ("expire none 70", b":0\r\n"),
    ("expire k x", INTEGER), ("expire k", b"-ERR wrong number of arguments for 'expire' command\r\n"),
    ("expire k 9223372036854775807", b"-ERR invalid expire time in 'expire' command\r\n"),
    ("expire k 0", b":1\r\n"), ("get k", NIL), ("set k v", OK), ("expire k -1", b":1\r\n"),
    ("exists k", b":0\r\n"),
    ("incr c", b":1\r\n"), ("incrby c 41", b":42\r\n"), ("get c", b"$2\r\n42\r\n"),
    ("incrby c -50", b":-8\r\n"), ("incrby c 1.5", INTEGER), ("set c text", OK), ("incr c", INTEGER),
    ("set c 9223372036854775807", OK),
    ("incr c", b"-ERR increment or decrement would overflow\r\n"),
    ("set c ' 1'", OK), ("incr c", INTEGER), ("set c 01", OK), ("incr c", INTEGER),
    ("set c 5 ex 100", OK), ("incr c", b":6\r\n"), ("ttl c", b":100\r\n"),
    ("mset a 1 b 2 a 3", OK), ("mset a 1 b", b"-ERR wrong number of arguments for 'mset' command\r\n"),
    ("mget a none b", b"*3\r\n$1\r\n3\r\n$-1\r\n$1\r\n2\r\n"),
    ("exists a b a none", b":3\r\n"), ("del a none b", b":2\r\n"), ("del a", b":0\r\n"),
    ("dbsize", b":2\r\n"), ("select 0", OK), ("select x", INTEGER), ("select 99",
                                                                  b"-ERR DB index is out of range\r\n"),
    ("client getname", NIL), ("client setname me", OK), ("client getname", b"$2\r\nme\r\n"),
    ("client setname 'a b'",
     b"-ERR Client names cannot contain spaces, newlines or special characters.\r\n"),
    ("client", b"-ERR wrong number of arguments for 'client' command\r\n"),
    ("client bogus", b"-ERR unknown subcommand 'bogus'. Try CLIENT HELP.\r\n"),
    ("client id x", b"-ERR wrong number of arguments for 'client|id' command\r\n"),
    ("config get save", b"*2\r\n$4\r\nsave\r\n$0\r\n\r\n"), ("config get bogus", b"*0\r\n"),
    ("config get appendonly", b"*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n"),
    ("config", b"-ERR wrong number of arguments for 'config' command\r\n"),
    ("hello 9", b"-NOPROTO unsupported protocol version\r\n"),
    ("hello x", b"-ERR Protocol version is not an integer or out of range\r\n"),
    ("hello 2 bogus", b"-ERR Syntax error in HELLO option 'bogus'\r\n"),
    ("flushall bogus", SYNTAX), ("flushall", OK), ("dbsize", b":0\r\n"), ("flushall async", OK),
]

# What breaks the protocol: the connection ends after this reply.
BROKEN = [
    (b"*1\r\n+4\r\nPING\r\n", b"-ERR Protocol error: expected '$', got '+'\r\n"),
    (b"*x\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*99999999999\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*1\r\n$-5\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$x\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$99999999999\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b'echo "unbalanced\r\n', b"-ERR Protocol error: unbalanced quotes in request\r\n"),
    (b"x" * 70_000, b"-ERR Protocol error: too big inline request\r\n"),
    (b"*" + b"1" * 70_000, b"-ERR Protocol error: too big mbulk count string\r\n"),
    (b"*1\r\n$" + b"1" * 70_000, b"-ERR Protocol error: too big bulk count string\r\n"),
]


def words(line):
    """The words of a line; '...' holds blanks."""
    return [quoted or plain for quoted, plain in re.findall(r"'([^']*)'|(\S+)", line)]


def command(*parts):
    """The request with these arguments, as clients send it."""
    data = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in data)


def kv(*options):
    # Some cases look at the server's memory, which is not to be what AddressSanitizer, where the
    # build has it, holds back of freed memory.
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"
    return e2e.Server([KV, "--listen", "127.0.0.1:0", "--backend", e2e.BACKEND, *options],
                      env={**os.environ, "ASAN_OPTIONS": sanitizer})


class Client:
    """A connection that reads whole replies, as bytes."""

    def __init__(self, address, **more):
        self.socket = socket.create_connection(address, timeout=20, **more)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def reply(self):
        line = self.stream.readline()
        if line[:1] == b"$" and line != NIL:
            return line + self.stream.read(int(line[1:]) + 2)
        if line[:1] == b"*":
            return line + b"".join(self.reply() for _ in range(int(line[1:])))
        return line

    def ask(self, *parts):
        self.send(command(*parts))
        return self.reply()

    def facts(self):
        lines = self.ask("info").decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def close(self):
        self.stream.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def client_of(server):
    return Client((server.host, server.port))


@contextlib.contextmanager
def redis_server():
    """The address of a redis-server of our own."""
    port = e2e.free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--io-threads", "1"],
            cwd=folder, stdout=subprocess.DEVNULL)
        try:
            if not e2e.eventually(lambda: e2e.listens(port)):
                raise AssertionError("redis-server did not start")
            yield ("127.0.0.1", port)
        finally:
            process.terminate()
            process.wait(10)


class Case(unittest.TestCase):
    options = ()

    def setUp(self):
        self.server = self.enterContext(kv(*self.options))
        self.peer = self.enterContext(client_of(self.server))

    def another(self):
        return self.enterContext(client_of(self.server))


class Replies(Case):
    def check_session(self, peer):
        for line, wanted in SESSION:
            with self.subTest(line):
                self.assertEqual(peer.ask(*words(line)), wanted)

    def check_broken(self, address):
        for data, wanted in BROKEN:
            with self.subTest(data[:20]), Client(address) as peer:
                peer.send(command("ping") + data)
                self.assertEqual(e2e.receive_all(peer.socket), b"+PONG\r\n" + wanted)

    def test_every_command_and_its_errors(self):
        self.check_session(self.peer)

    def test_a_broken_protocol_is_told_and_the_connection_ends(self):
        self.check_broken((self.server.host, self.server.port))
        self.assertEqual(self.peer.ask("ping"), b"+PONG\r\n")

    @unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
    def test_redis_itself_says_the_same(self):
        with redis_server() as address:
            with Client(address) as peer:
                self.check_session(peer)
            self.check_broken(address)

    @unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
    def test_random_commands_beside_redis(self):
        seed = random.randrange(1 << 32)
        draw = random.Random(seed)
        keys = ["a", "b", "counter", "", "key with blanks"]
        values = ["1", "-7", "text", "", "x" * 3000, "x" * 20_000, "9223372036854775806"]
        forms = [
            lambda: ("get", draw.choice(keys)), lambda: ("incr", draw.choice(keys)),
            lambda: ("set", draw.choice(keys), draw.choice(values)),
            lambda: ("set", draw.choice(keys), draw.choice(values), draw.choice(["nx", "xx"])),
            lambda: ("set", draw.choice(keys), draw.choice(values), "ex", 1000),
            lambda: ("incrby", draw.choice(keys), draw.choice(values)),
            lambda: ("del", *draw.sample(keys, 2)), lambda: ("mget", *draw.choices(keys, k=4)),
            lambda: ("mset", draw.choice(keys), draw.choice(values), draw.choice(keys), "2"),
            lambda: ("expire", draw.choice(keys), draw.choice([1000, 0])),
            lambda: ("exists", *draw.choices(keys, k=3)), lambda: ("dbsize",),
        ]
        requests = [draw.choice(forms)() for _ in range(3000)]
        with redis_server() as address, Client(address) as reference:
            for begin in range(0, len(requests), 50):
                batch = requests[begin:begin + 50]
                for peer in (self.peer, reference):
                    peer.send(b"".join(command(*request) for request in batch))
                for request in batch:
                    self.assertEqual(self.peer.reply(), reference.reply(), (seed, request))

    def test_what_only_a_server_knows_of_itself(self):
        facts = self.peer.facts()
        self.assertEqual(facts["backend"], e2e.BACKEND)
        self.assertTrue(facts["backend_reason"])
        self.assertEqual(facts["connected_clients"], "1")
        self.assertGreater(int(facts["kernel_entries"]), 0)
        self.assertEqual(self.peer.ask("select", 1), b"-ERR DB index is out of range\r\n")
        self.assertEqual(self.peer.ask("hello", 3), b"-NOPROTO unsupported protocol version\r\n")
        self.assertIn(b"proto\r\n:2\r\n", self.peer.ask("hello", 2))
        self.assertRegex(self.peer.ask("client", "list"), rb"id=\d+ addr=127.0.0.1:\d+ name= ")
        count = int(self.peer.ask("command", "count")[1:])
        self.assertEqual(self.peer.ask("command").count(b"*6\r\n"), count)

    def test_quit(self):
        self.peer.send(command("ping") + command("quit") + command("ping"))
        self.assertEqual(e2e.receive_all(self.peer.socket), b"+PONG\r\n+OK\r\n")

    def test_inline_commands_and_a_half_closed_connection(self):
        self.peer.send(b"set greeting 'hello world'\r\nget greeting\n")
        self.peer.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(e2e.receive_all(self.peer.socket), b"+OK\r\n$11\r\nhello world\r\n")


class Pieces(Case):
    PIPELINE = (command("set", "k", b"a\r\nb") + command("get", "k") + b"PING\r\n" + command("incr", "n")
                + command("mget", "k", "none") + command("del", "k", "n"))
    ANSWERS = OK + b"$4\r\na\r\nb\r\n" + b"+PONG\r\n" + b":1\r\n" + b"*2\r\n$4\r\na\r\nb\r\n$-1\r\n" + b":2\r\n"

    def check(self, pieces):
        for piece in pieces:
            self.peer.send(piece)
            time.sleep(0.0005)  # so that they arrive apart, mostly
        self.assertEqual(self.peer.stream.read(len(self.ANSWERS)), self.ANSWERS)

    def test_a_pipeline_cut_at_every_byte(self):
        for cut in range(1, len(self.PIPELINE)):
            with self.subTest(cut):
                self.check([self.PIPELINE[:cut], self.PIPELINE[cut:]])

    def test_one_byte_at_a_time(self):
        self.check([self.PIPELINE[at:at + 1] for at in range(len(self.PIPELINE))])

    def test_values_of_all_sizes(self):
        for size in (0, 1, 255, 256, 4095, 8191, 8192, 16_383, 16_384, 100_000, 8 << 20):
            value = os.urandom(size)
            self.assertEqual(self.peer.ask("set", "k", value), OK)
            self.assertEqual(self.peer.ask("get", "k"), b"$%d\r\n%s\r\n" % (size, value))
            self.assertEqual(self.peer.ask("echo", value), b"$%d\r\n%s\r\n" % (size, value))


class Limits(Case):
    options = ("--value-max", "100000", "--key-max", "100", "--clients-max", "10")

    def test_a_long_value_is_refused_before_it_is_sent(self):
        self.assertEqual(self.peer.ask("set", "k", b"x" * 100_000), OK)
        self.peer.send(b"*3\r\n$3\r\nset\r\n$1\r\nk\r\n$100001\r\n")
        self.assertEqual(e2e.receive_all(self.peer.socket),
                         b"-ERR Protocol error: invalid bulk length\r\n")

    def test_a_long_key_is_refused(self):
        self.assertEqual(self.peer.ask("set", "k" * 101, "v"),
                         b"-ERR key is too long, at most 100 bytes\r\n")
        self.assertEqual(self.peer.ask("set", "k" * 100, "v"), OK)

    def test_a_reply_is_of_four_longest_values_at_most(self):
        self.assertEqual(self.peer.ask("set", "k", b"x" * 100_000), OK)
        self.assertEqual(self.peer.ask("mget", *["k"] * 4),
                         b"-ERR reply is longer than 400000 bytes\r\n")
        self.assertEqual(self.peer.ask("mget", *["k"] * 3),
                         b"*3\r\n" + (b"$100000\r\n" + b"x" * 100_000 + b"\r\n") * 3)

    def test_one_client_too_many_is_told_so(self):
        others = [self.another() for _ in range(9)]
        for other in others:
            self.assertEqual(other.ask("ping"), b"+PONG\r\n")
        with client_of(self.server) as refused:
            self.assertEqual(e2e.receive_all(refused.socket),
                             b"-ERR max number of clients reached\r\n")
        others[0].close()
        self.assertTrue(e2e.eventually(lambda: self.peer.facts()["connected_clients"] == "9"))
        self.assertEqual(self.another().ask("ping"), b"+PONG\r\n")


class Clients(Case):
    def test_a_client_that_never_reads_costs_a_bounded_amount(self):
        value = os.urandom(100_000)
        self.peer.ask("set", "big", value)
        before = self.server.rss_bytes()
        count = 2000
        request = command("get", "big") * count  # replies of 200 MB
        slow = self.another()
        slow.socket.settimeout(2)
        slow.send(request)
        self.assertTrue(e2e.eventually(lambda: int(self.peer.facts()["slow_reader_stalls"]) > 0))
        time.sleep(0.3)
        self.assertLess(self.server.rss_bytes() - before, 8 << 20)
        # The value changes and goes under its feet: what was asked before gets the old one, whole.
        self.peer.ask("set", "other", "x")
        reply = b"$100000\r\n" + value + b"\r\n"
        for _ in range(count):
            self.assertEqual(slow.reply(), reply)
        self.assertEqual(slow.ask("ping"), b"+PONG\r\n")

    def test_a_waiting_reply_keeps_its_value(self):
        old, new = os.urandom(8 << 20), os.urandom(8 << 20)
        self.peer.ask("set", "big", old)
        slow = self.another()
        slow.send(command("get", "big") + command("get", "big"))
        self.assertTrue(e2e.eventually(lambda: int(self.peer.facts()["slow_reader_stalls"]) > 0))
        self.assertEqual(self.peer.ask("set", "big", new), OK)
        self.assertEqual(slow.reply(), b"$8388608\r\n" + old + b"\r\n")
        self.assertEqual(slow.reply(), b"$8388608\r\n" + new + b"\r\n")

    @e2e.not_instrumented("it has memory of its own")
    def test_many_that_never_read(self):
        self.peer.ask("set", "big", b"x" * 100_000)
        before = self.server.rss_bytes()
        idle = [self.another() for _ in range(50)]
        for slow in idle:
            slow.send(command("get", "big") * 200)
        self.assertTrue(e2e.eventually(lambda: int(self.peer.facts()["slow_reader_stalls"]) >= 50))
        self.assertLess(self.server.rss_bytes() - before, 50 * (512 << 10))
        self.assertEqual(self.peer.ask("get", "none"), NIL)

    def test_a_thousand(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 4000:
            self.skipTest(f"descriptor limit of {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4000), hard))
        with kv() as server, contextlib.ExitStack() as all_of_them:
            peers = [all_of_them.enter_context(client_of(server)) for _ in range(1000)]
            for at, peer in enumerate(peers):
                peer.send(command("set", f"key{at}", at) + command("get", f"key{at}"))
            for at, peer in enumerate(peers):
                text = str(at).encode()
                self.assertEqual(peer.reply() + peer.reply(), OK + b"$%d\r\n%s\r\n" % (len(text), text))
            facts = peers[0].facts()
            self.assertEqual(facts["connected_clients"], "1000")
            self.assertEqual(peers[0].ask("dbsize"), b":1000\r\n")
            for peer in peers[1:]:
                peer.close()
            self.assertTrue(e2e.eventually(lambda: peers[0].facts()["connected_clients"] == "1"))

    def test_keys_end_by_themselves(self):
        for at in range(1000):
            self.peer.send(command("set", f"key{at}", "v", "px", 200))
        for _ in range(1000):
            self.assertEqual(self.peer.reply(), OK)
        self.assertTrue(e2e.eventually(lambda: self.peer.ask("dbsize") == b":0\r\n", seconds=5))
        self.assertEqual(self.peer.facts()["expired_keys"], "1000")


class Ending(Case):
    def test_sigterm_drains(self):
        """Commands that were answered are answered whole; nothing is cut."""
        value = os.urandom(1 << 20)
        self.peer.ask("set", "big", value)
        others = [self.another() for _ in range(20)]
        for other in others:
            other.send(command("get", "big"))
        for other in others:
            other.stream.read(1)
        self.server.signal()
        for other in others:
            self.assertEqual(other.stream.read(), b"1048576\r\n" + value + b"\r\n")
        self.assertEqual(self.server.wait(), 0, self.server.stderr())

    def test_bad_options_are_told_in_one_line(self):
        for options in (["--port", "1"], ["--backend", "kqueue"], ["--listen", "nowhere"],
                        ["--listen"], ["--clients-max", "0"], ["--key-max", "x"],
                        ["--config", "/none.toml"],
                        ["--listen", f"127.0.0.1:{self.server.port}"]):
            with self.subTest(options):
                ended = e2e.run([KV, "--listen", "127.0.0.1:0", *options], timeout=10)
                self.assertEqual(ended.returncode, 2)
                self.assertEqual(ended.stdout, "")
                self.assertRegex(ended.stderr, r"\Amyra-kv: [^\n]+\n\Z")


class Options(unittest.TestCase):
    def test_help_shows_examples_and_limits(self):
        ended = e2e.run([KV, "--help"])
        self.assertEqual(ended.returncode, 0)
        for text in ("--listen", "--key-max", "--value-max", "--clients-max", "redis-cli"):
            self.assertIn(text, ended.stdout)

    def test_what_is_printed_can_be_read_again(self):
        printed = e2e.run([KV, "--print-config", "--value-max", "2KiB", "--clients-max", "3"])
        self.assertEqual(printed.returncode, 0)
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(printed.stdout)
            file.flush()
            with kv("--config", file.name, "--clients-max", "4") as server, client_of(server) as peer:
                self.assertEqual(peer.ask("config", "get", "maxclients"),
                                 b"*2\r\n$10\r\nmaxclients\r\n$1\r\n4\r\n")
                self.assertEqual(peer.ask("set", "k", b"x" * 2048), OK)
                peer.send(command("set", "k", b"x" * 2049))
                self.assertEqual(e2e.receive_all(peer.socket),
                                 b"-ERR Protocol error: invalid bulk length\r\n")


class RedisTools(Case):
    def setUp(self):
        for program in ("redis-cli", "redis-benchmark"):
            if shutil.which(program) is None:
                self.skipTest(f"{program} is not installed")
        super().setUp()

    def test_redis_cli(self):
        session = "set k 'a b'\nget k\nincr n\nmget k none n\nttl k\nbogus\nexpire k 100\nttl k\ncommand count\n"
        ended = e2e.run(["redis-cli", "-h", self.server.host, "-p", str(self.server.port)], input=session)
        count = self.peer.ask("command", "count")[1:].decode().strip()
        self.assertEqual(ended.stdout.split("\n"), [
            "OK", "a b", "1", "a b", "", "1", "-1",
            "ERR unknown command 'bogus', with args beginning with: ", "", "1", "100", count, ""])

    def test_redis_benchmark(self):
        for depth in (1, 16, 500):
            before = int(self.peer.facts()["total_commands_processed"])
            ended = e2e.run(["redis-benchmark", "-h", self.server.host, "-p", str(self.server.port),
                             "-t", "ping,set,get,incr,mset", "-n", "20000", "-c", "50", "-P", str(depth),
                             "-r", "100", "-d", "200", "--csv"])
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertNotIn("rror", ended.stdout + ended.stderr)
            done = int(self.peer.facts()["total_commands_processed"]) - before
            self.assertGreaterEqual(done, 6 * 20_000)  # ping counts twice: inline and not
        facts = self.peer.facts()
        self.assertEqual(facts["total_error_replies"], "0")
        self.assertEqual(facts["connected_clients"], "1")


if __name__ == "__main__":
    if not KV:
        raise SystemExit("KV is not set; run this through ctest, or set KV, MYRA and BACKEND")
    e2e.main()
