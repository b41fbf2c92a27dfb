"""What the virtual machine finds when it starts: busybox, modules, and what is to run."""

import lzma
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import cpio

GUEST = Path(__file__).with_name("guest")
USER_ID = 1000
FILES = {
    "etc/passwd": f"root:x:0:0:root:/tmp:/bin/sh\nuser:x:{USER_ID}:{USER_ID}:user:/tmp:/bin/sh\n",
    "etc/group": f"root:x:0:\nuser:x:{USER_ID}:\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
}
FOLDERS = ["dev", "proc", "sys", "tmp", "run", "out", "t"]


class ImageError(Exception):
    """Something that the machine is to have is not there."""


def is_elf(file):
    with file.open("rb") as opened:
        return opened.read(4) == b"\x7fELF"


def shared_libraries(program):
    """The files of the libraries and of the loader that a program needs."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True)
    if "not found" in listed.stdout:
        raise ImageError(f"{program}: {listed.stdout.strip()}")
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", listed.stdout)]


def stripped(program):
    """The program without its debug information, which is most of its size."""
    with tempfile.NamedTemporaryFile() as to:
        subprocess.run(["strip", "--strip-debug", "-o", to.name, program], check=True)
        return Path(to.name).read_bytes()


def unpacked_module(file):
    content = file.read_bytes()
    if file.suffix == ".xz":
        return lzma.decompress(content)
    if file.suffix == ".zst":
        return subprocess.run(["zstd", "-dc"], input=content, capture_output=True,
                              check=True).stdout
    return content


def find_program(name, folders):
    """A program as the user named it: a path, or a name in these folders or in PATH."""
    if "/" in name:
        places = [Path(name)]
    else:
        found = shutil.which(name)
        places = [folder / name for folder in folders] + ([Path(found)] if found else [])
    for place in places:
        if place.is_file():
            return place.resolve()
    raise ImageError(f"there is no program {name}: looked at {', '.join(map(str, places))}")


class Image:
    def __init__(self, kernel, modules):
        self._archive = cpio.Archive()
        for folder in FOLDERS:
            self._archive.folder(folder)
        for name, text in FILES.items():
            self._archive.file(name, text.encode())
        self._archive.file("bin/busybox", Path(shutil.which("busybox")).read_bytes(), 0o755)
        self._archive.file("init", (GUEST / "init").read_bytes(), 0o755)
        self.missing_modules = self._add_modules(kernel, modules)

    def _add_modules(self, kernel, names):
        files, missing = kernel.modules(names)
        order = []
        for file in files:
            order.append(file.name.split(".ko")[0] + ".ko")
            self._archive.file(f"modules/{order[-1]}", unpacked_module(file))
        self._archive.file("modules/order", "\n".join(order).encode())
        return missing

    def add(self, path):
        """Puts a file, or a folder with all in it, into /t, and libraries where they belong."""
        if path.is_dir():
            for each in sorted(path.rglob("*")):
                if each.is_file():
                    self._add_file(each, f"t/{path.name}/{each.relative_to(path)}")
        elif path.is_file():
            self._add_file(path, f"t/{path.name}")
        else:
            raise ImageError(f"there is no file {path}")

    def _add_file(self, file, name):
        executable = os.access(file, os.X_OK)
        if executable and is_elf(file):
            self._archive.file(name, stripped(file), 0o755)
            for library in shared_libraries(file):
                self._archive.file(str(library).lstrip("/"), library.read_bytes(), 0o755)
        else:
            self._archive.file(name, file.read_bytes(), 0o755 if executable else 0o644)

    def write(self, name, text):
        self._archive.file(name, text.encode(), 0o755)

    def run(self, command, environment, as_user):
        """What the machine does before it switches itself off."""
        exports = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
        self._archive.file("vm/environment", "".join(exports).encode())
        self._archive.file("vm/command", (shlex.join(command) + "\n").encode())
        if as_user:
            self._archive.file("vm/as_user", b"")

    def bytes(self):
        return self._archive.bytes()
