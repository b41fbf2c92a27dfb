"""What changed between two results, beyond noise.

CPU and latency are compared as ratios to the base that ran in the same rounds, since the machine
differs from day to day; kernel entries and memory as they are.
"""

from dataclasses import dataclass

from suite.spread import Change, change

# Figures that mean the same on any day: relative tolerance, absolute slack.
ABSOLUTE = {"entries": (0.15, 0.005), "idle_bytes": (0.05, 16.0), "peak_memory_bytes": (0.10, 1e6)}


@dataclass(frozen=True)
class Finding:
    scenario: str
    subject: str
    figure: str
    change: Change


@dataclass(frozen=True)
class Comparison:
    findings: list
    missing: list  # what the new one does not have
    broken: list   # what could not be measured any more

    @property
    def worse(self):
        return [one for one in self.findings if one.change.verdict == "worse"]

    @property
    def better(self):
        return [one for one in self.findings if one.change.verdict == "better"]


def compare(old, new, tolerance):
    findings, missing, broken = [], [], []
    for before in old.scenarios:
        after = new.scenario(before.name)
        if after is None:
            missing.append(f"{before.name}: not in the new results")
            continue
        for one in before.subjects:
            other = after.subject(one.name)
            if not one.runs:
                continue
            if other is not None and other.failed:
                broken.append(f"{before.name}, {one.name}: {other.failed}")
                continue
            if other is None or not other.runs:
                why = f": {other.absent}" if other is not None and other.absent else ""
                missing.append(f"{before.name}, {one.name}: not in the new results{why}")
                continue
            findings += _findings(before, one, after, other, tolerance)
    return Comparison(findings, missing, broken)


def _findings(before, one, after, other, tolerance):
    name = before.name
    if before.figure not in ABSOLUTE and (before.figure, before.base) == (after.figure, after.base):
        old_ratios, new_ratios = before.ratios(one), after.ratios(other)
        if old_ratios and new_ratios:
            yield Finding(name, one.name, f"{before.figure} / {before.base}",
                          change(old_ratios, new_ratios, tolerance))
    for figure, (relative, slack) in ABSOLUTE.items():
        old_values, new_values = one.values(figure), other.values(figure)
        if old_values and new_values:
            yield Finding(name, one.name, figure,
                          change(old_values, new_values, max(relative, tolerance), slack))


def describe(finding):
    found = finding.change
    percent = f"{100 * found.relative:+.1f} %" if abs(found.relative) != float("inf") else "from 0"
    return (f"{found.verdict:<6}  {finding.scenario}, {finding.subject}: {finding.figure} "
            f"{found.old.median:.4g} ({found.old.lower:.4g} - {found.old.upper:.4g}) -> "
            f"{found.new.median:.4g} ({found.new.lower:.4g} - {found.new.upper:.4g}), {percent}")
