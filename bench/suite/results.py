"""The results of a run, and their form as JSON."""

import json
import math
from dataclasses import asdict, dataclass, field

from suite.spread import paired_ratios, summary

FORMAT = "myra bench"
VERSION = 1


class Unusable(Exception):
    """A file that holds no results; the text says what was found and what was expected."""


@dataclass
class SubjectResult:
    name: str
    runs: list = field(default_factory=list)  # figures by name, and the number of the round
    absent: str = ""                          # why it was not measured
    failed: str = ""                          # why it could not be measured

    @property
    def reason(self):
        return self.failed or self.absent

    def values(self, figure):
        return [run[figure] for run in self.runs if figure in run]

    def by_round(self, figure):
        return {run["round"]: run[figure] for run in self.runs if figure in run}

    def summary(self, figure):
        """Nothing when there is no such figure."""
        values = self.values(figure)
        return summary(values) if values else None


@dataclass
class ScenarioResult:
    name: str
    title: str
    figure: str
    unit: str
    base: str
    parameters: dict
    subjects: list

    def subject(self, name):
        return next((one for one in self.subjects if one.name == name), None)

    def ratios(self, subject, figure=None):
        """To the base, in each round that has both; empty for the base itself."""
        base = self.subject(self.base)
        if base is None or subject.name == self.base:
            return []
        figure = figure or self.figure
        return paired_ratios(subject.by_round(figure), base.by_round(figure))


@dataclass
class Results:
    about: dict  # the machine, the options, when and how long
    scenarios: list

    def scenario(self, name):
        return next((one for one in self.scenarios if one.name == name), None)


def save(results, path):
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"format": FORMAT, "version": VERSION, **asdict(results)}, out, indent=1)
        out.write("\n")


def load(path):
    """Raises Unusable for whatever is not the results of a run."""
    try:
        with open(path, encoding="utf-8") as text:
            return _results_of(json.load(text))
    except OSError as why:
        raise Unusable(f"{path}: {why.strerror}") from None
    except UnicodeDecodeError:
        raise Unusable(f"{path}: found bytes that are no text, expected JSON") from None
    except json.JSONDecodeError as why:
        raise Unusable(f"{path}:{why.lineno}:{why.colno}: no JSON: {why.msg}") from None
    except Unusable as why:
        raise Unusable(f"{path}: {why}") from None


def _results_of(found):
    form = found.get("format") if isinstance(found, dict) else None
    if form != FORMAT:
        raise Unusable(f"format: found {json.dumps(form)}, expected {json.dumps(FORMAT)}; "
                       "'myra bench run --json FILE' writes such files")
    if found.get("version") != VERSION:
        raise Unusable(f"version: found {json.dumps(found.get('version'))}, expected {VERSION}")
    about = _need(found, "about", dict, "the file")
    scenarios = [_scenario_of(one) for one in _need(found, "scenarios", list, "the file")]
    return Results(about, scenarios)


def _scenario_of(found):
    name = _need(found, "name", str, "a scenario")
    words = {key: _need(found, key, str, f"scenario '{name}'")
             for key in ("name", "title", "figure", "unit", "base")}
    subjects = _need(found, "subjects", list, f"scenario '{name}'")
    parameters = _need(found, "parameters", dict, f"scenario '{name}'")
    return ScenarioResult(**words, parameters=parameters,
                          subjects=[_subject_of(one, name) for one in subjects])


def _subject_of(found, scenario):
    name = _need(found, "name", str, f"a subject of '{scenario}'")
    where = f"'{name}' in '{scenario}'"
    runs = _need(found, "runs", list, where)
    for run in runs:
        if not isinstance(run, dict) or not isinstance(run.get("round"), int):
            raise Unusable(f"{where}: a run has no number of its round")
        for figure, value in run.items():
            if (isinstance(value, bool) or not isinstance(value, (int, float))
                    or not math.isfinite(value)):
                raise Unusable(f"{where}: {figure}: found {json.dumps(value)}, expected a number")
    return SubjectResult(name, runs, _need(found, "absent", str, where),
                         _need(found, "failed", str, where))


def _need(found, key, kind, where):
    value = found.get(key) if isinstance(found, dict) else None
    if not isinstance(value, kind):
        names = {dict: "an object", list: "an array", str: "text"}
        raise Unusable(f"{where}: {key}: expected {names[kind]}")
    return value
