"""Runs one command in one virtual machine, under software emulation."""

import contextlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

# QEMU 7.2 corrupts flags after cmpxchg16b, of which Linux 6.12 panics.
CPU = "max,-cx16"
KERNEL_COMMAND_LINE = ("console=ttyS0 panic=-1 mitigations=off nokaslr no_timer_check "
                       "random.trust_cpu=on 8250.nr_uarts=4 quiet")
# What the kernel says when something is wrong with it, or when it cannot go on.
TROUBLE = re.compile(r"(WARNING: CPU|BUG: |Oops|Kernel panic|general protection|RIP: |"
                     r"rcu: INFO: |blocked for more than|soft lockup).*")
# Emulation is slower than the machine it runs on; what has to happen in time gets this much more.
TIME_FACTOR = 8
KILL_SECONDS = 5


@dataclass
class Settings:
    cpus: int = 2
    memory_mib: int = 1024
    seconds: int = 120
    two_nics: bool = False
    kernel_words: str = ""


@dataclass
class Outcome:
    status: int | None  # None: the machine gave none
    why: str            # why it gave none
    output: str
    kernel_log: str
    seconds: float
    files: dict = field(default_factory=dict)  # what the command left in /out

    @property
    def trouble(self):
        """Lines in which the kernel complains of itself."""
        return [match.group(0).strip() for match in TROUBLE.finditer(self.kernel_log)]


def nic_arguments(settings):
    """Two network cards on one hub, so that what one sends the other receives."""
    if not settings.two_nics:
        return ["-nic", "none"]
    arguments = []
    for number in (0, 1):
        arguments += ["-netdev", f"hubport,id=port{number},hubid=0", "-device",
                      f"virtio-net-pci,netdev=port{number},mac=52:54:00:00:00:0{number + 1}"]
    return arguments


def qemu_command(kernel, initrd, folder, settings):
    line = f"{KERNEL_COMMAND_LINE} {settings.kernel_words}".strip()
    return ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", CPU,
            "-smp", str(settings.cpus), "-m", str(settings.memory_mib), "-nodefaults",
            "-no-user-config", "-display", "none", "-monitor", "none", "-no-reboot",
            *nic_arguments(settings), "-kernel", str(kernel.image), "-initrd", str(initrd),
            "-append", line, "-serial", f"file:{folder}/log", "-serial", "stdio",
            "-serial", f"file:{folder}/status"]


def read_files(packed):
    if not packed:
        return {}
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        return {member.name.removeprefix("./"): archive.extractfile(member).read()
                for member in archive if member.isfile()}


def read_status(raw):
    """The exit status, and the files; None and nothing where the machine did not get so far."""
    line, _, packed = raw.partition(b"\n")
    found = re.fullmatch(rb"status=(\d+)", line.strip())
    if not found:
        return None, {}
    return int(found.group(1)), read_files(packed)


def copy_output(source, collected, show):
    """Until the machine ends: keeps what it prints, and shows it as it comes."""
    for line in iter(source.readline, b""):
        text = line.decode(errors="replace").replace("\r\n", "\n")
        collected.append(text)
        if show:
            sys.stdout.write(text)
            sys.stdout.flush()


def boot(command, seconds, show):
    """Runs QEMU to its end or to the time limit: what was printed, and why it was ended."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    collected = []
    reader = threading.Thread(target=copy_output, args=(process.stdout, collected, show))
    reader.start()
    why = ""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        why = f"it did not end within {seconds} s"
    finally:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(KILL_SECONDS)
            process.kill()
        process.wait()
        reader.join()
        process.stdout.close()
    return "".join(collected), why


def run(kernel, image, settings, show=False):
    with tempfile.TemporaryDirectory(prefix="myra-vm-") as name:
        folder = Path(name)
        (folder / "initrd").write_bytes(image.bytes())
        start = time.monotonic()
        output, why = boot(qemu_command(kernel, folder / "initrd", folder, settings),
                           settings.seconds, show)
        seconds = time.monotonic() - start
        status, files = None, {}
        if (folder / "status").exists():
            status, files = read_status((folder / "status").read_bytes())
        log = (folder / "log").read_text(errors="replace") if (folder / "log").exists() else ""
    if status is None and not why:
        why = "it ended without an exit status, as after a panic"
    return Outcome(status, why, output, log, seconds, files)
