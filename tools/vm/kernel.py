"""Kernels unpacked in a cache outside the build folder, fetched when they are not there."""

import fcntl
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cmp_to_key
from pathlib import Path

import archive
import pins

# The small flavour that Debian makes for virtual machines. Later releases split the package.
NAME = r"linux-(?:image|binary|modules|base)-{series}[.-].*-cloud-amd64|" \
       r"linux-(?:image|binary|modules|base)-{series}-cloud-amd64"


class Unavailable(Exception):
    """The archives do not carry this kernel any more, or cannot be reached."""


@dataclass
class Kernel:
    series: str
    version: str  # the package's
    folder: Path

    @property
    def release(self):
        """As uname(2) says it."""
        return (self.folder / "release").read_text().strip()

    @property
    def image(self):
        return self.folder / "vmlinuz"

    @property
    def root(self):
        """The folder that holds lib/modules."""
        return self.folder / "root"

    def modules(self, names):
        """The files of these modules and of all that they need, in the order of loading; and the
        names that this kernel has no module of."""
        files, missing = [], []
        for name in names:
            shown = subprocess.run(
                ["/sbin/modprobe", "--dirname", self.root, "--set-version", self.release,
                 "--show-depends", name], capture_output=True, text=True)
            if shown.returncode != 0:
                missing.append(name)
                continue
            for line in shown.stdout.splitlines():
                verb, _, rest = line.partition(" ")
                if verb == "insmod" and (file := Path(rest.split()[0])) not in files:
                    files.append(file)
        return files, missing


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "myra-vm"


@contextmanager
def locked(cache):
    """Two harnesses that start together fetch once."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unpack(files, folder):
    """Lays the packages out as vmlinuz, config, release and root/lib/modules, whichever way their
    Debian release splits them."""
    raw = folder / "raw"
    raw.mkdir(parents=True)
    for file in files:
        subprocess.run(["dpkg-deb", "-x", file, raw], check=True)
    modules = folder / "root/lib/modules"
    modules.mkdir(parents=True)
    for found in [*raw.glob("lib/modules/*"), *raw.glob("usr/lib/modules/*")]:
        shutil.copytree(found, modules / found.name, dirs_exist_ok=True, symlinks=True)
    (release,) = {found.name for found in modules.iterdir()}
    for name in ("vmlinuz", "config"):
        places = [raw / f"boot/{name}-{release}", modules / release / name]
        shutil.copy(next(place for place in places if place.exists()), folder / name)
    subprocess.run(["/sbin/depmod", "-b", folder / "root", release], check=True)
    (folder / "release").write_text(release + "\n")
    shutil.rmtree(raw)


def fetch_candidate(candidate, cache, folder, say):
    """Tries the archive's mirrors in turn; why each did not do when none does."""
    if not candidate.packages:
        raise archive.ArchiveError(f"{candidate.series} of {candidate.suite} is not pinned: "
                                   "./dev vm refresh")
    reasons = []
    for suite in archive.suites(cache, candidate.archive, candidate.suite):
        say(f"fetching Linux {candidate.version} from {candidate.suite}")
        downloads = folder.with_name(folder.name + ".debs")
        fresh = folder.with_name(folder.name + ".new")
        for each in (downloads, fresh):
            shutil.rmtree(each, ignore_errors=True)
            each.mkdir(parents=True)
        try:
            suite.update()
            unpack([suite.download(each, downloads) for each in candidate.packages], fresh)
            fresh.rename(folder)
            return
        except archive.ArchiveError as error:
            reasons.append(str(error))
        finally:
            shutil.rmtree(downloads, ignore_errors=True)
            shutil.rmtree(fresh, ignore_errors=True)
    raise archive.ArchiveError("; ".join(reasons))


def folder_name(candidate):
    return f"{candidate.series}-{candidate.version}"


def get(series, say, cache=None):
    """The kernel of that series, fetched when the cache lacks it. A package that is not the pinned
    one is an error (archive.Damaged), and no reason to do without."""
    cache = cache or cache_folder()
    candidates = pins.by_series(pins.read()).get(series)
    if not candidates:
        known = " ".join(pins.by_series(pins.read()))
        raise Unavailable(f"no kernel {series} is pinned in tools/vm/kernels.txt. Pinned: {known}")
    with locked(cache):
        reasons = []
        for candidate in candidates:
            folder = cache / "kernels" / folder_name(candidate)
            try:
                if not folder.exists():
                    fetch_candidate(candidate, cache, folder, say)
                return Kernel(series, candidate.version, folder)
            except archive.ArchiveError as error:
                reasons.append(str(error))
    raise Unavailable("; ".join(reasons))


def compare_versions(left, right):
    """As Debian orders versions (deb-version(7))."""
    if left == right:
        return 0
    older = subprocess.run(["dpkg", "--compare-versions", left, "lt", right]).returncode == 0
    return -1 if older else 1


def newest(series, suite):
    """The packages of the newest kernel of that series in an updated suite."""
    pattern = NAME.format(series=re.escape(series))
    found = [pins.Package(*each) for each in suite.packages(pattern)]
    # A package that only depends on the others is a kilobyte, and named like the old whole one.
    newest_version = max((each.version for each in found), key=cmp_to_key(compare_versions),
                         default=None)
    split = [each for each in found if each.version == newest_version]
    whole = [each for each in split if each.name.startswith("linux-image-")]
    parts = [each for each in split if not each.name.startswith("linux-image-")]
    return sorted(parts or whole, key=lambda each: each.name)


def prune(cache, candidates):
    """Removes the kernels from the cache that are not pinned any more; their names."""
    pinned = {folder_name(each) for each in candidates}
    gone = [found for found in (cache / "kernels").glob("*") if found.name not in pinned]
    for folder in gone:
        shutil.rmtree(folder)
    return [folder.name for folder in gone]


def refresh(say, cache=None):
    """Pins the newest of every series and suite in the file; keeps what cannot be found."""
    cache = cache or cache_folder()
    candidates = pins.read()
    with locked(cache):
        for candidate in candidates:
            try:
                suite = next(iter(archive.suites(cache, candidate.archive, candidate.suite)))
                suite.update()
                found = newest(candidate.series, suite)
                if not found:
                    raise archive.ArchiveError(f"no Linux {candidate.series} in {candidate.suite}")
            except archive.ArchiveError as error:
                say(f"{candidate.series} of {candidate.suite} stays at {candidate.version}: {error}")
                continue
            say(f"{candidate.series} of {candidate.suite}: {candidate.version} -> "
                f"{found[0].version}")
            candidate.packages = found
        pins.write(candidates)
        for name in prune(cache, candidates):
            say(f"removed {name} from the cache")
