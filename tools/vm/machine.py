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

QEMU = "qemu-system-x86_64"
# QEMU 7.2 corrupts flags after cmpxchg16b, of which Linux 6.12 panics.
CPU = "max,-cx16"
# QEMU's network card, and the kernel's module for it. All of the kernels have that one, and it takes what
# is scattered in memory as it is. A virtio card on a hub does not: the kernel has to make one piece of each
# packet, which copies zero-copy sends.
NIC = "vmxnet3"
KERNEL_COMMAND_LINE = ("console=ttyS0 panic=-1 mitigations=off nokaslr no_timer_check "
                       "random.trust_cpu=on 8250.nr_uarts=4 quiet")
# What the kernel says when something is wrong with it, or when it cannot go on.
TROUBLE = re.compile(r"(WARNING: CPU|BUG: |Oops|Kernel panic|general protection|RIP: |"
                     r"rcu: INFO: |blocked for more than|soft lockup).*")
# Emulation is slower than the machine it runs on; what has to happen in time gets this much more.
TIME_FACTOR = 8
KILL_SECONDS = 5
LOOK_SECONDS = 0.2
# Under emulation a kernel sometimes panics or stands still before it gets to the first process. It
# takes three seconds to get there, or thirty on a busy machine.
BOOT_SECONDS = 90
BOOTS_MOST = 4


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
    begun: bool = True  # the kernel got to the first process
    boots: int = 1

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
                      f"{NIC},netdev=port{number},mac=52:54:00:00:00:0{number + 1}"]
    return arguments


def qemu_command(kernel, initrd, folder, settings):
    line = f"{KERNEL_COMMAND_LINE} {settings.kernel_words}".strip()
    # Whoever ends the harness ends its machines.
    return ["setpriv", "--pdeathsig", "KILL", QEMU, "-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", CPU,
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


def has_begun(raw):
    """Whether the first process wrote its line, before anything else of its own."""
    return raw.startswith(b"begun")


def read_status(raw):
    """The exit status, and the files; None and nothing where the machine did not get so far."""
    _, _, rest = raw.partition(b"\n")
    line, _, packed = rest.partition(b"\n")
    found = re.fullmatch(rb"status=(\d+)", line.strip())
    if not found:
        return None, {}
    return int(found.group(1)), read_files(packed)


def show_line(text):
    """As it comes."""
    sys.stdout.write(text)
    sys.stdout.flush()


def copy_output(source, collected, show):
    """Until the machine ends: keeps what it prints, and passes each line on."""
    for line in iter(source.readline, b""):
        text = line.decode(errors="replace").replace("\r\n", "\n")
        collected.append(text)
        if show:
            show(text)


def wait_for(process, status, seconds):
    """Until the machine ends; why it has to be ended before."""
    start = time.monotonic()
    begun = False
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_SECONDS)
            return ""
        begun = begun or (status.exists() and has_begun(status.read_bytes()[:8]))
        lasted = time.monotonic() - start
        if not begun and lasted > min(BOOT_SECONDS, seconds):
            return f"it was not up within {BOOT_SECONDS} s"
        if lasted > seconds:
            return f"it did not end within {seconds} s"


def boot(command, status, seconds, show):
    """Runs QEMU to its end or to the time limit: what was printed, and why it was ended."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    collected = []
    reader = threading.Thread(target=copy_output, args=(process.stdout, collected, show))
    reader.start()
    why = ""
    try:
        why = wait_for(process, status, seconds)
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


def run_once(kernel, initrd, settings, show):
    with tempfile.TemporaryDirectory(prefix="myra-vm-") as name:
        folder = Path(name)
        (folder / "initrd").write_bytes(initrd)
        start = time.monotonic()
        output, why = boot(qemu_command(kernel, folder / "initrd", folder, settings),
                           folder / "status", settings.seconds, show)
        seconds = time.monotonic() - start
        raw = (folder / "status").read_bytes() if (folder / "status").exists() else b""
        log = (folder / "log").read_text(errors="replace") if (folder / "log").exists() else ""
    status, files = read_status(raw)
    if status is None and not why:
        why = "it ended without an exit status, as after a panic"
    return Outcome(status, why, output, log, seconds, files, has_begun(raw))


def run(kernel, image, settings, show=None, say=None):
    """Boots again when the kernel dies before its first process: no test of ours has any part in
    that. `show(line)` is called with what the machine prints, `say(line)` with what is odd."""
    initrd = image.bytes()
    for boots in range(1, BOOTS_MOST + 1):
        outcome = run_once(kernel, initrd, settings, show)
        outcome.boots = boots
        if outcome.begun:
            break
        if say:
            trouble = outcome.trouble[0] if outcome.trouble else "the kernel's log says nothing"
            say(f"Linux {kernel.series} did not come up ({outcome.why}; {trouble}), boot {boots} of "
                f"{BOOTS_MOST}")
    return outcome
