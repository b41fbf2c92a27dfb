"""The pinned kernels: reads and writes kernels.txt."""

from dataclasses import dataclass, field
from pathlib import Path

FILE = Path(__file__).with_name("kernels.txt")
COLUMNS = 6


class PinError(Exception):
    """A line of the file that says nothing useful."""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    sha256: str


@dataclass
class Candidate:
    """A kernel as one suite of one archive carries it: one package, or several."""

    series: str
    archive: str  # the archive's label: Debian, Debian-Security
    suite: str
    packages: list = field(default_factory=list)

    @property
    def version(self):
        return self.packages[0].version if self.packages else "not pinned"


def split(line, number):
    words = line.split()
    if len(words) != COLUMNS:
        raise PinError(f"{FILE.name}, line {number}: {len(words)} columns, expected {COLUMNS} "
                       "(series archive suite package version sha256)")
    return words


def parse(text):
    """The comment at the top, and the candidates in the file's order."""
    comment, found = [], {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#") or not line.strip():
            comment.append(line)
            continue
        series, archive, suite, *package = split(line, number)
        candidate = found.setdefault((series, archive, suite), Candidate(series, archive, suite))
        if package != ["-", "-", "-"]:
            candidate.packages.append(Package(*package))
    return comment, list(found.values())


def read(file=FILE):
    return parse(file.read_text())[1]


def by_series(candidates):
    """The candidates of each series, series in the file's order."""
    series = {}
    for candidate in candidates:
        series.setdefault(candidate.series, []).append(candidate)
    return series


def rows(candidates):
    for each in candidates:
        for package in each.packages or [Package("-", "-", "-")]:
            yield (each.series, each.archive, each.suite,
                   package.name, package.version, package.sha256)


def write(candidates, file=FILE):
    comment, _ = parse(file.read_text())
    table = list(rows(candidates))
    widths = [max(len(row[column]) for row in table) for column in range(COLUMNS)]
    lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip()
             for row in table]
    file.write_text("\n".join([*comment, *lines]) + "\n")
