"""What is measured: servers, clients, and the features of Myra, each of which can be turned about.

A subject is named by what it is and, for Myra, what is different from its defaults:
`raw epoll`, `myra uring`, `myra uring -silent_sends`, `myra epoll +spin`, and with any option of
its command line, `myra uring +reactor.receive-buffer-count=64`.
"""

import subprocess
import tomllib
from dataclasses import dataclass

from core.processes import Absent, Failure

LISTEN = ["--listen", "127.0.0.1:0"]

# Role -> name -> the program and its words.
FOREIGN = {
    "echo": {
        "raw epoll": ["raw-epoll"],
        "raw uring": ["raw-uring"],
        "asio epoll": ["asio-echo"],
        "asio uring": ["asio-uring-echo"],
        "libuv": ["libuv-echo"],
        "recv/send": ["spin-pair"],
    },
    "sink": {"blocking": ["raw-sink"], "raw uring": ["raw-uring-sink"]},
    "datagrams": {"raw epoll": ["raw-datagrams"], "raw uring": ["raw-uring-datagrams"]},
    "client": {
        "neutral": ["myra-load"],
        "raw epoll": ["myra-load", "--engine", "epoll"],
        "raw uring": ["raw-uring-bulk"],
        "asio epoll": ["asio-client"],
        "asio uring": ["asio-uring-client"],
        "libuv": ["libuv-client"],
    },
}

MYRA = {
    "echo": ["myra", "echo"],
    "sink": ["myra-server", "--role", "sink"],
    "datagrams": ["myra-server", "--role", "datagrams"],
    "client": ["myra-client"],
}

# What can be turned about beside the switches of `reactor.features`, which are found by asking the
# program. A line each.
TOGGLES = {
    "one_shot": ["--connection.receive", "one_shot"],
    "multishot": ["--connection.receive", "multishot"],
    "interrupting_tasks": ["--reactor.ring.tasks", "interrupting"],
    "cooperative_tasks": ["--reactor.ring.tasks", "cooperative"],
    "submission_polling": ["--reactor.ring.submission-polling.on"],
    "spin": ["--wait", "spin"],
    "spin_then_block": ["--wait", "spin_then_block"],
    "minimum_wait": ["--reactor.ring.minimum-wait.time", "50us"],
    "two_reactors": ["--threads", "2", "--cpus", "0,1"],
    "sockets_only": ["--reactor.ring.sockets-only"],
    "zero_copy_always": ["--reactor.zero-copy.mode", "always"],
    "zero_copy_registered": ["--reactor.zero-copy.mode", "always",
                             "--reactor.zero-copy.registered-buffers"],
    "huge_pages": ["--reactor.pool.huge-pages"],
    # Slots that hold a 64 KiB message, and few of them: a ring of buffers is used in turn, and one
    # that is larger than the cache costs more than its copies.
    "slots_64k": ["--reactor.pool.slot-size-bytes", "64KiB",
                  "--reactor.receive-buffer-count", "16"],
    "slots_1m": ["--reactor.pool.slot-size-bytes", "1MiB", "--reactor.receive-buffer-count", "16"],
}


@dataclass(frozen=True)
class Subject:
    name: str
    backend: str = ""         # of Myra: uring or epoll
    options: tuple = ()       # of Myra
    is_myra: bool = False


class Catalogue:
    """All subjects that there can be. `program` is the path of `myra`."""

    def __init__(self, program):
        self._program = program
        self._switches = None

    @property
    def switches(self):
        """The flags under reactor.features and what they are by default, as the program says."""
        if self._switches is None:
            self._switches = _ask_for_switches(self._program)
        return self._switches

    def subject(self, name):
        words = name.split()
        if words[:1] != ["myra"]:
            if not any(name in known for known in FOREIGN.values()):
                raise Absent(f"there is no subject '{name}'; known: {', '.join(self.names())}")
            return Subject(name)
        if len(words) < 2 or words[1] not in ("uring", "epoll"):
            raise Absent(f"'{name}': found {' '.join(words[1:2]) or 'no backend'}, "
                         "expected 'myra uring' or 'myra epoll'")
        options = ["--backend", words[1]]
        for word in words[2:]:
            options += self._turned(word)
        return Subject(name, words[1], tuple(options), True)

    def _turned(self, word):
        sign, feature = word[0], word[1:]
        if sign == "+" and feature in TOGGLES:
            return TOGGLES[feature]
        if sign == "+" and "=" in feature:
            option, value = feature.split("=", 1)
            return [f"--{option}", value]
        if sign in "+-" and feature in self.switches:
            return [f"--{'no-' if sign == '-' else ''}reactor.features.{feature.replace('_', '-')}"]
        raise Absent(f"'{word}': expected -FEATURE, +FEATURE or +OPTION=VALUE; known: "
                     f"{', '.join([*self.switches, *TOGGLES])}")

    def turned_about(self, base, skip_prefix):
        """Names of `base` with each switch turned about."""
        return [f"{base} {'-' if on else '+'}{name}" for name, on in self.switches.items()
                if not name.startswith(skip_prefix)]

    @staticmethod
    def toggles():
        return list(TOGGLES)

    def names(self):
        foreign = dict.fromkeys(name for known in FOREIGN.values() for name in known)
        return [*foreign, "myra uring", "myra epoll"]

    @staticmethod
    def words(role, subject):
        """The subject's command line in a role, without the folder; Absent when it has no such
        role."""
        address = [] if role == "client" else LISTEN
        if subject.is_myra:
            return [*MYRA[role], *address, *subject.options]
        if subject.name not in FOREIGN[role]:
            raise Absent(f"'{subject.name}' has no form for the role {role}; those that have: "
                         f"{', '.join(FOREIGN[role])}, myra uring, myra epoll")
        return [*FOREIGN[role][subject.name], *address]


def _ask_for_switches(program):
    try:
        text = subprocess.run([program, "echo", "--listen", "127.0.0.1:0", "--print-config"],
                              capture_output=True, text=True, check=True, timeout=10).stdout
        features = tomllib.loads(text)["reactor"]["features"]
    except (OSError, subprocess.SubprocessError, tomllib.TOMLDecodeError, KeyError) as why:
        raise Failure(f"{program} does not print its options: {why}") from None
    return {name: on for name, on in features.items() if isinstance(on, bool)}
