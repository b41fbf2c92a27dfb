#!/usr/bin/env python3
"""Looks for memory that two reactors both write while messages go through them.

Builds `myra` so that every write of it is seen (bench/watch_writes.cpp), lets two reactors echo, and
watches for a second in the middle: which cache lines each thread writes, which of them another
thread writes as well, and how many atomic read-modify-writes there are. Exit code 1 when there is a
line in common, or an atomic read-modify-write.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True

from core.processes import Failure, Processes, Server  # noqa: E402
from core.subjects import LOAD_CPU, SERVER_CPU  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CPUS = (SERVER_CPU, LOAD_CPU)


def parse(argv):
    parser = argparse.ArgumentParser(
        prog="./dev bench writes", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("uring", "epoll"), help="one of them (both)")
    parser.add_argument("--load", default=os.path.join(ROOT, "build/release/bin/myra-load"),
                        metavar="FILE", help="the load generator")
    parser.add_argument("--no-build", action="store_true", help="take build/writes as it is")
    return parser.parse_args(argv)


def place(binary, offset):
    """The function and the line of an address in the program, shortened."""
    out = subprocess.run(["addr2line", "-Cfse", binary, hex(offset)], capture_output=True,
                         text=True, check=False).stdout.split("\n")
    return f"{out[0][:60]} ({out[1]})" if len(out) > 1 else hex(offset)


def watch(processes, binary, load, backend):
    """What the program reported about one second under load, and the messages of the whole run."""
    argv = [binary, "echo", "--listen", "127.0.0.1:0", "--threads", "2", "--cpus",
            ",".join(map(str, CPUS)), "--backend", backend]
    with Server(processes, argv, SERVER_CPU) as server:
        loads = [processes.start(
            [load, "--connect", server.address, "--connections", 50, "--depth", 4,
             "--milliseconds", 3000, "--warm-up", 100], cpu, stdout=-1, stderr=-1, text=True)
            for cpu in CPUS]
        for _ in range(2):
            time.sleep(1.0)
            os.kill(server.pid, signal.SIGUSR1)
        for each in loads:
            out, errors = each.communicate(timeout=60)
            if each.returncode != 0:
                raise Failure(f"myra-load: {(errors or out).strip()}")
            processes.end(each)
    for line in reversed(server.stderr.splitlines()):
        if line.startswith('{"threads"'):
            return json.loads(line)
    raise Failure(f"no report: {server.stderr.strip()[-300:]!r}")


def describe(binary, backend, found):
    """Prints the report; whether it is as it should be."""
    working = [each for each in found["threads"] if each["writes"] > 1000]
    print(f"{backend}: {len(working)} threads wrote "
          + " and ".join(f"{each['lines']} cache lines {each['writes']:,} times" for each in working))
    print(f"  written by two threads: {len(found['shared'])} lines")
    for each in found["shared"][:10]:
        print(f"    {hex(each['line'])}: " + " and ".join(place(binary, by) for by in each["by"]))
    atomics = sum(each["atomic"] for each in working)
    print(f"  atomic read-modify-writes: {atomics}")
    for each in working:
        if each["atomic"]:
            print(f"    {each['atomic']} in a thread, the last in {place(binary, each['at'])}")
    if len(working) != 2:
        print("  two threads were to work: this shows nothing")
    return len(working) == 2 and not found["shared"] and atomics == 0


def main(argv):
    options = parse(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not options.no_build:
        subprocess.run([os.path.join(ROOT, "dev"), "build", "writes"], check=True)
    binary = os.path.join(ROOT, "build/writes/bin/myra")
    well = True
    with Processes() as processes:
        for backend in [options.backend] if options.backend else ["uring", "epoll"]:
            try:
                well = describe(binary, backend,
                                watch(processes, binary, options.load, backend)) and well
            except Failure as why:
                print(f"{backend}: FAILED {why}")
                well = False
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
