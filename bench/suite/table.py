"""Results as an aligned table."""

import os

from suite.spread import summary


def number(value):
    """Three or four figures that count, without an exponent."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 0.1:
        return f"{value:.3f}"
    return f"{value:.4f}"


def bytes_text(value):
    if value is None:
        return ""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return ""


def median(subject, figure):
    found = subject.summary(figure)
    return found.median if found else None


def user_ns(subject):
    """Of the median of the CPU time, by the part that user time has in all rounds together: the
    kernel's samples of one are few."""
    total, user = sum(subject.values("cpu_ns")), sum(subject.values("user_ns"))
    return median(subject, "cpu_ns") * user / total if total else 0.0


def _split(subject):
    """User and system time as text."""
    if not subject.values("user_ns"):
        return "", ""
    user = user_ns(subject)
    return number(user), number(median(subject, "cpu_ns") - user)


COLUMNS = ("subject", "median", "spread", "ratio", "its spread", "user", "system", "entries",
           "messages/s", "p50 us", "p99 us", "peak memory")


def cells(scenario, subject):
    """The cells of a row, as text, in the order of COLUMNS."""
    found = subject.summary(scenario.figure)
    ratios = scenario.ratios(subject)
    ratio = summary(ratios) if ratios else None
    return [
        subject.name,
        number(found.median) if found else "",
        f"{number(found.least)} - {number(found.most)}" if found else "",
        f"{ratio.median:.3f}" if ratio else ("1" if subject.name == scenario.base else ""),
        f"{ratio.least:.3f} - {ratio.most:.3f}" if ratio else "",
        *_split(subject),
        number(median(subject, "entries")), number(median(subject, "messages_per_second")),
        number(median(subject, "p50_us")), number(median(subject, "p99_us")),
        bytes_text(median(subject, "peak_memory_bytes")),
    ]


def print_scenario(scenario, stream):
    bold, dim, red, plain = _codes(stream)
    print(f"\n{bold}{scenario.name}{plain}  {scenario.title} ({scenario.unit})", file=stream)
    rows = [list(COLUMNS)] + [cells(scenario, one) for one in scenario.subjects]
    keep = [column for column in range(len(COLUMNS))
            if any(row[column] for row in rows[1:])]
    widths = {column: max(len(row[column]) for row in rows) for column in keep}
    for index, row in enumerate(rows):
        line = "  ".join(row[column].ljust(widths[column]) if column == 0
                         else row[column].rjust(widths[column]) for column in keep)
        if index == 0:
            print(f"{dim}{line}{plain}", file=stream)
            continue
        one = scenario.subjects[index - 1]
        if one.failed:
            line = f"{row[0].ljust(widths[0])}  {red}FAILED{plain} {one.failed}"
        elif one.absent:
            line = f"{row[0].ljust(widths[0])}  {dim}not run: {one.absent}{plain}"
        print(line.rstrip(), file=stream)


def _codes(stream):
    if stream.isatty() and not os.environ.get("NO_COLOR"):
        return "\033[1m", "\033[2m", "\033[31m", "\033[0m"
    return "", "", "", ""
