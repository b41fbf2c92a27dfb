"""Runs scenarios in interleaved rounds and keeps every figure of every run."""

from core.processes import Absent, Failure
from suite.results import ScenarioResult, SubjectResult


ENTRY_RUNS_MAX = 3


def run_scenario(stand, scenario, pairs, wait_for_quiet):
    """A B A B: each subject once a round, the order turned about from round to round, so that a
    drift of the machine falls out of the ratios. A subject that is absent or fails is left out,
    with its reason."""
    pairs = 1 if scenario.once else pairs
    found = {name: SubjectResult(name) for name in scenario.subjects}
    subjects = {}
    for name, result in found.items():
        _try(result, lambda name=name: subjects.update({name: stand.catalogue.subject(name)}))

    for number in range(pairs):
        for name in scenario.subjects if number % 2 == 0 else scenario.subjects[::-1]:
            if found[name].reason:
                continue
            stand.progress(f"{scenario.name}, round {number + 1}/{pairs}: {name}")
            wait_for_quiet()
            _try(found[name], lambda name=name, number=number: found[name].runs.append(
                {"round": number, **scenario.measure(stand, subjects[name])}))
    _count_entries(stand, scenario, subjects, found)
    return ScenarioResult(scenario.name, scenario.title, scenario.figure, scenario.unit,
                          scenario.base, scenario.parameters, list(found.values()))


def _count_entries(stand, scenario, subjects, found):
    if scenario.entries is None:
        return
    for name, result in found.items():
        if result.reason or not result.runs:
            continue
        # More than one, so that a comparison knows how much they vary; the first rounds have them.
        for number, run in enumerate(result.runs[:ENTRY_RUNS_MAX if len(result.runs) > 2 else 1]):
            stand.progress(f"{scenario.name}, kernel entries {number + 1}: {name}")
            _try(result, lambda name=name, run=run: run.update(
                {"entries": scenario.entries(stand, subjects[name]).get("entries", 0.0)}))


def _try(result, act):
    try:
        act()
    except Absent as why:
        result.absent = str(why)
    except Failure as why:
        result.failed = str(why)
