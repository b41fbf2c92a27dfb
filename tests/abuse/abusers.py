"""Peers that mean no good. Run as a program, one of them works until it is ended:

    abusers.py KIND HOST:PORT COUNT

It prints "ready" when all its connections are there. It never reads more than its kind says, runs only
when a processor has nothing else to do, and takes what the server does to it.
"""

import contextlib
import os
import selectors
import signal
import socket
import struct
import sys
import time

AT_ONCE = struct.pack("ii", 1, 0)
PIECE = bytes(range(256)) * 64
FILL_SECONDS = 5
SOURCE = "127.0.0.2"  # so that one can tell its sockets from others


def connected(address, receive_buffer=0):
    made = socket.socket()
    if receive_buffer:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if address[0].startswith("127."):
        made.bind((SOURCE, 0))
    made.settimeout(20)
    made.connect(address)
    made.setblocking(False)
    return made


def crowd(address, count, receive_buffer=0):
    made = [connected(address, receive_buffer) for _ in range(count)]
    ready()
    return made


def filled_crowd(address, count, piece=PIECE):
    """Peers that were sent to until nothing was taken any more, or for a while."""
    made = [connected(address, receive_buffer=4096) for _ in range(count)]
    end = time.monotonic() + FILL_SECONDS
    while time.monotonic() < end and sum(send_some(peer, piece) > 0 for peer in made) > count // 50:
        pass
    ready()
    return made


def ready():
    print("ready", flush=True)


def send_some(peer, piece=PIECE):
    """What was taken; nothing of a peer that is gone."""
    try:
        return peer.send(piece)
    except BlockingIOError:
        return 0
    except OSError:
        return -1


def reset(peer):
    with contextlib.suppress(OSError):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    peer.close()


def never_readers(address, count):
    """Send as long as something is taken, and read nothing."""
    peers = filled_crowd(address, count)
    while True:
        for peer in peers:
            send_some(peer)
        time.sleep(0.05)


def tiny_never_readers(address, count):
    """The same a few bytes at a time, so that each takes a whole buffer."""
    peers = filled_crowd(address, count, b"x" * 16)
    while True:
        for peer in peers:
            send_some(peer, b"x" * 16)


def slow_readers(address, count):
    """Send all that is taken and read a kibibyte a second."""
    peers = filled_crowd(address, count)
    while True:
        for peer in peers:
            send_some(peer)
            with contextlib.suppress(OSError):
                peer.recv(100)
        time.sleep(0.1)


def tricklers(address, count):
    """A byte a second each."""
    peers = crowd(address, count)
    while True:
        began = time.monotonic()
        for peer in peers:
            send_some(peer, b"x")
            with contextlib.suppress(OSError):
                peer.recv(100)
        time.sleep(max(0.0, began + 1 - time.monotonic()))


def flooders(address, count):
    """All that goes through, both ways."""
    peers = crowd(address, count)
    ready_ones = selectors.DefaultSelector()
    for peer in peers:
        ready_ones.register(peer, selectors.EVENT_READ | selectors.EVENT_WRITE)
    while True:
        for key, events in ready_ones.select():
            with contextlib.suppress(OSError):
                if events & selectors.EVENT_READ:
                    key.fileobj.recv(1 << 16)
                send_some(key.fileobj)


def storm(address, count, request=b""):
    """Connects and resets, `count` at a time; asks for something in between."""
    crowd(address, count)
    while True:
        peers = []
        for _ in range(count):
            with contextlib.suppress(OSError):
                peers.append(connected(address))
        for peer in peers:
            if request:
                send_some(peer, request)
        for peer in peers:
            reset(peer)


def reset_storm(address, count):
    """Resets before the answer."""
    storm(address, count, PIECE[:1000])


def holders(address, count):
    """Connect, as many as there is room for in the queue, and stay."""
    peers = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            peers.append(connected(address))
    ready()
    while True:
        time.sleep(1)


def killed(address, count):
    """`count` processes of one connection each, which are killed all at once, again and again."""
    first = True
    while True:
        children = []
        for _ in range(count):
            child = os.fork()
            if child == 0:
                with contextlib.suppress(OSError):
                    peer = connected(address)
                    send_some(peer)
                    signal.pause()
                os._exit(0)
            children.append(child)
        if first:
            ready()
        first = False
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)


def stopped(address, count):
    """Sends all that is taken and is then stopped by its parent's SIGSTOP."""
    peers = [connected(address, 4096) for _ in range(count)]
    for _ in range(50):
        for peer in peers:
            send_some(peer)
    ready()
    os.kill(os.getpid(), signal.SIGSTOP)
    while True:
        signal.pause()


def cut_off(address, count):
    """Talks, and has its sockets destroyed by the kernel (ss -K) each half second."""
    while True:
        peers = []
        for _ in range(count):
            with contextlib.suppress(OSError):
                peers.append(connected(address))
        if not peers:
            continue
        ready()
        for _ in range(5):
            for peer in peers:
                send_some(peer, PIECE[:1000])
            time.sleep(0.1)
        os.system(f"ss -K src {SOURCE} dport = :{address[1]} >/dev/null 2>&1")
        for peer in peers:
            peer.close()


KINDS = {work.__name__: work for work in (
    never_readers, tiny_never_readers, slow_readers, tricklers, flooders, storm, reset_storm, holders, killed,
    stopped, cut_off)}


def main():
    kind, address, count = sys.argv[1:]
    host, port = address.rsplit(":", 1)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    KINDS[kind]((host, int(port)), int(count))


if __name__ == "__main__":
    main()
