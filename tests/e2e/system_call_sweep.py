"""Fails each system call of an echo server once, with each errno that the call may give.

strace(1) does it (-e inject=CALL:error=ERRNO:when=K); one run for each call and errno, on the real
kernel. Each has to end by its deadline in one of these ways:

  refused   the server says on standard error why it cannot start, and exits with 1 or 2
  served    every client is served, and SIGTERM ends the server with 0
  harmed    one client is cut off, every other is served, and SIGTERM ends the server with 0; not by what
            means "again"
  ended     the kernel has taken the backend away, or signals cannot be waited for: the server says so and
            exits with 1

Exit code 1: one did not.
"""

import argparse
import collections
import contextlib
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

CLIENTS = 3
MESSAGES = 8
MESSAGE_BYTES = 200
REPLY_SECONDS = 3
END_SECONDS = 12

# What each may fail with, by its man page; calls that are not here are not failed. close(2) is not:
# strace would leave the descriptor open, and the kernel never does.
ERRNOS = {
    "socket": ["EMFILE", "ENOBUFS"],
    "bind": ["EADDRINUSE", "EACCES"],
    "listen": ["EADDRINUSE"],
    "setsockopt": ["ENOMEM", "ENOPROTOOPT"],
    "getsockopt": ["ENOBUFS"],
    "getsockname": ["ENOBUFS"],
    "accept4": ["ECONNABORTED", "EMFILE", "ENOMEM", "EINTR"],
    "recvfrom": ["ECONNRESET", "EINTR", "ENOMEM"],
    "recvmsg": ["ECONNRESET", "EINTR", "ENOMEM"],
    "readv": ["ECONNRESET", "EINTR", "ENOMEM"],
    "sendto": ["EPIPE", "EINTR", "ENOBUFS"],
    "sendmsg": ["EPIPE", "EINTR", "ENOBUFS"],
    "writev": ["EPIPE", "EINTR", "ENOBUFS"],
    "shutdown": ["ENOTCONN"],
    "fcntl": ["EMFILE"],
    "epoll_create1": ["EMFILE", "ENOMEM"],
    "epoll_ctl": ["ENOMEM", "ENOSPC"],
    "epoll_wait": ["EINTR", "EBADF"],
    "epoll_pwait": ["EINTR", "EBADF"],
    "epoll_pwait2": ["EINTR", "ENOSYS"],
    "eventfd2": ["EMFILE", "ENOMEM"],
    "signalfd4": ["EMFILE", "ENOMEM"],
    "mmap": ["ENOMEM"],
    "madvise": ["ENOMEM"],
    "io_uring_setup": ["ENOMEM", "EPERM", "ENOSYS"],
    "io_uring_register": ["ENOMEM", "EINVAL"],
    "io_uring_enter": ["EINTR", "EAGAIN", "EBUSY", "ENOMEM", "EBADR"],
}
# One failure of these is one of everybody.
OF_ALL = {"epoll_wait", "epoll_pwait", "epoll_pwait2", "io_uring_enter", "epoll_ctl"}
# What a server says that cannot go on (src/myra/reactor).
ENDED = re.compile(r"error: reactors?: (the kernel took the backend away|signals cannot be waited for): ")
# These mean "again", and harm nobody.
AGAIN = {"EINTR", "EAGAIN", "EBUSY"}


class Run:
    """One server, with the clients that it may serve."""

    def __init__(self, program, backend, strace):
        self.errors = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(
            ["strace", "-D", "-qq", *strace, program, "echo", "--listen",
             "127.0.0.1:0", "--backend", backend],
            stdout=subprocess.PIPE, stderr=self.errors, text=True)

    def said(self):
        self.errors.seek(0)
        return self.errors.read().strip()

    def finish(self):
        """What became of it, and how that is wrong, if it is."""
        try:
            return self._finish()
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()
            self.errors.close()

    def _finish(self):
        if not select.select([self.process.stdout], [], [], END_SECONDS)[0]:
            return "hangs", f"said nothing for {END_SECONDS} s"
        line = self.process.stdout.readline()
        ready = re.match(r"listening on (\S+):(\d+) \(", line)
        if not ready:
            code = self.process.wait(END_SECONDS)
            wrong = "" if code in (1, 2) and self.said() else f"exit code {code}, said '{self.said()}'"
            return "refused", wrong
        served = talk(int(ready[2]))
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            return "hangs", f"did not end within {END_SECONDS} s of SIGTERM"
        if code == 1 and ENDED.search(self.said()):
            return "ended", ""
        if code != 0:
            return "broken", f"exit code {code}, said '{self.said()}'"
        if served == CLIENTS:
            return "served", ""
        return "harmed", "" if served >= CLIENTS - 1 else f"{CLIENTS - served} clients were harmed"


def talk(port):
    """All speak in turns; how many were answered to the end."""
    message = os.urandom(MESSAGE_BYTES)
    peers = []
    for _ in range(CLIENTS):
        with contextlib.suppress(OSError):
            peers.append(socket.create_connection(("127.0.0.1", port), timeout=REPLY_SECONDS))
    for _ in range(MESSAGES):
        for peer in list(peers):
            try:
                peer.sendall(message)
                answer = peer.recv(MESSAGE_BYTES, socket.MSG_WAITALL)
            except OSError:
                answer = b""
            if answer != message:
                peer.close()
                peers.remove(peer)
    for peer in peers:
        peer.close()
    return len(peers)


def calls_of(program, backend):
    """(call, which of its kind) of one run with nothing failing, without those of the loader."""
    with tempfile.TemporaryDirectory() as folder:
        written = pathlib.Path(folder, "trace")
        what, wrong = Run(program, backend, ["-o", str(written)]).finish()
        if what != "served" or wrong:
            raise SystemExit(f"with nothing failing the server was {what}: {wrong}")
        lines = written.read_text(errors="replace").splitlines()
    counts = collections.Counter()
    loaded = False
    for line in lines:
        match = re.match(r"(?:\d+ +)?(\w+)\(", line)
        if not match:
            continue
        counts[match[1]] += 1
        if loaded and match[1] in ERRNOS:
            yield match[1], counts[match[1]]
        loaded = loaded or match[1] == "munmap"  # of the loader's cache, its last act


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="build/release/bin/myra")
    parser.add_argument("--backend", default="epoll", choices=["epoll", "uring"])
    parser.add_argument("--every", type=int, default=1, help="only each N-th run")
    parser.add_argument("--seconds", type=float, default=3600, help="begin no run after that")
    asked = parser.parse_args()
    if instrumented := os.environ.get("MYRA_INSTRUMENTED"):
        print(f"SKIP: not with {instrumented}: it makes system calls of its own")
        return 77
    if shutil.which("strace") is None:
        print("SKIP: strace is not installed")
        return 77
    probed = subprocess.run([asked.program, "probe", "--backend", asked.backend, "--short"],
                            capture_output=True, text=True)
    if probed.returncode != 0:
        print(f"SKIP: no {asked.backend} here: {probed.stdout.strip()}")
        return 77
    began = time.monotonic()
    runs = [(call, k, errno) for call, k in calls_of(asked.program, asked.backend)
            for errno in ERRNOS[call]][:: asked.every]
    outcomes = collections.defaultdict(collections.Counter)
    wrong_count = done = 0
    for call, k, errno in runs:
        if time.monotonic() - began > asked.seconds:
            break
        inject = f"inject={call}:error={errno}:when={k}"
        what, wrong = Run(asked.program, asked.backend, ["-o", "/dev/null", "-e", inject]).finish()
        if what == "harmed" and errno in AGAIN:
            wrong = "a client was harmed"
        elif what == "harmed" and call in OF_ALL:
            wrong = ""
        outcomes[call][what] += 1
        done += 1
        if wrong:
            wrong_count += 1
            print(f"FAILED: {what}: {wrong}; again: strace -e {inject} {asked.program} echo "
                  f"--listen 127.0.0.1:0 --backend {asked.backend}", flush=True)
    for call in sorted(outcomes):
        told = ", ".join(f"{n} {what}" for what, n in sorted(outcomes[call].items()))
        print(f"{call:18} {told}")
    print(f"{asked.backend}: {done} of {len(runs)} runs, {wrong_count} wrong, "
          f"{time.monotonic() - began:.0f} s")
    return 1 if wrong_count or done < len(runs) else 0


if __name__ == "__main__":
    sys.exit(main())
