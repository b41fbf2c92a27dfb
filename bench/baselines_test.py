#!/usr/bin/env python3
"""Shows that the baselines echo what they should, and that the load generator checks what it gets.

  baselines_test.py FOLDER     FOLDER holds the programs of bench/
"""

import os
import socket
import sys
import threading

sys.dont_write_bytecode = True

from core.processes import Failure, Processes, Server, bound_socket  # noqa: E402

LAST_CPU = (os.cpu_count() or 1) - 1
SERVERS = {
    "raw-epoll": [[], ["--wait", "spin"]],
    # The second ring is far too small for the load: completions overflow, buffers run out.
    "raw-uring": [[], ["--completions", "8", "--buffers", "4", "--buffer-bytes", "500"],
                  ["--wait", "spin"]],
    "asio-echo": [[]],
    "libuv-echo": [[]],
}
LOADS = [["--connections", "50", "--size", "64"],
         ["--connections", "50", "--size", "61", "--depth", "16"],
         ["--connections", "300", "--size", "1", "--depth", "3"],
         ["--connections", "3", "--size", "700001", "--depth", "2"]]  # more than a socket holds


def echoes(folder, processes, name, options):
    command = [os.path.join(folder, name), "--listen", "127.0.0.1:0", *options]
    with Server(processes, command) as server:
        for load in LOADS:
            count = str(int(load[1]) * 5)
            processes.run([os.path.join(folder, "myra-load"), "--connect", server.address,
                           "--warm-up", "0", "--messages", count, *load], cpu=LAST_CPU)
        if server.process.poll() is not None:
            raise Failure(f"{name} ended")
    if server.process.returncode != 0:
        raise Failure(f"{name} did not end well on SIGTERM: {server.process.returncode}")


def spoil_flip(data):
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


def spoil_swap(data):
    return data[64:128] + data[:64] + data[128:]


def spoil_repeat(data):
    return data[:64] * (len(data) // 64)


def serve_spoiled(listener, spoil):
    connected, _ = listener.accept()
    with connected:
        connected.sendall(spoil(connected.recv(64 * 16, socket.MSG_WAITALL)))
        connected.recv(1)


def notices(folder, processes, spoil):
    """A peer that answers with the right number of wrong bytes must fail the load."""
    with bound_socket() as listener:
        peer = threading.Thread(target=serve_spoiled, args=(listener, spoil), daemon=True)
        peer.start()
        port = listener.getsockname()[1]
        try:
            processes.run([os.path.join(folder, "myra-load"), "--connect", f"127.0.0.1:{port}",
                           "--warm-up", "0", "--messages", "16", "--depth", "16"], cpu=LAST_CPU)
        except Failure as why:
            if "wrong content" in str(why):
                return
            raise
    raise Failure(f"{spoil.__name__}: the load took wrong bytes for right ones")


def main(folder):
    failures = 0
    cases = [(f"{name} {' '.join(options)} echoes", lambda p, n=name, o=options: echoes(
        folder, p, n, o)) for name, variants in SERVERS.items() for options in variants
        if os.path.exists(os.path.join(folder, name))]
    cases += [(f"the load notices {spoil.__name__}", lambda p, s=spoil: notices(folder, p, s))
              for spoil in (spoil_flip, spoil_swap, spoil_repeat)]
    for name, case in cases:
        with Processes() as processes:
            try:
                case(processes)
                print(f"ok      {name}", flush=True)
            except Failure as why:
                failures += 1
                print(f"FAILED  {name}: {why}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: baselines_test.py FOLDER")
    sys.exit(main(sys.argv[1]))
