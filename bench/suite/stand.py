"""Puts one load on one server, and says in one form what that cost."""

import json
import os
import shutil
import time

from core.processes import Absent, Failure, Server, cpu_ns
from suite.subjects import Catalogue

SERVER_CPU = 0
LOAD_CPU = 1


class Stand:
    """What all scenarios share: programs, processes, how long a run is."""

    def __init__(self, folders, processes, progress, milliseconds, warm_up, client="neutral"):
        self.folders = folders  # as in PATH
        self.processes = processes
        self.progress = progress
        self.milliseconds = milliseconds
        self.warm_up = warm_up
        self.client = client
        self.catalogue = Catalogue(self.program("myra"))

    def program(self, name):
        path = shutil.which(name, path=self.folders)
        if path is None:
            raise Absent(f"{name} is not in {self.folders}")
        return path

    def serve(self, role, subject, extra=(), cpu=SERVER_CPU, **how):
        first, *rest = Catalogue.words(role, subject)
        server = Server(self.processes, [self.program(first), *rest, *extra], cpu, **how)
        if not server.backend.startswith(subject.backend):
            with server:
                raise Failure(f"asked for {subject.backend}, got {server.backend}")
        return server

    def measure(self, role, subject, load, server_extra=(), client=None, cpu=LOAD_CPU,
                count_entries=False, stretch=1):
        """One run; figures by name, as `figures_of` has them."""
        with self.serve(role, subject, server_extra) as server:
            words = [*self.client_words(client or self.client), "--connect", server.address,
                     "--server-pid", server.pid, "--milliseconds", self.milliseconds * stretch,
                     "--warm-up", self.warm_up, *load]
            if count_entries:
                words.append("--count-entries")
            report = json.loads(self.processes.run(words, cpu, timeout=60.0))
            peak = peak_bytes(server.pid)
        return {**figures_of(report), "peak_memory_bytes": peak}

    def client_words(self, client):
        first, *rest = Catalogue.words("client", self.catalogue.subject(client))
        return [self.program(first), *rest]


def figures_of(report):
    """The report of a load in the names of the suite: nanoseconds and entries are per message."""
    cpu = report["server_cpu_ns_per_message"]
    user = cpu * report["server_user_part"]
    figures = {"cpu_ns": cpu, "user_ns": user, "system_ns": cpu - user,
               "client_cpu_ns": report["own_cpu_ns_per_message"],
               "both_cpu_ns": cpu + report["own_cpu_ns_per_message"],
               "messages_per_second": report["messages_per_second"],
               "messages": report["messages"]}
    for name in ("p50_us", "p90_us", "p99_us", "p999_us", "p9999_us"):
        figures[name] = report[name]
    if report["server_entries_in_all"] > 0:
        figures["entries"] = report["server_entries_per_message"]
    return figures


def peak_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise Failure(f"no VmHWM for process {pid}")


def settled_cpu_ns(pid):
    """CPU time of a server that has nothing to do: exact once its tasks sleep."""
    time.sleep(0.01)
    return cpu_ns(pid)
