"""What is measured: how each server is started, and how a load is put on it."""

import json
import os
import shutil

from core.processes import Absent, Failure, Server

SERVER_CPU = 0
LOAD_CPU = 1


class Bench:
    """What all rows share."""

    def __init__(self, folder, processes, quiet, progress, pairs, quick):
        self.folder = folder
        self.processes = processes
        self.quiet = quiet
        self.progress = progress
        self.pairs = pairs
        self.milliseconds = 300 if quick else 800
        self.warm_up = 100 if quick else 250
        self.quick = quick

    def ours(self, name):
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            raise Absent(f"{path} is not there; ./dev build release builds it")
        return path

    def installed(self, name, package):
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
        if path is None:
            raise Absent(f"{name} is not installed (Debian: {package})")
        return path

    def echo(self, subject, wait="block"):
        """The command line of an echo server. Subjects: raw-epoll, raw-uring, asio-echo,
        libuv-echo, spin-pair, `myra uring`, `myra epoll`."""
        tail = ["--listen", "127.0.0.1:0", "--wait", wait]
        if subject.startswith("myra "):
            backend = subject.split()[1]
            return [self.ours("myra"), "echo", *tail, "--backend", backend, "--stats"]
        return [self.ours(subject), *tail]

    def serve(self, subject, wait="block", cpu=SERVER_CPU, wrapper=(), **how):
        server = Server(self.processes, [*wrapper, *self.echo(subject, wait)], cpu, **how)
        wanted = subject.split()[1] if subject.startswith("myra ") else ""
        if not server.backend.startswith(wanted):
            with server:
                raise Failure(f"asked for {wanted}, got {server.backend}")
        return server

    def load(self, server, *options, cpu=LOAD_CPU, timeout=120.0):
        out = self.processes.run(
            [self.ours("myra-load"), "--connect", server.address, "--server-pid", server.pid,
             *options], cpu, timeout)
        return json.loads(out)

    def timed(self):
        return ["--milliseconds", self.milliseconds, "--warm-up", self.warm_up]

    def rounds(self, subjects, measure):
        """A B A B: every subject once per round, the order turned about from round to round, so
        that a drift of the machine falls out of the ratios. Subjects that are absent are left
        out, but the first is the base and must be there."""
        present, absent = [], {}
        for subject in subjects:
            try:
                self.echo(subject)
                present.append(subject)
            except Absent as why:
                absent[subject] = str(why)
        results = []
        for number in range(self.pairs):
            order = present if number % 2 == 0 else present[::-1]
            one = {}
            for subject in order:
                if subject in absent:
                    continue
                self.progress(f"round {number + 1}/{self.pairs}: {subject}")
                self.quiet.wait()
                try:
                    one[subject] = measure(subject)
                except Failure as why:
                    absent[subject] = f"FAILED {why}"
            results.append(one)
        return results, absent
