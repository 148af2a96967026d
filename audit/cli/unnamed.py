"""A FAIL without a name in the terminal: one or more nationalities are beyond a limit, and none may be singled out."""

from __future__ import annotations

from typing import Final

from audit.result.audit_result import AuditResult
from audit.result.findings import Verdict
from audit.vocabulary.groups import Family

UNNAMED: Final = "one or more nationalities are beyond the limit; none may be singled out"
"""What is said of them, in one line of 80 columns."""


class Unnamed:
    """The families of a result some of whose groups are beyond a limit although none is named, by rule."""

    def __init__(self, result: AuditResult) -> None:
        named = {(verdict.rule, verdict.group.family) for verdict in result.verdicts if verdict.outcome == "fail"}
        self._families: list[tuple[str, Family]] = [
            (rule.rule, family.family)
            for rule in result.rules
            for family in rule.families
            if family.unnamed_beyond and (rule.rule, family.family) not in named
        ]

    def __bool__(self) -> bool:
        return bool(self._families)

    def may_hold(self, verdict: Verdict) -> bool:
        """Whether a group may be one of them, or a part of one: none such is listed, as a list would do the naming."""
        axes = {*verdict.group.family.axes}
        return any(rule == verdict.rule and axes.issuperset(family.axes) for rule, family in self._families)
