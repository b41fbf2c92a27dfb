"""The machine that is measured on: what it is, whether it is quiet, and a network of our own."""

import ctypes
import fcntl
import os
import platform
import socket
import struct
import time

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def enter_own_network():
    """Moves this process, and all that it starts, to a network namespace that has nothing but
    loopback, with Reno for congestion control. Otherwise the system's default is measured along:
    with BBR the side that receives a segment does the sender's model of the path, and the load
    generator pays for the servers. Returns why it could not be done, or nothing. Needs root."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        return f"no network namespace of its own ({os.strerror(ctypes.get_errno())})"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
    with open("/proc/sys/net/ipv4/tcp_congestion_control", "w", encoding="ascii") as control:
        control.write("reno")
    return ""


def _first(path, key):
    try:
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith(key):
                    return line.split(":", 1)[-1].strip()
    except OSError:
        pass
    return "unknown"


def description():
    return {
        "cpu": _first("/proc/cpuinfo", "model name"),
        "cpus": os.cpu_count(),
        "memory": _first("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "congestion_control": _first("/proc/sys/net/ipv4/tcp_congestion_control", ""),
        "virtual": "hypervisor" in _first("/proc/cpuinfo", "flags").split(),
        "load_average": os.getloadavg()[0],
    }


def tell(about, shared):
    """What is measured on, for people. `shared`: why the network is the system's, empty when it is our own."""
    print(f"{about['cpus']} x {about['cpu']}{' (virtual)' if about['virtual'] else ''}, "
          f"{about['memory']}, Linux {about['kernel']}, {about['congestion_control']}, "
          f"load average {about['load_average']:.2f}")
    if shared:
        print(f"Measured in the system's network: {shared}. The load generator may cost more than "
              "the servers there.")


def _busy_and_all():
    with open("/proc/stat", encoding="ascii") as stat:
        ticks = [int(word) for word in stat.readline().split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


class Quiet:
    """Waits for a moment in which the machine does little else, but not for ever: where waiting
    is in vain again and again, it waits less and less."""

    def __init__(self, patience):
        self._patience_max = patience
        self._patience = patience
        self.waits = 0
        self.in_vain = 0

    def wait(self):
        self.waits += 1
        deadline = time.monotonic() + self._patience
        while True:
            busy, total = _busy_and_all()
            time.sleep(0.05)
            busy_now, total_now = _busy_and_all()
            if busy_now - busy <= 0.15 * (total_now - total):
                self._patience = self._patience_max
                return
            if time.monotonic() > deadline:
                self.in_vain += 1
                self._patience /= 2
                return
