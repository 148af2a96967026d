"""Cases, one for each test: a group under a rule, a rule, or the verdict. As plain text, workers can share them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

import pytest

from audit.vocabulary.text import printable

CaseOutcome = Literal["pass", "fail", "inconclusive", "not_evaluable", "waived"]
OnInconclusive = Literal["fail", "skip", "pass"]

OVERALL: Final = "VERDICT"
"""Name of the test of the whole set. Ids of rules are in small letters, so no rule has this name."""


@dataclass(frozen=True, slots=True)
class AuditCase:
    """One outcome of an audit, as a test reports it."""

    name: str
    """Name, stable from run to run: `VERDICT`, the id of a rule, or `rule[group]`."""
    rule: str | None
    """Id of the rule; None for the verdict."""
    group: str | None
    """Group, as in `nationality=NGA,gender=woman`; None for a rule and for the verdict."""
    outcome: CaseOutcome
    """Outcome in the audit."""
    text: str
    """Lines with rule, group, limit and finding; for a case that neither fails nor passes, one line with the reason."""


@dataclass(frozen=True, slots=True)
class JudgedPlan:
    """Outcome of the audit of a plan."""

    cases: tuple[AuditCase, ...]
    """Case of the verdict, then the cases rule by rule and group by group."""
    notes: tuple[str, ...]
    """Lines for the log: that the audit was run, and what readers must know about it."""
    plan: str = ""
    """Name of the plan in a log."""

    def to_json(self) -> str:
        """Write the outcome as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> JudgedPlan:
        """Read what `to_json` wrote."""
        words = json.loads(text)
        return cls(tuple(AuditCase(**case) for case in words["cases"]), tuple(words["notes"]), words["plan"])


class AuditVerdict:
    """Verdict that the fixture `audit7k_verdict` hands to a test. It is checked even if the test ignores it.

    Parameters
    ----------
    case : AuditCase
        The case that it is about.
    on_inconclusive : {"fail", "skip", "pass"}
        What the test of the whole set does if its verdict is inconclusive.
    """

    def __init__(self, case: AuditCase, on_inconclusive: OnInconclusive = "fail") -> None:
        self._case = case
        self._on_inconclusive = on_inconclusive
        self.was_read = False

    @property
    def case(self) -> AuditCase:
        """Rule, group, outcome and text. A test that reads it decides the outcome of the test itself."""
        self.was_read = True
        return self._case

    def check(self) -> None:
        """Fail, skip or pass the test, as the audit says.

        A fail fails, unless it is waived: a waived finding is skipped, with the name of who answers for it until when.
        An outcome that is inconclusive or not evaluable is skipped with its reason, as in our JUnit files.
        But the verdict over the whole set then fails, unless the option `audit7k_on_inconclusive` says otherwise.
        """
        __tracebackhide__ = True

        case = self.case
        if case.outcome == "pass":
            return
        if case.outcome == "fail":
            pytest.fail(case.text, pytrace=False)
        if case.name != OVERALL or case.outcome == "waived" or self._on_inconclusive == "skip":
            pytest.skip(case.text)
        if self._on_inconclusive == "fail":
            pytest.fail(case.text, pytrace=False)


def block(title: str, **lines: str) -> str:
    """Write a failure for a reader: one line on what is wrong, and under it a line for each fact."""
    known = {name: " ".join(printable(words).split()) for name, words in lines.items() if words}
    return "\n".join([printable(title), *(f"  {name:<6} {words}" for name, words in known.items())])


def group_label(levels: Iterable[tuple[str, str, str]], finest: Mapping[str, str]) -> str:
    """Label a group in a test's name by feature, rung and code: `nationality=NGA`, `nationality/m49-region=002`."""
    return ",".join(
        printable(f"{feature}={code}" if finest.get(feature) == rung else f"{feature}/{rung}={code}")
        for feature, rung, code in levels
    )


def with_names_apart(cases: Sequence[AuditCase]) -> tuple[AuditCase, ...]:
    """Return the cases, with a number where a name is taken: levels may differ only in unprintable characters."""
    renamed: list[AuditCase] = []
    taken: set[str] = set()
    for case in cases:
        number, name = 1, case.name
        while name in taken:
            number += 1
            name = f"{case.name} ({number})"
        taken.add(name)
        renamed.append(replace(case, name=name))
    return tuple(renamed)
