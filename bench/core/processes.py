"""Starts what is measured, pinned and favoured, and ends all of it whatever happens."""

import ctypes
import os
import re
import resource
import select
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """A measurement that could not be made; the text says why."""


class Absent(Exception):
    """Something that a row needs is not there; the text says what and how to get it."""


def _favoured(cpu, nice):
    """What a child does before it becomes its program. The scheduler's automatic groups make a
    nice value count only within a session, so the session gets one of its own as well."""
    libc = ctypes.CDLL(None)

    def prepare():
        os.setsid()
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setaffinity(0, {cpu})
        if os.geteuid() == 0:
            os.setpriority(os.PRIO_PROCESS, 0, nice)
            try:
                with open("/proc/self/autogroup", "w", encoding="ascii") as group:
                    group.write(str(nice))
            except OSError:
                pass  # a kernel without automatic groups

    return prepare


class Processes:
    """Every process it started is ended by its id when the `with` block is left."""

    def __init__(self):
        self._running = []
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self._running):
            self.end(process)

    def start(self, argv, cpu, nice=-10, **how):
        process = subprocess.Popen(
            [str(word) for word in argv], preexec_fn=_favoured(cpu, nice), **how)
        self._running.append(process)
        return process

    def end(self, process, patience=5.0):
        """SIGTERM, and SIGKILL for one that does not go; returns what it wrote to stderr."""
        errors = None
        if process.poll() is None:
            process.terminate()
        try:
            errors = process.communicate(timeout=patience)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            errors = process.communicate()[1]
        except ValueError:  # its pipes were closed before
            process.wait()
        if process in self._running:
            self._running.remove(process)
        return errors.decode(errors="replace") if isinstance(errors, bytes) else errors or ""

    def run(self, argv, cpu, timeout=60.0, **how):
        """Runs a program to its end and returns its standard output."""
        process = self.start(
            argv, cpu, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how)
        try:
            out, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"{argv[0]} did not end within {timeout:.0f} s") from None
        finally:
            self.end(process)
        if process.returncode != 0:
            said = (errors or out).strip().splitlines()
            raise Failure(f"{os.path.basename(str(argv[0]))}: {said[-1] if said else 'failed'}")
        return out

    def spinners(self, cpus):
        """Busy loops that run only when a CPU would be idle, so that none is halted: waking a
        halted virtual CPU costs more than a round trip does."""
        loop = ["chrt", "-i", "0", "sh", "-c", "while :; do :; done"]
        return [self.start(loop, cpu, nice=19, stderr=subprocess.DEVNULL) for cpu in cpus]


class Server:
    """A server of ours that prints its ready line; ended when the `with` block is left."""

    def __init__(self, processes, argv, cpu=0, environment=None, patience=10.0):
        self._processes = processes
        self.stderr = ""
        self.process = processes.start(
            argv, cpu, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})})
        line = self._ready_line(patience)
        found = re.match(r"listening on (\S+) \((.*)\)", line)
        if not found:
            errors = processes.end(self.process).strip().splitlines()
            raise Failure(f"{os.path.basename(str(argv[0]))} did not get ready: "
                          f"{errors[-1] if errors else line!r}")
        self.address, self.backend = found.groups()

    def _ready_line(self, patience):
        line = b""
        deadline = time.monotonic() + patience
        pipe = self.process.stdout.fileno()
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                break
            piece = os.read(pipe, 4096)
            if not piece:
                break
            line += piece
        return line.decode(errors="replace")

    @property
    def pid(self):
        return self.process.pid

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stderr = self._processes.end(self.process)


def cpu_ns(pid):
    """CPU time of all tasks of a process so far, kernel threads it owns included."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as stat:
            total += int(stat.read().split()[0])
    return total


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    raise Failure(f"no VmRSS for process {pid}")


def idle_bytes(processes, load_program, cpu, server, connections):
    """What each of so many connections that say nothing adds to the server's resident memory."""
    before = resident_bytes(server.pid)
    holder = processes.start(
        [load_program, "--connect", server.address, "--mode", "idle", "--connections", connections],
        cpu, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        line = holder.stdout.readline()
        if not line.startswith(b"holding"):
            raise Failure(holder.stderr.read().decode(errors="replace").strip())
        after = resident_bytes(server.pid)
    finally:
        processes.end(holder)
    return (after - before) / connections


def bound_socket():
    """A listening socket on a port that the kernel chose."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    return listener


def free_port():
    """For programs that can neither take port 0 nor a socket: free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, patience=10.0):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise Failure(f"{os.path.basename(process.args[0])} did not listen on port {port}")
