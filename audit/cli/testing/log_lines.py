"""Lines at the end of a log on outcomes that fail no test: pytest shows a skipped test as one letter only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from audit.cli.testing.cases import OVERALL, AuditCase, JudgedPlan

_MOST: Final = 10
"""Most cases of each kind that are named."""


def summary_lines(judged: JudgedPlan) -> list[str]:
    """Write the end of a log: that the plan was audited, what is waived, and what is undecided."""
    of_groups = [case for case in judged.cases if case.group is not None]
    lines = [_in_one_line(case) for case in judged.cases if case.name == OVERALL and case.outcome == "inconclusive"]
    waived = [case.text for case in judged.cases if case.outcome == "waived"]
    lines += [f"waived: {text}" for text in waived[:_MOST]]
    if len(waived) > _MOST:
        lines.append(f"waived: {len(waived) - _MOST:,} more (pytest -rs names them)")
    kinds = (("inconclusive", "cannot tell of"), ("not_evaluable", "not tested"))
    for outcome, words in kinds:
        names = [case.name for case in of_groups if case.outcome == outcome]
        if names:
            lines.append(f"{words} {len(names):,} (pytest -rs says why): {_named(names)}")
    return [*judged.notes, *(f"{judged.plan}: {line}" for line in lines)]


def _in_one_line(case: AuditCase) -> str:
    return f"{case.name}: " + "; ".join(" ".join(line.split()) for line in case.text.splitlines())


def _named(names: Sequence[str]) -> str:
    more = len(names) - _MOST
    return "; ".join(names[:_MOST]) + (f" and {more:,} more" if more > 0 else "")
