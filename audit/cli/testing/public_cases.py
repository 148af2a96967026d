"""Cases of a public release. They hold only what the release says, so whoever may read it may read the log.

The verdict and the outcome of each rule are exact. A test of a row has its word: beyond the limit fails, and so does a
row that holds a smaller group beyond it; only a row within the limit passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from audit.cli.testing.cases import OVERALL, AuditCase, block, with_names_apart
from audit.public.cases import PublicCases, RowCase, limit_words, relied_on, sentences_beside
from audit.public.finding_list import ReleaseFinding, findings_of, message_of, tally_of_rule, who_words
from audit.public.names import RowNames
from audit.public.release import PublicPart, PublicRelease, PublicRow, PublicRule
from audit.vocabulary.finding import Tally
from audit.vocabulary.text import first_of, printable

_HEADS: Final = {"fail": "FAILS", "inconclusive": "is INCONCLUSIVE", "pass": "passes"}
_SAID: Final = {"fail": "beyond the limit", "inconclusive": "cannot tell", "pass": "within the limit"}
_MOST: Final = 3
"""Most rows that are named under a rule."""


def public_cases(release: PublicRelease) -> tuple[AuditCase, ...]:
    """Return the verdict, then every rule with the rows that it judges, those that fail first."""
    return with_names_apart([_overall(release), *_rule_cases(release)])


def _overall(release: PublicRelease) -> AuditCase:
    outcome = relied_on(release)
    reason = "from the exact figures, which the auditor holds"
    if outcome == "inconclusive":
        reason += ": the evidence shows neither a fail nor a pass, and silence is no pass"
    text = block(
        f"the audit {_HEADS[outcome]}",
        system=release.about.title,
        found=reason,
        rules="; ".join(rule.rule for rule in release.rules if rule.outcome == "fail"),
        note=" ".join(sentences_beside(release)),
    )
    return AuditCase(OVERALL, None, None, outcome, text)


def _rule_cases(release: PublicRelease) -> Iterator[AuditCase]:
    cases, findings, names = PublicCases(release), findings_of(release), RowNames(release)
    finest = {feature.name: feature.rungs[0] for feature in release.features}
    for rule in release.rules:
        yield _rule(cases, rule, tally_of_rule(findings, rule.rule))
        for case in cases.by_rule[rule.rule]:
            yield _row(release, case, row_label(case.row, finest))
    for finding in findings:
        if finding.subject != "group":
            yield _unlike_rows(finding, who_words(finding, names))


def _unlike_rows(finding: ReleaseFinding, group_words: str) -> AuditCase:
    rule = finding.rule or finding.subject
    name, message = f"{rule}[{printable(group_words)}]", message_of(finding)
    text = block(f"{name}: {message}", rule=rule) if finding.outcome == "fail" else f"{rule}: {message}"
    return AuditCase(name, rule, printable(group_words), finding.outcome, text)


def _rule(cases: PublicCases, rule: PublicRule, tally: Tally) -> AuditCase:
    failing = [case.name for case in cases.by_rule[rule.rule] if case.outcome == "fail"]
    reason = f"rows: {tally}"
    if rule.outcome == "inconclusive":
        return AuditCase(rule.rule, rule.rule, None, rule.outcome, f"{rule.rule}: {_SAID[rule.outcome]}: {reason}")
    text = block(
        f"{rule.rule}: {_SAID[rule.outcome]}",
        limit=limit_words(rule),
        found=reason,
        groups=first_of(failing, _MOST, "; "),
        plan=_place(cases.release, rule),
    )
    return AuditCase(rule.rule, rule.rule, None, rule.outcome, text)


def _row(release: PublicRelease, case: RowCase, label: str) -> AuditCase:
    rule, name = case.rule, f"{case.rule.rule}[{label}]"
    if case.outcome == "inconclusive":
        # The same words for many rows are one line of pytest's summary.
        return AuditCase(name, rule.rule, label, case.outcome, f"{rule.rule}: {case.said}")
    text = block(
        f"{name}: {case.said}",
        rule=f"{rule.rule} ({case.metric.plain})",
        group=f"{label} ({case.name})",
        limit=limit_words(rule),
        found=case.numbers,
        plan=_place(release, rule),
    )
    return AuditCase(name, rule.rule, label, case.outcome, text)


def row_label(row: PublicRow, finest: Mapping[str, str]) -> str:
    """Label a row in a test's name: `nationality=NGA`, `gender=man+unknown`, `nationality=others of 011`."""
    return ",".join(printable(f"{_feature(part, finest)}={_codes(part)}") for part in row.parts)


def _feature(part: PublicPart, finest: Mapping[str, str]) -> str:
    is_finest = part.kind == "others" or finest.get(part.feature) == part.rung
    return part.feature if is_finest else f"{part.feature}/{part.rung}"


def _codes(part: PublicPart) -> str:
    codes = "+".join(part.members if part.kind == "nearly" else part.codes)
    return f"others of {codes}" if part.kind == "others" and codes else codes or "others"


def _place(release: PublicRelease, rule: PublicRule) -> str:
    file = release.about.plan_file or "the plan"
    return file if rule.line is None else f"{file}, line {rule.line}"
