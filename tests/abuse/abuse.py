"""What abuse costs the others: a well-behaved client is measured beside peers that mean no good.

For each kind of abuse there are pairs of runs on one echo server: the client alone, then the client
beside the abusers. Held are the median of the pairs' ratios of p99 (twice at most, or 1 ms more, whichever is
larger) and of the client's processor time per message (1.2 at most), the server's memory, and that it still
serves. The client has processor 1, the server processor 0; abusers run when a processor is idle.

Needs root, for a network namespace with nothing but loopback, and the programs MYRA, LOAD and DENY of
the environment, as ./dev abuse sets them.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests" / "e2e")]
from core import machine, processes  # noqa: E402

ABUSERS = pathlib.Path(__file__).with_name("abusers.py")
MIB = 1 << 20
P99_RATIO_MAX, P99_MORE_US, CPU_RATIO_MAX = 2.0, 1000.0, 1.2
POOL_SLOTS = 4096  # of 16 KiB
POOLS_CAP = POOL_SLOTS * 16 * 1024 + 64 * MIB  # and 1,024 large buffers of 64 KiB, as by default
CONTROL_GROUPS = pathlib.Path("/sys/fs/cgroup")


class Scene:
    """One kind of abuse: who, how many, and what the server is told."""

    def __init__(self, name, kind, count, *options, launcher=(), memory_group=0, cpu_share_max=None, clients=20,
                 client_first=False):
        self.name, self.kind, self.count = name, kind, count
        self.options, self.launcher = options, launcher
        self.memory_group = memory_group    # bytes; zero: none
        self.cpu_share_max = cpu_share_max  # of the server's processor while abused, with no client
        self.clients = clients
        self.client_first = client_first    # else it would find no descriptor left


def memory_groups():
    """The folder that memory groups are made in, and the name of the file that has a group's limit."""
    first = CONTROL_GROUPS / "memory"  # version 1 of control groups
    if (first / "memory.limit_in_bytes").exists():
        return first, "memory.limit_in_bytes"
    given = CONTROL_GROUPS / "cgroup.subtree_control"
    if not given.exists():
        raise processes.Failure(f"{CONTROL_GROUPS} has no control groups, neither of version 1 nor of 2")
    if "memory" not in given.read_text().split():
        raise processes.Failure(f"groups have no limit of memory here: echo +memory > {given}")
    return CONTROL_GROUPS, "memory.max"


def deny(*options):
    return (os.environ["DENY"], *options, "--")


SCENES = [
    Scene("2,000 never-readers", "never_readers", 2000, "--reactor.pool.slot-count-max", str(POOL_SLOTS)),
    Scene("200 never-readers, 16 bytes each", "tiny_never_readers", 200,
          "--reactor.pool.slot-count-max", str(POOL_SLOTS)),
    Scene("500 slow readers", "slow_readers", 500, "--reactor.pool.slot-count-max", str(POOL_SLOTS)),
    Scene("1,000 tricklers", "tricklers", 1000),
    Scene("20 flooders", "flooders", 20),
    Scene("connection storm", "storm", 50),
    Scene("reset storm", "reset_storm", 50),
    Scene("descriptor limit 64", "holders", 200, launcher=("--descriptors", "64"), cpu_share_max=0.05,
          client_first=True),
    Scene("buffer ring of 4, 20 flooders", "flooders", 20, "--reactor.receive-buffer-count", "4"),
    Scene("completion queue of 8, 20 flooders", "flooders", 20, "--reactor.submission-entries", "4",
          "--reactor.completion-entries", "8"),
    Scene("memory group of 64 MiB, 500 never-readers", "never_readers", 500,
          "--reactor.pool.slot-count-max", "2048", "--reactor.large-buffers.count-max", "128", memory_group=64 * MIB),
    Scene("64 KiB lockable, as nobody, 20 flooders", "flooders", 20,
          launcher=("--memlock", "65536", "--user", "65534")),
    Scene("50 peers stopped (SIGSTOP)", "stopped", 50),
    Scene("1,000 clients killed", "killed", 1000),
    Scene("sockets destroyed (ss -K)", "cut_off", 50),
]


class Trial:
    """A server of one scene, and the runs against it."""

    def __init__(self, scene, backend, milliseconds):
        self.scene, self.backend, self.milliseconds = scene, backend, milliseconds
        self.memory_peak = 0

    def run(self, pairs):
        scene = self.scene
        command = [*(deny(*scene.launcher) if scene.launcher else ()), os.environ["MYRA"], "echo", "--listen",
                   "127.0.0.1:0", "--backend", self.backend, "--threads", "1", *scene.options]
        found = {"name": scene.name, "pairs": []}
        with processes.Processes() as started, self.limited_memory(started) as put, \
                processes.Server(started, command, cpu=0, environment={"MYRA_SELF_TEST": "off"}) as server:
            put(server.pid)
            started.spinners([0, 1])
            self.calm(server)
            base = processes.resident_bytes(server.pid)
            for _ in range(pairs):
                alone = self.measure(started, server)
                beside = self.measure(started, server, abused=True)
                found["pairs"].append({"alone": alone, "beside": beside})
                found["back_seconds"] = max(found.get("back_seconds", 0), self.back(server))
            if scene.cpu_share_max is not None:
                found["cpu_share"] = self.idle_share(started, server)
            found["memory_base"], found["memory_peak"] = base, self.memory_peak
            found["alive"] = server.process.poll() is None
        return found

    @contextlib.contextmanager
    def limited_memory(self, started):
        """A function that puts a process into a memory group of the scene's size."""
        del started
        if not self.scene.memory_group:
            yield lambda pid: None
            return
        folder, limit = memory_groups()
        group = folder / f"myra-abuse-{os.getpid()}"
        group.mkdir()
        try:
            (group / limit).write_text(str(self.scene.memory_group))
            yield lambda pid: (group / "cgroup.procs").write_text(str(pid))
        finally:
            end = time.monotonic() + 10
            while time.monotonic() < end:
                with contextlib.suppress(OSError):
                    group.rmdir()
                    break
                time.sleep(0.1)

    def calm(self, server):
        """The first messages make what the server keeps."""
        self.verify(server, "4MiB")

    @staticmethod
    def verify(server, size):
        """A client of its own, that has to be served."""
        try:
            done = subprocess.run([os.environ["MYRA"], "echo", "--connect", server.address, "--bytes", size],
                                  capture_output=True, text=True, timeout=60)
        except subprocess.TimeoutExpired:
            raise processes.Failure("a fresh client was not served within 60 s") from None
        if done.returncode != 0:
            raise processes.Failure(f"a fresh client was not served: {done.stderr.strip()}")

    @contextlib.contextmanager
    def abused(self, started, server):
        command = [sys.executable, ABUSERS, self.scene.kind, server.address, self.scene.count]
        abuser = started.start(command, cpu=1, nice=19, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if not abuser.stdout.readline():
            raise processes.Failure(f"{self.scene.name}: the abusers did not get ready")
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(abuser.pid, 9)  # a session of its own, with its children
            started.end(abuser)

    def load(self, started, server, warm_up=300):
        command = [os.environ["LOAD"], "--connect", server.address, "--connections", self.scene.clients, "--batch", 1,
                   "--milliseconds", self.milliseconds, "--warm-up", warm_up, "--server-pid", server.pid]
        return started.start(command, cpu=1, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def measure(self, started, server, abused=False):
        with contextlib.ExitStack() as meanwhile:
            if abused and self.scene.client_first:
                load = self.load(started, server, warm_up=2000)
                time.sleep(0.3)
                meanwhile.enter_context(self.abused(started, server))
            else:
                if abused:
                    meanwhile.enter_context(self.abused(started, server))
                load = self.load(started, server)
            while abused and load.poll() is None:
                self.memory_peak = max(self.memory_peak, processes.resident_bytes(server.pid))
                time.sleep(0.05)
            return self.report(load)

    def report(self, load):
        try:
            out, errors = load.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            raise processes.Failure(f"{self.scene.name}: the client was not served") from None
        if load.returncode != 0:
            raise processes.Failure(f"{self.scene.name}: {errors.strip()}")
        report = json.loads(out)
        return {"p99_us": report["p99_us"], "cpu_ns": report["own_cpu_ns_per_message"],
                "server_cpu_ns": report["server_cpu_ns_per_message"], "messages": report["messages"]}

    def back(self, server):
        """After how long a fresh client is served, once the abusers are gone."""
        began = time.monotonic()
        self.verify(server, "1KiB")
        return round(time.monotonic() - began, 3)

    def idle_share(self, started, server, seconds=2.0):
        """How much of a processor the server takes with the abusers alone."""
        with self.abused(started, server):
            time.sleep(0.5)
            before = processes.cpu_ns(server.pid)
            time.sleep(seconds)
            return round((processes.cpu_ns(server.pid) - before) / 1e9 / seconds, 4)


def judged(scene, found):
    """Adds the medians, and what is wrong in words."""
    pairs = found["pairs"]
    ratio = statistics.median(p["beside"]["p99_us"] / p["alone"]["p99_us"] for p in pairs)
    more = statistics.median(p["beside"]["p99_us"] - p["alone"]["p99_us"] for p in pairs)
    cpu = statistics.median(p["beside"]["cpu_ns"] / p["alone"]["cpu_ns"] for p in pairs)
    wrong = []
    if ratio > P99_RATIO_MAX and more > P99_MORE_US:
        wrong.append(f"p99 {ratio:.2f} x and {more:.0f} us more")
    if cpu > CPU_RATIO_MAX:
        wrong.append(f"cpu {cpu:.2f} x")
    if str(POOL_SLOTS) in scene.options and found["memory_peak"] - found["memory_base"] > POOLS_CAP * 1.1:
        wrong.append(f"memory {found['memory_peak'] / MIB:.0f} MiB, pools {POOLS_CAP / MIB:.0f} MiB")
    if found.get("cpu_share", 0) > (scene.cpu_share_max or 1):
        wrong.append(f"{100 * found['cpu_share']:.1f} % of a processor")
    if scene.cpu_share_max is not None and found["back_seconds"] > 1:
        wrong.append(f"service back after {found['back_seconds']} s")
    if not found["alive"]:
        wrong.append("the server is gone")
    found.update(p99_alone_us=statistics.median(p["alone"]["p99_us"] for p in pairs),
                 p99_beside_us=statistics.median(p["beside"]["p99_us"] for p in pairs),
                 p99_ratio=ratio, cpu_ratio=cpu, wrong=wrong,
                 server_cpu_ratio=statistics.median(
                     p["beside"]["server_cpu_ns"] / p["alone"]["server_cpu_ns"] for p in pairs))
    return found


def row(found):
    memory = f"{(found['memory_peak'] - found['memory_base']) / MIB:+.1f} MiB"
    share = f"{100 * found['cpu_share']:.2f} %" if "cpu_share" in found else ""
    return (f"{found['name']:<44} {found['p99_alone_us']:>8.0f} {found['p99_beside_us']:>8.0f} {found['p99_ratio']:>6.2f} "
            f"{found['cpu_ratio']:>6.2f} {found['server_cpu_ratio']:>7.2f} {memory:>12} {found['back_seconds']:>6.2f} "
            f"{share:>8}  {'; '.join(found['wrong']) or 'ok'}")


def main():
    parser = argparse.ArgumentParser(prog="./dev abuse", description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", help="words that a scene's name is to have; all scenes without")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--milliseconds", type=int, default=1000, help="of each run (1000)")
    parser.add_argument("--backend", default="uring", choices=["uring", "epoll"])
    parser.add_argument("--json", help="write what was found to this file")
    given = parser.parse_args()
    for word in given.only:
        if not any(word in scene.name for scene in SCENES):
            parser.error(f"no scene has '{word}' in its name; scenes: {'; '.join(scene.name for scene in SCENES)}")
    if why := machine.enter_own_network():
        sys.exit(f"abuse: {why}")
    chosen = [scene for scene in SCENES if not given.only or any(word in scene.name for word in given.only)]
    print(f"{given.backend}, {given.pairs} pairs of {given.milliseconds} ms; times in us; cpu of the client and of "
          "the server per message, beside / alone")
    print(f"{'abuse':<44} {'p99':>8} {'beside':>8} {'ratio':>6} {'cpu':>6} {'server':>7} {'memory':>12} {'back s':>6} "
          f"{'idle cpu':>8}")
    results = []
    for scene in chosen:
        try:
            results.append(judged(scene, Trial(scene, given.backend, given.milliseconds).run(given.pairs)))
            print(row(results[-1]), flush=True)
        except (processes.Failure, OSError, subprocess.SubprocessError) as failure:
            results.append({"name": scene.name, "wrong": [str(failure)]})
            print(f"{scene.name:<44} {failure}", flush=True)
    if given.json:
        pathlib.Path(given.json).write_text(json.dumps(results, indent=2) + "\n")
    sys.exit(1 if any(each["wrong"] for each in results) else 0)


if __name__ == "__main__":
    main()
