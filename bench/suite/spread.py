"""Medians, quartiles and what may be said about a change."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """Of a few measurements: the median, the middle half and the extremes."""
    median: float
    lower: float
    upper: float
    least: float
    most: float
    count: int


def summary(values):
    """The quartiles are those with the extremes at 0 and 100 %: of five values, the second and the
    fourth."""
    values = sorted(values)
    if not values:
        raise ValueError("no values to sum up")
    if len(values) == 1:
        lower = upper = values[0]
    else:
        lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
    return Summary(statistics.median(values), lower, upper, values[0], values[-1], len(values))


def paired_ratios(measured, base):
    """The ratio in each round that has both, where they ran within seconds of each other. Both are
    mappings from the number of a round to a figure; a figure of zero has no ratio."""
    return [measured[number] / base[number] for number in sorted(measured)
            if number in base and base[number] != 0]


@dataclass(frozen=True)
class Change:
    """Of a figure of which less is better."""
    old: Summary
    new: Summary
    relative: float  # 0.1: ten per cent more
    verdict: str     # "better", "worse" or "same"


def change(old_values, new_values, tolerance, slack=0.0):
    """Beyond noise is what moved by more than `tolerance` (relative) and `slack` (absolute) and
    whose middle halves lie apart."""
    old, new = summary(old_values), summary(new_values)
    moved = new.median - old.median
    relative = moved / old.median if old.median else (0.0 if moved == 0 else float("inf"))
    apart = new.lower > old.upper or new.upper < old.lower
    if not apart or abs(relative) <= tolerance or abs(moved) <= slack:
        return Change(old, new, relative, "same")
    return Change(old, new, relative, "worse" if moved > 0 else "better")
