"""Rows of figures, as an aligned table and as JSON."""

import os
import statistics
from dataclasses import asdict, dataclass


@dataclass
class Row:
    group: str
    name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    unit: str = "x"
    gate: bool = False
    absent: str = ""  # why it was not measured
    failed: str = ""  # why it could not be measured

    @property
    def verdict(self):
        if self.failed:
            return "FAILED"
        if self.absent:
            return "NOT RUN"
        if self.at_most is None and self.at_least is None:
            return "-"
        met = ((self.at_most is None or self.value <= self.at_most)
               and (self.at_least is None or self.value >= self.at_least))
        return "OK" if met else "MISSED"


def summary(values):
    """Median with the smallest and the largest, as keyword arguments of a Row."""
    return {"value": statistics.median(values), "low": min(values), "high": max(values)}


def ratios(rounds, measured, base, figure):
    """The ratio in each round, where both ran within seconds of each other."""
    return summary([one[measured][figure] / one[base][figure] for one in rounds])


def _number(value, unit):
    if value is None:
        return ""
    if unit in ("x", "us", "/message", "/trip"):
        return f"{value:.3f}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _limit(row):
    if row.at_most is not None and row.at_least is not None:
        return f"{_number(row.at_least, '')}-{_number(row.at_most, '')}"
    if row.at_most is not None:
        return f"<= {_number(row.at_most, row.unit)}"
    if row.at_least is not None:
        return f">= {_number(row.at_least, row.unit)}"
    return ""


def _coloured(verdict, width, colour):
    codes = {"OK": "32", "MISSED": "33", "FAILED": "31", "NOT RUN": "33"}
    text = verdict.ljust(width)
    if not colour or verdict not in codes:
        return text
    return f"\033[{codes[verdict]}m{text}\033[0m"


def print_table(rows, stream):
    colour = stream.isatty() and not os.environ.get("NO_COLOR")
    wide = max((len(row.name) for row in rows), default=0)
    print(f"{'row'.ljust(wide)}  {'median':>10} {'unit':<9} {'spread':>19}  {'limit':>10}  verdict",
          file=stream)
    group = None
    for row in rows:
        if row.group != group:
            group = row.group
            print(f"[{group}]", file=stream)
        spread = ""
        if row.low is not None:
            spread = f"{_number(row.low, row.unit)} - {_number(row.high, row.unit)}"
        print(f"{row.name.ljust(wide)}  {_number(row.value, row.unit):>10} {row.unit:<9} "
              f"{spread:>19}  {_limit(row):>10}  {_coloured(row.verdict, 7, colour)}"
              f" {row.failed or row.absent}".rstrip(), file=stream)


def as_json(rows):
    return [{**asdict(row), "verdict": row.verdict} for row in rows]
