"""The answer of an audit, small enough for a cell of a notebook: restricted, without a script, every name escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from audit.result.reading import JudgedRate, Reading
from audit.result.selected import selected
from audit.result.urgency import most_urgent_first, state_of
from audit.vocabulary.groups import Group, SensitiveFeature
from audit.vocabulary.numbers import percent
from audit.vocabulary.text import printable

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult

_MOST: Final = 6
_WORDS: Final = {"fail": "FAIL", "pass": "within", "inconclusive": "cannot tell", "as_part": "cannot tell"}
RESTRICTED: Final = "Exact counts can single out people; not for publication."


def in_100(share: float | None) -> str:
    """Write a share as people read it: "31 of 100", "<1 of 100"; a dash where it is not known."""
    return "–" if share is None else f"{percent(share).rstrip('%')} of 100"


def likely_words(finding: JudgedRate) -> str:
    """Write the ends of a group's likely range: "24 to 39"."""
    return " to ".join(percent(end).rstrip("%") for end in finding.ends)


def answer_html(result: AuditResult) -> str:
    """Write the verdict and the most urgent groups as a fragment of HTML."""
    findings = [finding for finding in most_urgent_first(Reading(result)) if finding.outcome != "not_evaluable"]
    head = f"<b>{result.overall.outcome.upper()}</b> {escape(printable(result.plan.audit.title))}"
    return f"<div><p>{head}</p>{findings_table(findings, result.features)}<p>{RESTRICTED}</p></div>"


def findings_table(findings: Sequence[JudgedRate], features: Iterable[SensitiveFeature], *, judged: bool = True) -> str:
    """Write the first findings as a table of HTML, with ranges for rows that were picked; `judged` shows outcomes."""
    picked = selected(findings[:_MOST], findings)
    heads = (*(["Verdict"] if judged else []), "Group", "Rate", "Measured", "Likely", "Everyone else", "Cases")
    names = names_of(features)
    rows = [
        (
            *([_WORDS[state_of(finding)]] if judged else []),
            group_name(finding.group, names),
            finding.definition.plain,
            in_100(finding.value),
            likely_words(finding),
            in_100(finding.rest),
            f"{finding.denominator:,}",
        )
        for finding in picked.rows
    ]
    left = len(findings) - len(rows)
    return (
        f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>"
        + "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        + f"</table><p>{f'and {left:,} more: to_frame()' if left else ''}</p>"
    )


def names_of(features: Iterable[SensitiveFeature]) -> dict[tuple[str, str, str], str]:
    """Name of each level of the features, by feature, rung and code."""
    return {
        (feature.name, level.rung, level.code): f"{feature.name.replace('_', ' ')} = {level.name}"
        if feature.coding == "categorical"
        else level.name
        for feature in features
        for level in feature.levels
    }


def group_name(group: Group, names: dict[tuple[str, str, str], str]) -> str:
    """Name a group on one line, as in "woman, Nigeria"; `names` comes from `names_of`."""
    parts = [
        f"{level.feature.replace('_', ' ')} unknown"
        if level.code == "unknown"
        else names.get((level.feature, level.rung, level.code), level.code)
        for level in group.levels
    ]
    return printable(", ".join(parts)) or "everyone"
