#!/usr/bin/env python3
"""Shows that the baselines echo what they should, and that the load generator checks what it gets.

  baselines_test.py FOLDER     FOLDER holds the programs of bench/
"""

import json
import os
import socket
import struct
import subprocess
import sys
import threading

sys.dont_write_bytecode = True

from core.processes import Failure, Processes, Server, bound_socket  # noqa: E402

BULK_HEADER_BYTES = 16
LAST_CPU = (os.cpu_count() or 1) - 1
SERVERS = {
    "raw-epoll": [[], ["--wait", "spin"]],
    # The second ring is far too small for the load: completions overflow, buffers run out.
    "raw-uring": [[], ["--completions", "8", "--buffers", "4", "--buffer-bytes", "500"],
                  ["--wait", "spin"]],
    "asio-echo": [[]],
    "asio-uring-echo": [[]],
    "libuv-echo": [[]],
}
LOADS = [["--connections", "50", "--size", "64"],
         ["--connections", "50", "--size", "61", "--depth", "16"],
         ["--connections", "300", "--size", "1", "--depth", "3"],
         ["--connections", "3", "--size", "700001", "--depth", "2"]]  # more than a socket holds
# Loads that end by the clock or count in their own way.
OTHER_LOADS = [["--connections", "300", "--active", "3", "--messages", "100"],
               ["--mode", "open", "--connections", "5", "--rate", "2000", "--milliseconds", "100"],
               ["--mode", "churn", "--connections", "16", "--messages", "64"]]
STREAM_SINKS = {"raw-sink": [[]],
                # Buffers run out, and the receive has to be armed again and again.
                "raw-uring-sink": [[], ["--buffers", "2", "--buffer-bytes", "500"]],
                "myra-server": [["--role", "sink"], ["--role", "sink", "--backend", "epoll"]]}
DATAGRAM_SERVERS = {"raw-datagrams": [[]],
                    "raw-uring-datagrams": [[], ["--buffers", "4"]],
                    "myra-server": [["--role", "datagrams"],
                                    ["--role", "datagrams", "--backend", "epoll"]]}
CLIENTS = [["myra-load", "--engine", "epoll"], ["asio-client"], ["asio-uring-client"],
           ["libuv-client"], ["myra-client", "--backend", "uring"],
           ["myra-client", "--backend", "epoll"]]
# What a load does not heed, and what is said of it.
REFUSED = [(["asio-client", "--mode", "open"], "--mode closed is all there is"),
           (["asio-uring-client", "--wait", "spin"], "--wait is not for this client"),
           (["libuv-client", "--mode", "churn"], "--mode closed is all there is"),
           (["libuv-client", "--active", "1"], "--active is not for this client"),
           (["libuv-client", "--messages", "5"], "--messages is not for this client"),
           (["myra-load", "--engine", "epoll", "--active", "1"],
            "--active is not for --engine epoll"),
           (["myra-load", "--engine", "epoll", "--messages", "5"],
            "--messages is not for --engine epoll"),
           (["myra-load", "--engine", "epoll", "--mode", "churn"],
            "--engine is not for --mode churn"),
           (["myra-load", "--wait", "spin"], "--wait is not for --mode closed"),
           (["myra-load", "--mode", "open", "--rate", "9", "--messages", "5"],
            "--messages is not for --mode open"),
           (["myra-load", "--mode", "bulk", "--messages", "5"],
            "--messages is not for --mode bulk"),
           (["myra-load", "--mode", "ping-pong", "--connections", "5"],
            "--connections is not for --mode ping-pong"),
           (["raw-uring-bulk", "--mode", "bulk", "--messages", "5"],
            "--messages is not for --mode bulk"),
           (["myra-client", "--mode", "bulk", "--connections", "5"],
            "client.connections: bulk is one stream")]


def echoes(folder, processes, name, options):
    command = [os.path.join(folder, name), "--listen", "127.0.0.1:0", *options]
    with Server(processes, command) as server:
        for load in LOADS:
            count = str(int(load[1]) * 5)
            processes.run([os.path.join(folder, "myra-load"), "--connect", server.address,
                           "--warm-up", "0", "--messages", count, *load], cpu=LAST_CPU)
        for load in OTHER_LOADS:
            processes.run([os.path.join(folder, "myra-load"), "--connect", server.address,
                           "--warm-up", "0", *load], cpu=LAST_CPU)
        for client in CLIENTS:
            measured(folder, processes, server, *client, "--connections", "20", "--depth", "3",
                     "--size", "65536")
        if server.process.poll() is not None:
            raise Failure(f"{name} ended")
    if server.process.returncode != 0:
        raise Failure(f"{name} did not end well on SIGTERM: {server.process.returncode}")


def measured(folder, processes, server, client, *load):
    """Runs a load that ends by the clock and has to have sent something."""
    path = os.path.join(folder, client)
    if not os.path.exists(path):
        return
    report = json.loads(processes.run(
        [path, "--connect", server.address, "--server-pid", server.pid, "--warm-up", "20",
         "--milliseconds", "60", *load], cpu=LAST_CPU))
    if report["messages"] == 0 or report["server_cpu_ns_per_message"] <= 0:
        raise Failure(f"{client} {' '.join(load)}: nothing was measured: {report}")


def takes_streams(folder, processes, name, options):
    command = [os.path.join(folder, name), "--listen", "127.0.0.1:0", *options]
    with Server(processes, command) as server:
        for size in ("65536", "1048576", "4104"):
            load = ["--mode", "bulk", "--size", size]
            measured(folder, processes, server, "myra-load", *load)
            measured(folder, processes, server, "raw-uring-bulk", *load)
            measured(folder, processes, server, "myra-client", *load,
                     "--reactor.pool.slot-size-bytes", "1MiB")


def bulk_stream(write_count):
    """A header that has every word checked, and writes of 64 bytes, as in bulk_content.hpp."""
    word, step, mask = 0, 0xbf58476d1ce4e5b9, 2 ** 64 - 1
    words = [(word + step * index) & mask for index in range(8)]
    writes = b"".join(struct.pack("8Q", number, *words[1:]) for number in range(write_count))
    return struct.pack("QII", 0x4b4c55422041524d, 64, 8), writes


def notices_wrong_streams(folder, processes, name, options):
    """What a sink answers about a right stream, and about one with a byte flipped in the middle."""
    command = [os.path.join(folder, name), "--listen", "127.0.0.1:0", *options]
    header, right = bulk_stream(2000)
    at = 64 * 1234 + 16
    wrong = right[:at] + bytes([right[at] ^ 1]) + right[at + 1:]
    swapped = right[:640] + right[704:768] + right[640:704] + right[768:]
    with Server(processes, command) as server:
        for stream, first_wrong in ((right, 2 ** 64 - 1), (wrong, at), (swapped, 640)):
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as peer:
                peer.sendall(header + stream)
                peer.shutdown(socket.SHUT_WR)
                answer = peer.recv(16, socket.MSG_WAITALL)
            if answer != struct.pack("QQ", len(stream), first_wrong):
                raise Failure(f"{name}: expected {len(stream)} bytes and {first_wrong}, found "
                              f"{struct.unpack('QQ', answer) if len(answer) == 16 else answer}")


def echoes_datagrams(folder, processes, name, options):
    command = [os.path.join(folder, name), "--listen", "127.0.0.1:0", *options]
    with Server(processes, command) as server:
        for depth, size in (("1", "64"), ("32", "1024"), ("2", "8008")):
            measured(folder, processes, server, "myra-load", "--mode", "datagrams",
                     "--depth", depth, "--size", size)


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


def lost_bytes(received):
    return struct.pack("QQ", received - 8, 2 ** 64 - 1)


def wrong_bytes(received):
    return struct.pack("QQ", received, 4096)


def take_stream(listener, answer):
    """The sink's side of a stream, that answers something else than the truth."""
    connected, _ = listener.accept()
    with connected:
        received = -BULK_HEADER_BYTES
        while piece := connected.recv(1 << 20):
            received += len(piece)
        connected.sendall(answer(received))


def notices_answer(folder, processes, answer):
    """A receiver that says that bytes were lost or wrong must fail the load."""
    with bound_socket() as listener:
        threading.Thread(target=take_stream, args=(listener, answer), daemon=True).start()
        port = listener.getsockname()[1]
        try:
            processes.run([os.path.join(folder, "myra-load"), "--connect", f"127.0.0.1:{port}",
                           "--mode", "bulk", "--size", "65536", "--warm-up", "20"], cpu=LAST_CPU)
        except Failure as why:
            if "wrong content" in str(why):
                return
            raise
    raise Failure(f"{answer.__name__}: the load was content")


def ends(folder, words, address, code, said):
    """Runs a load that is to fail with that exit code, and those words."""
    done = subprocess.run([os.path.join(folder, words[0]), "--connect", address, *words[1:]],
                          capture_output=True, text=True, timeout=20, check=False)
    if done.returncode != code or said not in done.stderr:
        raise Failure(f"exit code {done.returncode}, said '{done.stderr.strip()}'")


def answer_the_first_twice(peer):
    first, where = peer.recvfrom(100)
    peer.recv(100)
    for _ in range(2):
        peer.sendto(first, where)


def notices_datagram_that_came_twice(folder):
    """As many answers as there were questions, but one of them is missing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        threading.Thread(target=answer_the_first_twice, args=(peer,), daemon=True).start()
        ends(folder, ["myra-load", "--mode", "datagrams", "--depth", "2", "--warm-up", "0",
                      "--messages", "2"], f"127.0.0.1:{peer.getsockname()[1]}", 1, "twice")


def main(folder):
    failures = 0
    cases = [(f"{name} {' '.join(options)} echoes", lambda p, n=name, o=options: echoes(
        folder, p, n, o)) for name, variants in SERVERS.items() for options in variants
        if os.path.exists(os.path.join(folder, name))]
    for servers, act, what in ((STREAM_SINKS, takes_streams, "takes streams"),
                               (STREAM_SINKS, notices_wrong_streams, "notices wrong streams"),
                               (DATAGRAM_SERVERS, echoes_datagrams, "echoes datagrams")):
        cases += [(f"{name} {' '.join(options)} {what}", lambda p, a=act, n=name, o=options: a(
            folder, p, n, o)) for name, variants in servers.items() for options in variants
            if os.path.exists(os.path.join(folder, name))]
    cases += [(f"the bulk load notices {answer.__name__}", lambda p, a=answer: notices_answer(
        folder, p, a)) for answer in (lost_bytes, wrong_bytes)]
    cases += [(f"the load notices {spoil.__name__}", lambda p, s=spoil: notices(folder, p, s))
              for spoil in (spoil_flip, spoil_swap, spoil_repeat)]
    cases += [(f"{' '.join(words)} is refused", lambda _, w=words, s=said: ends(
        folder, w, "127.0.0.1:1", 2, s)) for words, said in REFUSED
        if os.path.exists(os.path.join(folder, words[0]))]
    cases.append(("the load notices a datagram that came twice",
                  lambda _: notices_datagram_that_came_twice(folder)))
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
