"""Holds what `myra probe` says on a kernel against what that kernel really has."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

FILE = Path(__file__).with_name("features.toml")
SELF_TEST_SAYS = "gets it wrong in the self-test"


@dataclass(frozen=True)
class Expected:
    since: str
    refused: str = ""
    needs: str = ""       # what not everybody has: absent for a reason that names it
    variants: tuple = ()  # of the conformance suite: what it is with this feature switched
    wrong_on: dict = field(default_factory=dict)  # series -> what the self-test says there


def ordered(series):
    return tuple(int(part) for part in series.split("."))


def masks(file=FILE):
    """What each kernel with io_uring says of itself, by series."""
    return tomllib.loads(file.read_text())["masks"]


def read(file=FILE):
    """The first series with io_uring, and the features by name."""
    table = tomllib.loads(file.read_text())
    return table["uring_since"], {name: expected(row) for name, row in table["features"].items()}


def expected(row):
    return Expected(**{**row, "variants": tuple(row.get("variants", ()))})


def wrong_feature(name, found, expected, series):
    """One sentence, or nothing."""
    state, why = found["state"], found["why"]
    there = ordered(series) >= ordered(expected.since)
    if not why:
        return f"{name}: {state}, and no reason given"
    if words := expected.wrong_on.get(series):
        if state != "used" and f"{SELF_TEST_SAYS}: {words}" in why:
            return None
        return f"{name}: Linux {series} gets it wrong ({words}), the probe says: {state}, {why}"
    accepted = [reason for reason in (expected.refused, expected.needs) if reason]
    if there and state == "absent" and not any(reason in why for reason in accepted):
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


def wrong_masks(probe, series, known):
    """Bits and operations that the kernel tells of and Myra does not see, or the other way round."""
    if series not in known:
        yield f"Linux {series} has no row in [masks] of tools/vm/features.toml"
    for name, value in known.get(series, {}).items():
        if probe.get(name) != value:
            yield f"{name}: {probe.get(name)}, expected {value} on Linux {series}"


def wrong_self_test(found, expected, series):
    """The self-test at start-up has to find right what these kernels do right."""
    for each in found.values():
        known = each["name"] in expected and series in expected[each["name"]].wrong_on
        if SELF_TEST_SAYS in each["why"] and not known:
            yield f"{each['name']}: the self-test finds it wrong: {each['why']}"


def mismatches(probe, series, since, expected, known_masks):
    """What the probe gets wrong on a kernel of that series; one sentence each."""
    there = ordered(series) >= ordered(since)
    wrong = [wrong_backend(probe, there, since)]
    found = {each["name"]: each for each in probe["features"]}
    wrong += wrong_self_test(found, expected, series)
    if there:
        wrong += wrong_masks(probe, series, known_masks)
        wrong += [f"{name}: the probe does not mention it" for name in expected if name not in found]
    for name, each in found.items():
        if name in expected:
            wrong.append(wrong_feature(name, each, expected[name], series))
        else:
            wrong.append(f"{name}: not in tools/vm/features.toml; write down which kernels have it")
    return [each for each in wrong if each]
