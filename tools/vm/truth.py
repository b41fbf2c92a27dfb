"""Holds what `myra probe` says on a kernel against what that kernel really has."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("features.toml")


@dataclass(frozen=True)
class Expected:
    since: str
    refused: str = ""


def ordered(series):
    return tuple(int(part) for part in series.split("."))


def read(file=FILE):
    """The first series with io_uring, and the features by name."""
    table = tomllib.loads(file.read_text())
    return table["uring_since"], {name: Expected(**row) for name, row in table["features"].items()}


def wrong_feature(name, found, expected, series):
    """One sentence, or nothing."""
    state, why = found["state"], found["why"]
    there = ordered(series) >= ordered(expected.since)
    if not why:
        return f"{name}: {state}, and no reason given"
    if there and state == "absent" and not (expected.refused and expected.refused in why):
        return f"{name}: Linux {series} has it (since {expected.since}), the probe says: {why}"
    if there and expected.refused and state != "absent":
        return f"{name}: {state}, while features.toml still says that Myra refuses it"
    if not there and state != "absent":
        return f"{name}: {state}, but Linux has it only since {expected.since}"
    return None


def wrong_backend(probe, there, since):
    if there and not (probe["uring"] and probe["backend"] == "uring"):
        return f"io_uring is refused: {probe['uring_why']}; it is to be used from Linux {since}"
    if not there and (probe["uring"] or probe["backend"] != "epoll"):
        return f"io_uring is used, on a kernel older than Linux {since}"
    if not there and since not in probe["backend_why"]:
        return f"epoll is used and the reason does not name Linux {since}: {probe['backend_why']}"
    return None


def mismatches(probe, series, since, expected):
    """What the probe gets wrong on a kernel of that series; one sentence each."""
    there = ordered(series) >= ordered(since)
    wrong = [wrong_backend(probe, there, since)]
    found = {each["name"]: each for each in probe["features"]}
    if there:
        wrong += [f"{name}: the probe does not mention it" for name in expected if name not in found]
    for name, each in found.items():
        if name in expected:
            wrong.append(wrong_feature(name, each, expected[name], series))
        else:
            wrong.append(f"{name}: not in tools/vm/features.toml; write down which kernels have it")
    return [each for each in wrong if each]
