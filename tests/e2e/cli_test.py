"""The command line: what it refuses, with which status and in how many words."""

import json
import pathlib
import re
import shlex
import socket
import subprocess
import tempfile
import unittest

import e2e


class Refused(unittest.TestCase):
    def refuse(self, *arguments, naming):
        """Exit status 2, nothing on standard output, one line that names what is wrong."""
        done = e2e.run([e2e.MYRA, *arguments], timeout=10)
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in naming:
            self.assertIn(word, done.stderr)

    def test_no_verb(self):
        self.refuse(naming=["verb", "myra --help"])

    def test_unknown_verb(self):
        self.refuse("ehco", naming=["'ehco'", "echo", "proxy"])

    def test_unknown_option(self):
        for verb in ("probe", "echo", "proxy"):
            with self.subTest(verb=verb):
                self.refuse(verb, "--frobnicate", naming=["frobnicate"])

    def test_bench_parts(self):
        self.refuse("bench", naming=["part", "run", "compare", "client"])
        self.refuse("bench", "walk", naming=["'walk'", "run", "compare", "client"])

    @e2e.not_instrumented("the benchmark is not built")
    def test_bench_compare_of_what_is_no_result(self):
        self.refuse("bench", "compare", "/dev/null", "/dev/null", naming=["/dev/null", "JSON"])
        self.refuse("bench", "compare", "/nowhere/a", "/dev/null", naming=["/nowhere/a", "No such"])

    def test_neither_listen_nor_connect(self):
        self.refuse("echo", naming=["--listen", "--connect"])

    def test_both_listen_and_connect(self):
        self.refuse("echo", "--listen", "127.0.0.1:0", "--connect", "127.0.0.1:1",
                    naming=["--listen", "--connect"])

    def test_proxy_without_target(self):
        self.refuse("proxy", "--listen", "127.0.0.1:0", naming=["--connect"])

    def test_proxy_without_address(self):
        self.refuse("proxy", "--connect", "127.0.0.1:1", naming=["--listen"])

    def test_bad_address(self):
        self.refuse("echo", "--listen", "127.0.0.1", naming=["127.0.0.1"])
        self.refuse("echo", "--listen", "127.0.0.1:99999", naming=["99999"])

    def test_bad_backend(self):
        self.refuse("echo", "--listen", "127.0.0.1:0", "--backend", "kqueue",
                    naming=["kqueue", "uring", "epoll"])

    def test_bad_number(self):
        self.refuse("echo", "--listen", "127.0.0.1:0", "--threads", "many", naming=["threads", "many"])
        self.refuse("echo", "--listen", "127.0.0.1:0", "--threads", "0", naming=["threads"])

    def test_address_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = e2e.address_of(taken)
            self.refuse("echo", "--listen", address, naming=[address, "in use"])
            self.refuse("proxy", "--listen", address, "--connect", "127.0.0.1:1",
                        naming=[address, "in use"])
            self.refuse("echo", "--listen", address, "--threads", "2", naming=[address, "in use"])

    def test_foreign_address(self):
        self.refuse("echo", "--listen", "192.0.2.1:7000", naming=["192.0.2.1:7000"])

    def test_missing_file(self):
        self.refuse("echo", "--config", "/nonexistent.toml", naming=["/nonexistent.toml"])


class Answers(unittest.TestCase):
    def answer(self, *arguments):
        done = e2e.run([e2e.MYRA, *arguments], timeout=10)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def test_help_names_every_verb(self):
        text = self.answer("--help")
        for verb in ("probe", "echo", "proxy"):
            self.assertIn(f"\n  {verb}", text)

    def test_help_of_a_verb_has_examples(self):
        for verb in ("probe", "echo", "proxy"):
            with self.subTest(verb=verb):
                self.assertIn(f"myra {verb} --", self.answer(verb, "--help"))

    def test_the_examples_of_a_verb_are_understood(self):
        """Without what stands behind them: a comment, or another program."""
        for verb in ("probe", "echo", "proxy"):
            examples = re.findall(rf"^  (myra {verb}\b.*)", self.answer(verb, "--help"), re.MULTILINE)
            self.assertTrue(examples, verb)
            for example in examples:
                with self.subTest(example), tempfile.TemporaryDirectory() as folder:
                    pathlib.Path(folder, "proxy.toml").touch()
                    words = shlex.split(example.split(" | ")[0], comments=True)[1:]
                    done = e2e.run([e2e.MYRA, *words, "--print-config"], timeout=10, cwd=folder)
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_version(self):
        self.assertRegex(self.answer("--version"), r"^myra \d+\.\d+\.\d+\n$")

    def test_output_into_a_closed_pipe(self):
        done = subprocess.run(f"{e2e.MYRA} probe | head -c 1", shell=True, capture_output=True, timeout=10)
        self.assertEqual(len(done.stdout), 1)


class Probe(unittest.TestCase):
    def probe(self, *options):
        return e2e.run([e2e.MYRA, "probe", *options], timeout=10)

    def test_json(self):
        found = json.loads(self.probe("--json").stdout)
        self.assertIn(found["backend"], ("uring", "epoll"))
        self.assertTrue(found["backend_why"])
        self.assertEqual(set(found["limits"]), {"open_files", "locked_memory_bytes", "listen_backlog",
                                                "io_uring_disabled"})
        self.assertTrue(found["features"])
        for feature in found["features"]:
            self.assertIn(feature["state"], ("used", "available", "absent"))
            self.assertTrue(feature["why"], feature)

    def test_limits_are_the_process_s_own(self):
        done = e2e.run(["bash", "-c", f"ulimit -n 321; {e2e.MYRA} probe --json"], timeout=10)
        self.assertEqual(json.loads(done.stdout)["limits"]["open_files"], 321)

    def test_epoll_when_asked_for(self):
        found = json.loads(self.probe("--json", "--backend", "epoll").stdout)
        self.assertEqual(found["backend"], "epoll")

    def test_no_colours_in_a_pipe(self):
        for options in ([], ["--short"]):
            self.assertNotIn("\033", self.probe(*options).stdout)

    def test_table_names_every_feature(self):
        table = self.probe().stdout
        for feature in json.loads(self.probe("--json").stdout)["features"]:
            self.assertIn(feature["name"], table)


if __name__ == "__main__":
    e2e.main()
