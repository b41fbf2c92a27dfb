"""Writes the archive that the kernel unpacks as its first file system (newc; the kernel's
Documentation/driver-api/early-userspace/buffer-format.rst)."""

import stat

TRAILER = "TRAILER!!!"
ALIGNMENT = 4


def padding(size):
    return b"\0" * (-size % ALIGNMENT)


class Archive:
    """Everything in it belongs to root. Folders come into being with what lies in them."""

    def __init__(self):
        self._parts = []
        self._names = set()

    def _entry(self, name, mode, content=b""):
        inode = len(self._parts) + 1 if name != TRAILER else 0
        encoded = name.encode() + b"\0"
        fields = [inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0]
        header = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        self._parts += [header, padding(len(header)), content, padding(len(content))]

    def folder(self, name, permissions=0o755):
        parent, _, _ = name.rpartition("/")
        if parent:
            self.folder(parent)
        if name not in self._names:
            self._names.add(name)
            self._entry(name, stat.S_IFDIR | permissions)

    def file(self, name, content, permissions=0o644):
        """A file of that name is written once: a second one is left out."""
        self.folder(name.rpartition("/")[0]) if "/" in name else None
        if name not in self._names:
            self._names.add(name)
            self._entry(name, stat.S_IFREG | permissions, content)

    def link(self, name, target):
        self.folder(name.rpartition("/")[0]) if "/" in name else None
        if name not in self._names:
            self._names.add(name)
            self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def bytes(self):
        self._entry(TRAILER, 0)
        return b"".join(self._parts)
