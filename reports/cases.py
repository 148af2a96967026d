"""Cases as pipelines read them: one shape for exact and for public ones, under JUnit, SARIF and code quality."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from audit.vocabulary.attempts import HistoryRecord


@dataclass(frozen=True, slots=True)
class Waived:
    """Waiver of a case."""

    words: str
    """By whom, until when, on what ground."""
    has_expired: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One outcome: of a group, of a probe's change, of a rule, or of the whole set."""

    name: str
    outcome: str
    """`pass`, `fail`, or any other word, which neither passes nor fails."""
    message: str
    """What was found, and why."""
    key: str
    """Name that stays the same from run to run, among those of its rule."""
    within: str = ""
    """Class of the case; empty: the name of its suite."""
    waived: Waived | None = None
    group_name: str = ""
    """Who it is about, in words; empty where the name says it."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A rule, the change since an earlier audit, or the verdict, with everything that it judges."""

    name: str
    kind: Literal["verdict", "disparity", "regression"]
    verdict: Case
    """How it came out as a whole."""
    cases: tuple[Case, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    line: int | None = None
    """Line of the plan file on which it stands, from 1."""
    said_by: Literal["cases", "others", "itself"] = "cases"
    """Who says all of its fail: its failing cases, where it has any, other suites, or nobody but itself."""
    warns: bool = False
    """Whether its fails stop no build: the plan has on_fail = "warn"."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a pipeline must not pass over: a case that fails, or a suite that does not pass and whose cases do not say
    it.
    """

    suite: Suite
    case: Case
    level: Literal["error", "warning"]


def results(suites: Sequence[Suite]) -> Iterator[Result]:
    """Yield what is no pass. Only a pass is silent."""
    for suite in suites:
        failing = [case for case in suite.cases if case.outcome == "fail"]
        yield from (Result(suite, case, "warning" if suite.warns else "error") for case in failing)
        fails = suite.verdict.outcome == "fail"
        said_elsewhere = fails and (suite.said_by == "others" or bool(failing and suite.said_by == "cases"))
        if suite.verdict.outcome != "pass" and not said_elsewhere:
            yield Result(suite, suite.verdict, "error" if fails and not suite.warns else "warning")


def fingerprint(system: str, rule: str, key: str) -> str:
    """Return the name of a result by which a service knows it again."""
    return hashlib.sha256(json.dumps([system, rule, key]).encode("utf-8", "surrogatepass")).hexdigest()


def history_properties(history: HistoryRecord | None) -> list[tuple[str, str]]:
    """Return what a history of audits shows of one, for the suite of its verdict; nothing where there is none."""
    if history is None:
        return []
    before = f"; before it: {', '.join(history.earlier).replace('_', ' ')}" if history.earlier else ""
    waiting = f"; {history.open_registrations} registered without a result" if history.open_registrations else ""
    return [("attempt", f"{history.attempt}{before}{waiting}"), ("limits registered", history.registration)]
