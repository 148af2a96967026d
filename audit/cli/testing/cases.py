"""What one test is about: a group under a rule, a rule, or the verdict. Plain text, so that workers can share it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

from audit.vocabulary.text import printable

CaseOutcome = Literal["pass", "fail", "inconclusive", "not_evaluable", "not_shown", "waived"]
OnInconclusive = Literal["fail", "skip", "pass"]

OVERALL: Final = "VERDICT"
"""Name of the test of the whole set. Ids of rules are in small letters, so that none is called so."""


@dataclass(frozen=True, slots=True)
class AuditCase:
    """One outcome of an audit, as a test tells it."""

    name: str
    """The same in every run: `VERDICT`, the id of a rule, or `rule[group]`."""
    rule: str | None
    """Id of the rule; None for the verdict."""
    group: str | None
    """The group, as in `nationality=NGA,gender=woman`; None for a rule and for the verdict."""
    outcome: CaseOutcome
    """What the audit says of it; `not_shown` of a group whose protected rate is not shown."""
    text: str
    """Rule, group, limit and what was found, in lines; of a case that neither fails nor passes the reason, in one."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the audit of a plan comes to."""

    cases: tuple[AuditCase, ...]
    """The verdict, then rule by rule and group by group."""
    notes: tuple[str, ...]
    """Lines for the log: that the audit was run, and what must be known of it."""
    plan: str = ""
    """The plan as a log names it."""

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Judged:
        """What `to_json` wrote."""
        words = json.loads(text)
        return cls(tuple(AuditCase(**case) for case in words["cases"]), tuple(words["notes"]), words["plan"])


class AuditVerdict:
    """What the fixture `audit7k_verdict` hands to a test. A test that looks at nothing of it is checked all the same.

    Parameters
    ----------
    case : AuditCase
        What it is about.
    on_inconclusive : {"fail", "skip", "pass"}
        What an inconclusive verdict over the whole set is to the test of it.
    """

    def __init__(self, case: AuditCase, on_inconclusive: OnInconclusive = "fail") -> None:
        self._case = case
        self._on_inconclusive = on_inconclusive
        self.was_read = False

    @property
    def case(self) -> AuditCase:
        """Rule, group, outcome and text. Whoever reads it decides what the test makes of it."""
        self.was_read = True
        return self._case

    def check(self) -> None:
        """Fail, skip or pass, as the audit says.

        A fail fails, unless somebody answers for it: a waived finding is skipped, with who does until when. What is
        inconclusive, not shown or not evaluable is skipped with its reason, as in our JUnit files; but the verdict over
        the whole set fails then, unless the option `audit7k_on_inconclusive` says otherwise.
        """
        __tracebackhide__ = True
        import pytest

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
    """A failure as somebody reads it: what is wrong in one line, and under it a line for each thing to know."""
    known = {name: " ".join(printable(words).split()) for name, words in lines.items() if words}
    return "\n".join([printable(title), *(f"  {name:<6} {words}" for name, words in known.items())])


def group_label(levels: Iterable[tuple[str, str, str]], finest: Mapping[str, str]) -> str:
    """A group in the name of a test, from feature, rung and code: `nationality=NGA`, `nationality/m49-region=002`."""
    return ",".join(
        printable(f"{feature}={code}" if finest.get(feature) == rung else f"{feature}/{rung}={code}")
        for feature, rung, code in levels
    )


def with_names_apart(cases: Sequence[AuditCase]) -> tuple[AuditCase, ...]:
    """The cases, numbered where another has the name: levels that differ in what cannot be printed alone."""
    found: list[AuditCase] = []
    taken: set[str] = set()
    for case in cases:
        number, name = 1, case.name
        while name in taken:
            number += 1
            name = f"{case.name} ({number})"
        taken.add(name)
        found.append(replace(case, name=name))
    return tuple(found)
