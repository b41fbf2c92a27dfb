"""Churn against an echo server for a while; at the end nothing may be left of it.

Two clients (soak_client.cpp) open connections at a steady rate and end them by a close, a half-close, a
reset, or with bytes unread; every few seconds one of the clients is killed and replaced. Before
and after, the server is asked for its descriptors, buffers, connections and table of direct descriptors;
meanwhile for its memory. Needs the programs MYRA and SOAK_CLIENT of the environment, as CTest and
./dev soak set them.
"""

import argparse
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import e2e  # noqa: E402

CLIENTS = 2
MARGIN = 1.1         # in the rate, for the moments after a client was killed
TICK_SECONDS = 0.2
KILL_SECONDS = 5     # a client lives so long on the average
SETTLE_SECONDS = 20  # for what the kernel still holds when the last client has gone
SLOPE_MIB_PER_HOUR = 1.0
# In a short run the pages that are touched for the first time make a steep slope: there the growth counts.
SHORT_SECONDS = 1200
GROWTH_BYTES = 1024 * 1024
STALL_SECONDS = 1.0


class Client:
    """A process of churn and the last line that it wrote."""

    def __init__(self, server, rate, seconds, seed):
        command = [os.environ["SOAK_CLIENT"], server.host, str(server.port), str(rate), str(seconds), str(seed)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.killed = False

    def kill(self):
        self.killed = True
        self.process.kill()

    def totals(self):
        """What it had done, when it has ended."""
        lines = [line for line in self.process.communicate(timeout=60)[0].splitlines() if line.endswith("}")]
        return json.loads(lines[-1]) if lines else {}


class Subject:
    """The server that is soaked, and how it is looked at."""

    def __init__(self, backend):
        self.server = e2e.echo("--metrics", "127.0.0.1:0", backend=backend)
        self.metrics = re.search(r"metrics on (\S+)$", self.server.process.stdout.readline().strip())[1]

    def samples(self, *patterns):
        """The sum of the samples that begin so, for each pattern."""
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        return [sum(int(float(found)) for found in re.findall(f"^{pattern}\\S* (\\S+)$", text, re.MULTILINE))
                for pattern in patterns]

    def accepted(self):
        return self.samples(r"myra_accepts_total\{")[0]

    def gauges(self):
        """What is held at present. The question itself costs a connection, a descriptor and its buffers."""
        connections, direct, detached, in_flight = self.samples(
            r"myra_connections\{", r'myra_direct_places\{[^}]*state="open"', r'myra_buffers\{[^}]*state="detached"',
            r'myra_buffers\{[^}]*state="in_flight"')
        return {"descriptors": len(os.listdir(f"/proc/{self.server.process.pid}/fd")), "connections": connections,
                "direct": direct, "detached": detached, "in_flight": in_flight}

    def settled(self, wanted=None):
        """The gauges, when they are what is wanted (or have stopped changing), or it has taken too long."""
        end = time.monotonic() + SETTLE_SECONDS
        found, before = self.gauges(), None
        while found != (wanted or before) and time.monotonic() < end:
            time.sleep(0.2)
            found, before = self.gauges(), found
        return found


def slope_per_hour(samples):
    """Of the least-squares line through (seconds, bytes), in bytes an hour."""
    count = len(samples)
    mean_x = sum(x for x, _ in samples) / count
    mean_y = sum(y for _, y in samples) / count
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    return 3600 * sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread if spread else 0.0


def warm_up(server, connections):
    done = e2e.echo_client(server.address, "--bytes", "1MiB", "--connections", str(connections))
    if done.returncode != 0:
        sys.exit(f"the server does not serve {connections} connections: {done.stdout}{done.stderr}")


def stall(server):
    """Stops the server while work piles up. The rings of buffers grow with what a turn uses, and so once to all that
    they may hold; without this, the first stall of a busy machine would have them grow in the middle of the run."""
    server.process.send_signal(signal.SIGSTOP)
    waker = threading.Timer(STALL_SECONDS, server.process.send_signal, [signal.SIGCONT])
    waker.start()
    warm_up(server, 400)
    waker.join()


def soak(backend, seconds, rate, seed):
    chance = random.Random(seed)
    subject = Subject(backend)
    with subject.server as server:
        for _ in range(3):  # what the first connections make once
            warm_up(server, 20)
        stall(server)
        baseline = subject.settled()
        accepted_before = subject.accepted()
        began = time.monotonic()
        cpu_before = server.cpu_seconds()
        memory, done, running, kills = [], [], [], 0
        next_kill = began + chance.expovariate(1 / KILL_SECONDS)
        while (now := time.monotonic()) < began + seconds:
            left = max(1, round(began + seconds - now))
            for client in [each for each in running if each.process.poll() is not None]:
                running.remove(client)
                done.append((client, client.totals()))
            while len(running) < CLIENTS:
                running.append(Client(server, rate * MARGIN / CLIENTS, left, chance.randrange(1 << 31)))
            if now >= next_kill:
                chance.choice(running).kill()
                kills += 1
                next_kill = now + chance.expovariate(1 / KILL_SECONDS)
            if not memory or now - began >= memory[-1][0] + 1:
                memory.append((now - began, server.rss_bytes()))
            time.sleep(min(TICK_SECONDS, max(0.0, began + seconds - now)))
        accepted = subject.accepted() - accepted_before
        done += [(client, client.totals()) for client in running]
        after = subject.settled(baseline)
        took = time.monotonic() - began
        cpu = server.cpu_seconds() - cpu_before
        status = server.stop()
    totals = {}
    for _, counted in done:
        for name, value in counted.items():
            totals[name] = totals.get(name, 0) + value
    warm = [sample for sample in memory if sample[0] >= seconds / 4] or memory
    return {
        "backend": backend, "seconds": round(took, 1), "kills": kills, "server_status": status,
        "connections_per_second": round(accepted / seconds, 1), **totals,
        "failed_clients": sum(not client.killed and client.process.returncode != 0 for client, _ in done),
        "deltas": {name: after[name] - baseline[name] for name in baseline},
        "resident_bytes": memory[-1][1], "resident_growth_bytes": memory[-1][1] - warm[0][1],
        "resident_slope_mib_per_hour": round(slope_per_hour(warm) / (1 << 20), 3),
        "server_cpu_seconds": round(cpu, 2),
    }


def complaints(found, rate):
    """What is wrong with a run, in words."""
    wrong = [f"{name} went from the start's by {delta:+d}" for name, delta in found["deltas"].items() if delta]
    if found.get("bytes_verified", 0) == 0:
        wrong.append("no byte was verified")
    if found.get("bytes_wrong", 1):
        wrong.append(f"{found.get('bytes_wrong')} bytes were wrong")
    if found.get("ended_early", 1) or found["failed_clients"]:
        wrong.append(f"{found.get('ended_early')} connections ended early or hung")
    if found["connections_per_second"] < rate * 0.8:
        wrong.append(f"only {found['connections_per_second']} connections a second, {rate} were wanted")
    short = found["seconds"] < SHORT_SECONDS
    grows = (found["resident_growth_bytes"] > GROWTH_BYTES if short else
             found["resident_slope_mib_per_hour"] >= SLOPE_MIB_PER_HOUR)
    if grows and not e2e.INSTRUMENTED:  # which has memory of its own
        wrong.append(f"memory grows by {found['resident_slope_mib_per_hour']} MiB an hour, "
                     f"{found['resident_growth_bytes']} bytes since it was warm")
    if found["server_status"] != 0:
        wrong.append(f"the server ended with {found['server_status']}")
    return wrong


def table(found):
    rows = [(name, value) for name, value in found.items() if name != "deltas"]
    rows += [(f"delta of {name}", value) for name, value in found["deltas"].items()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)


def main():
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--rate", type=float, default=500, help="connections a second (500)")
    parser.add_argument("--backend", default="uring", choices=["uring", "epoll"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", help="write what was found to this file")
    given = parser.parse_args()
    if given.backend == "uring" and e2e.run([e2e.MYRA, "probe", "--backend", "uring", "--short"]).returncode != 0:
        e2e.skip("no io_uring here")
    found = soak(given.backend, given.minutes * 60, given.rate, given.seed)
    found["complaints"] = complaints(found, given.rate)
    own = os.times()
    found["clients_cpu_seconds"] = round(own.children_user + own.children_system - found["server_cpu_seconds"], 2)
    if given.json:
        pathlib.Path(given.json).write_text(json.dumps(found, indent=2) + "\n")
    print(f"soak of {given.minutes} minutes on {given.backend}, seed {given.seed}")
    print(table(found))
    sys.exit(1 if found["complaints"] else 0)


if __name__ == "__main__":
    main()
