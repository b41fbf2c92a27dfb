"""Packages from Debian's archives, through apt and without root: nothing is installed.

apt gets a configuration and a state of its own, which sees one suite of one archive. It verifies
the suite's index against the Debian archive's keys, and what it downloads against the index.
"""

import hashlib
import os
import re
import subprocess
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
ARCHITECTURE = "amd64"
UPDATE_SECONDS = 300
DOWNLOAD_SECONDS = 600


class ArchiveError(Exception):
    """The archive cannot be read, or does not carry what is asked for."""


class Damaged(Exception):
    """What came is not what is pinned."""


def mirrors(label):
    """Where this machine's apt finds the archive of that label, in the order of its sources."""
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format",
         "$(REPO_URI)\t$(ORIGIN)\t$(LABEL)\t$(CREATED_BY)"],
        check=True, capture_output=True, text=True).stdout
    found = []
    for line in targets.splitlines():
        uri, origin, of, created_by = line.split("\t")
        if (origin, of, created_by) == ("Debian", label, "Packages") and uri not in found:
            found.append(uri)
    return found


def sha256(file):
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def last_line(text):
    lines = [line for line in text.splitlines() if line.startswith(("E:", "Err:", "W:"))]
    return lines[-1] if lines else (text.strip().splitlines() or ["no output"])[-1]


class Suite:
    """One suite of one archive at one mirror, as a private apt sees it."""

    def __init__(self, state, mirror, suite):
        self.state, self.mirror, self.suite = state, mirror, suite
        self.keyring = KEYRING

    def _apt(self, program, *arguments, seconds=UPDATE_SECONDS, folder=None):
        options = {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": self.state / "etc",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State::lists": self.state / "lists",
            "Dir::Cache": self.state / "cache",
            "APT::Sandbox::User": os.environ.get("USER") or "root",
            "APT::Architecture": ARCHITECTURE,
            "Acquire::Languages": "none",
        }
        flags = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        try:
            return subprocess.run([program, "-q", *flags, *arguments], capture_output=True,
                                  text=True, timeout=seconds, cwd=folder)
        except subprocess.TimeoutExpired as late:
            raise ArchiveError(f"{program} {arguments[0]} took over {seconds} s") from late

    def _write_source(self):
        for folder in ("etc", "lists/partial", "cache/archives/partial"):
            (self.state / folder).mkdir(parents=True, exist_ok=True)
        (self.state / "etc/suite.sources").write_text(
            f"Types: deb\nURIs: {self.mirror}\nSuites: {self.suite}\nComponents: main\n"
            f"Architectures: {ARCHITECTURE}\nSigned-By: {self.keyring}\n")

    def _newer_keyring(self):
        """An old installation may not know today's keys; its own release's newest package does."""
        folder = self.state / "keyring"
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "-q", "download", "debian-archive-keyring"], cwd=folder,
                       capture_output=True, timeout=UPDATE_SECONDS)
        for package in folder.glob("debian-archive-keyring_*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
            return folder / KEYRING.relative_to("/")
        return None

    def update(self):
        self._write_source()
        done = self._apt("apt-get", "update", "--error-on=any")
        if done.returncode != 0 and "NO_PUBKEY" in done.stdout + done.stderr:
            if newer := self._newer_keyring():
                self.keyring = newer
                self._write_source()
                done = self._apt("apt-get", "update", "--error-on=any")
        if done.returncode != 0:
            raise ArchiveError(f"the index of {self.suite}: {last_line(done.stdout + done.stderr)}")

    def download(self, package, folder):
        """Fetches the pinned package into `folder`; the path of its file."""
        done = self._apt("apt-get", "download", f"{package.name}={package.version}",
                         seconds=DOWNLOAD_SECONDS, folder=folder)
        if done.returncode != 0:
            raise ArchiveError(f"{package.name} {package.version} in {self.suite}: "
                               f"{last_line(done.stdout + done.stderr)}")
        (file,) = folder.glob(f"{package.name}_*.deb")
        if (found := sha256(file)) != package.sha256:
            file.unlink()
            raise Damaged(f"{package.name} {package.version}: its SHA-256 is {found}, pinned is "
                          f"{package.sha256}")
        return file

    def packages(self, pattern):
        """(name, version, sha256) of every package whose whole name matches."""
        listed = self._apt("apt-cache", "dumpavail")
        if listed.returncode != 0:
            raise ArchiveError(f"the packages of {self.suite}: {last_line(listed.stderr)}")
        wanted = re.compile(pattern)
        for stanza in listed.stdout.split("\n\n"):
            fields = dict(re.findall(r"^(Package|Version|SHA256): (.*)$", stanza, re.MULTILINE))
            if wanted.fullmatch(fields.get("Package", "")):
                yield fields["Package"], fields["Version"], fields["SHA256"]


def suites(cache, label, suite):
    """The suite at each of this machine's mirrors of the archive, in turn."""
    found = mirrors(label)
    if not found:
        raise ArchiveError(f"no source of this machine's apt is an archive labelled {label}")
    for number, mirror in enumerate(found):
        yield Suite(cache / "apt" / f"{label}-{suite}-{number}", mirror, suite)
