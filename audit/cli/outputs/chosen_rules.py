"""Option `--only RULE`: exit code and lines of some rules alone. The error budget stays that of the whole plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audit.cli.console.terminal import note
from audit.errors import ArgumentError
from audit.plan.audit_plan import NamedRule
from audit.plan.probes import NamedProbeRule
from audit.result.audit_result import AuditResult
from audit.verdicts.outcomes import narrow_to_rules
from audit.vocabulary.text import printable

if TYPE_CHECKING:
    from audit.public.release import PublicRelease


def check_rules(rules: Sequence[NamedRule], probe_rules: Sequence[NamedProbeRule], only: Sequence[str]) -> None:
    """Raise ArgumentError if the plan has no rule with such an id."""
    known = [*(rule.id for rule in rules), *(rule.id for rule in probe_rules)]
    for rule in only:
        if rule not in known:
            from audit.plan.file.known_keys import nearest, quoted

            similar_rule = nearest(rule, known)
            raise ArgumentError(
                f'no rule "{printable(rule)[:60]}" in this plan',
                slug="unknown-rule",
                hint=f'did you mean "{similar_rule}"?' if similar_rule else f"it has {quoted(known[:20], 'and')}",
            )


def result_on_rules(result: AuditResult, only: Sequence[str], *, quiet: bool) -> AuditResult:
    """Return the part of a result on these rules, or all of it if none is named. Notes on stderr what is left out."""
    if not only:
        return result
    check_rules(result.plan.named_rules, result.plan.named_probe_rules, only)
    narrowed = narrow_to_rules(result, only)
    every = len(result.rules) + len(result.probe_rules)
    left = every - len(narrowed.rules) - len(narrowed.probe_rules)
    if not quiet:
        rules = "1 rule is" if left == 1 else f"{left:,} rules are"
        note(f"note: {rules} left out because of --only; the audit judged all {every:,} with one budget")
    return narrowed


def release_on_rules(release: PublicRelease, narrowed: AuditResult) -> PublicRelease:
    """Return the part of a release on the rules of `narrowed`, with their verdict alone, for lines in a log."""
    ids = {rule.rule for rule in narrowed.rules}
    rules = tuple(rule for rule in release.rules if rule.rule in ids)
    if len(rules) == len(release.rules) and len(narrowed.probe_rules) == release.about.probe_rules:
        return release
    from audit.disclosure.headline import headline_of  # with NumPy: not where nothing is left out

    rows = tuple(
        row.model_copy(update={"words": tuple(word for word in row.words if word.rule in ids)}) for row in release.rows
    )
    # Unnamed waivers stay: which rule they belong to is not public.
    waivers = tuple(waiver for waiver in release.waivers if waiver.group is None or waiver.rule in ids)
    probe_rules = {rule.rule for rule in narrowed.probe_rules}
    update = {
        "rules": rules,
        "rows": rows,
        "headline": headline_of(narrowed, rows),
        "waivers": waivers,
        "changed_words": tuple(word for word in release.changed_words if word.rule in probe_rules),
    }
    return release.model_copy(update=update)
