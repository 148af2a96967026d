"""Lines that `gate` prints: words of the public files beside a result, or with `--restricted` exact ones."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from audit.cli.console.terminal import Style, note, say, say_document
from audit.cli.outputs.chosen_rules import release_on_rules
from audit.cli.outputs.named_folders import find_restricted_folder, public_folder
from audit.cli.outputs.waivers import public_waiver_lines, unnamed_waiver_lines, waiver_lines, waiver_totals
from audit.cli.pages.change_words import exact_change_lines, public_change_lines, public_headline
from audit.cli.pages.summary import rule_lines, verdict_words
from audit.disclosure.digests import release_of
from audit.disclosure.headline import public_people, with_waivers
from audit.errors import ArgumentError
from audit.public.cases import PublicCases, exact_figures, limit_words, why_it_fails
from audit.public.finding_list import ReleaseFinding, findings_of, message_of, tally_of_rule, who_words
from audit.public.names import RowNames
from audit.public.release import PublicPeopleRule, PublicRelease, PublicRule, public_json
from audit.public.sentences import SENTENCES
from audit.result.audit_result import AuditResult, Waiver
from audit.result.finding_list import findings_of as exact_findings_of
from audit.result.json_text import result_sha256, result_to_json
from audit.result.reading import Reading
from audit.vocabulary.file_names import RELEASE
from audit.vocabulary.finding import outcome_of, tally_of
from audit.vocabulary.text import printable

_MOST: Final = 3
"""Rows that are named under a rule."""
_MOST_WORDS: Final = 10
"""Rows that are named in a line without numbers."""


def say_gate(
    result: AuditResult,
    waived: AuditResult,
    narrowed: AuditResult,
    path: Path | None,
    named: Path | None,
    *,
    exact: bool,
    as_json: bool,
) -> None:
    """Print a verdict: of a result with the waivers that count, and of its part on the rules asked for, `narrowed`.

    `path` is the file of the result, if it is in one, and `named` the restricted folder, if one was named.
    """
    release = None if exact else _release_beside(path, result, waived.waivers, named)
    if as_json:
        _say_document(waived, narrowed, restricted=exact, release=release)
    elif exact:
        _say_exact(narrowed)
    else:
        # Which rule an unnamed waiver belongs to is not public, so all of them are listed.
        _say_public(narrowed, release, unnamed_waiver_lines(waived))


def _say_exact(result: AuditResult) -> None:
    style = Style.of(sys.stdout)
    tally = f"findings: {tally_of(exact_findings_of(Reading(result)))}"
    lines = [*rule_lines(result, style), *exact_change_lines(result, style), *waiver_lines(result), tally]
    say("\n".join([*lines, verdict_words(result, style)]))


def _say_document(
    result: AuditResult, narrowed: AuditResult, *, restricted: bool, release: PublicRelease | None
) -> None:
    """Print one document on the whole audit, whatever rules were chosen.

    What waivers leave is given for the chosen rules alone, `narrowed`.
    """
    if restricted:
        say_document(result_to_json(result))
        return
    alone = {"headline": public_headline(result), **waiver_totals(result, narrowed)}
    say_document(json.dumps(alone) + "\n" if release is None else public_json(release))


def _release_beside(
    path: Path | None, result: AuditResult, waivers: tuple[Waiver, ...], named: Path | None
) -> PublicRelease | None:
    """Return the public release beside the result in a file, with `waivers`, if the key shows that it belongs to it."""
    if path is None:
        return None
    out = path.parent
    try:
        restricted_folder = find_restricted_folder(out, result.plan.disclosure, None, named)
    except ArgumentError:
        return None
    release = release_of(result_sha256(result), public_folder(out) / RELEASE, restricted_folder)
    if release is None or waivers == result.waivers:
        return release
    return with_waivers(release, waivers)


def _say_public(result: AuditResult, release: PublicRelease | None, unnamed: list[str]) -> None:
    if release is None:
        note("note: verdicts without groups: no public release of this result is at hand, or not the key that says so")
    lines = (
        [*people_lines(public_people(result), result.plan.warning_rules), *unnamed]
        if release is None
        else public_lines(release_on_rules(release, result))
    )
    verdict = verdict_words(result, Style.of(sys.stdout))
    owner = exact_figures(printable(result.provenance.plan_file or "plan.toml"))
    say("\n".join([*lines, *public_change_lines(result), verdict, owner]))


def lines_of_words(waived: AuditResult, narrowed: AuditResult, restricted: Path | None) -> list[str]:
    """Return verdict, rules and words of a result without a number, as a version that nobody accepted shows them.

    Raises
    ------
    ResultError, FolderInUseError, StorageError
        If the restricted folder cannot be read.
    """
    from audit.disclosure.publish import words_of

    release = release_on_rules(words_of(waived, restricted), narrowed)
    verdict = verdict_words(narrowed, Style.of(sys.stdout)._replace(colour=False))
    plan_file = printable(narrowed.provenance.plan_file or "plan.toml")
    lines = [*word_lines(release), *unnamed_waiver_lines(waived), *public_change_lines(narrowed)]
    known = "" if release.rows else " Groups are named only with the key of the set."
    return [*lines, verdict, f"Words alone: only an accepted version has figures.{known}", exact_figures(plan_file)]


def public_lines(release: PublicRelease) -> list[str]:
    """Write a line for each rule, and whom it fails; then changed words, and what rows do not say."""
    cases, findings = PublicCases(release), findings_of(release)
    lines = [line for rule in release.rules for line in _rule_lines(cases, rule, findings)]
    lines += _people_lines_of(release)
    lines += _changed_word_lines(release, findings)
    lines += [SENTENCES[name] for name in release.left_out if name != "figures_people"]
    return [*lines, *why_it_fails(release), *public_waiver_lines(cases)]


def word_lines(release: PublicRelease) -> list[str]:
    """Write verdicts of rules and words of rows without a number, for a version that nobody accepted."""
    findings, names = findings_of(release), RowNames(release)
    lines = [line for rule in release.rules for line in _rule_words(rule, findings if release.rows else (), names)]
    lines += _people_lines_of(release)
    for rule_id in dict.fromkeys(changed.rule for changed in release.changed_words):
        words = [finding for finding in findings if finding.subject == "changed_word" and finding.rule == rule_id]
        lines.append(f"{printable(rule_id)}: {outcome_of(words).upper()}; changed words: {tally_of(words)}")
        lines += _who_lines(words, names)
    return lines


def _rule_words(rule: PublicRule, findings: Sequence[ReleaseFinding], names: RowNames) -> Iterator[str]:
    warns = "; only warns" if rule.on_fail == "warn" else ""
    verdict = f"{rule.rule}: {rule.outcome.upper()} ({limit_words(rule)}{warns})"
    tally = tally_of_rule(findings, rule.rule)
    yield f"{verdict}; rows: {tally}" if tally.total else verdict
    yield from _who_lines([finding for finding in findings if finding.rule == rule.rule], names)


def _who_lines(findings: Sequence[ReleaseFinding], names: RowNames) -> Iterator[str]:
    """Yield a line for each kind of a fail: who is beyond a limit, or holds a smaller group that is."""
    for cause in dict.fromkeys(finding.cause for finding in findings if finding.word == "beyond"):
        who = [who_words(finding, names) for finding in findings if finding.word == "beyond" and finding.cause == cause]
        more = [f"{len(who) - _MOST_WORDS:,} more"] if len(who) > _MOST_WORDS else []
        smaller = "a smaller group within is beyond the limit" if cause == "smaller_group" else "beyond the limit"
        yield f"  {smaller}: {'; '.join([*who[:_MOST_WORDS], *more])}"


def people_lines(rules: Sequence[PublicPeopleRule], warning_rules: Collection[str]) -> list[str]:
    """Write a line for each rule on people's decisions that count."""
    warns = {rule.rule: " (only warns)" if rule.rule in warning_rules else "" for rule in rules}
    return [f"{printable(rule.rule)}, people's decisions: {rule.outcome.upper()}{warns[rule.rule]}" for rule in rules]


def _people_lines_of(release: PublicRelease) -> list[str]:
    return people_lines(release.headline.people, {rule.rule for rule in release.rules if rule.on_fail == "warn"})


def _rule_lines(cases: PublicCases, rule: PublicRule, findings: Sequence[ReleaseFinding]) -> Iterator[str]:
    """Yield the verdict on a rule with its rows by word, and the rows that make it so: what fails, or is undecided."""
    rows = cases.by_rule[rule.rule]
    warns = "; only warns" if rule.on_fail == "warn" else ""
    verdict = f"{rule.rule}: {rule.outcome.upper()} ({limit_words(rule)}{warns})"
    tally = tally_of_rule(findings, rule.rule)
    yield f"{verdict}; rows: {tally}" if tally.total else verdict
    unnamed = [finding for finding in findings if finding.rule == rule.rule and finding.subject == "together"]
    yield from (f"  {who_words(finding, RowNames(cases.release))}: {message_of(finding)}" for finding in unnamed)
    named = [case for case in rows if case.outcome == rule.outcome != "pass"]
    for case in named[:_MOST]:
        yield f"  {printable(case.name)}: {case.message}"
    if len(named) > _MOST:
        yield f"  and {len(named) - _MOST:,} more"


def _changed_word_lines(release: PublicRelease, findings: Sequence[ReleaseFinding]) -> Iterator[str]:
    """Yield a line for each rule on changed words, and the words that fail."""
    for rule in dict.fromkeys(changed.rule for changed in release.changed_words):
        words = [finding for finding in findings if finding.subject == "changed_word" and finding.rule == rule]
        yield f"{rule}: {outcome_of(words).upper()}; changed words: {tally_of(words)}"
        failing = [finding for finding in words if finding.word == "beyond"]
        for finding in failing[:_MOST]:
            yield f"  {printable(str(finding.who))}: {message_of(finding)}"
        if len(failing) > _MOST:
            yield f"  and {len(failing) - _MOST:,} more"
