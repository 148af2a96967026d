"""Markdown of a release, without a link: the summary of a job and a comment on a merge request.

What others wrote stands in code spans, where it is no markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from audit.public.cases import RowCase, has_expired, sentences_beside, waiver_words
from audit.public.finding_list import message_of, tally_of_rule, who_words
from audit.public.release import PublicRelease
from audit.vocabulary.numbers import percent
from reports.plain_text import literal
from reports.public.pipeline_reading import PipelineReading

_SIGNS: Final = {"fail": "✕", "pass": "○", "inconclusive": "?", "expired": "!"}
"""Shapes, never a colour alone; none of them is a green tick."""
_MOST: Final = 10
_MOST_RULES: Final = 20
_MOST_WAIVERS: Final = 20
_VERDICTS: Final = {"fail": "exceeds the limit", "pass": "within the limit", "inconclusive": "cannot tell"}


def summary_file(release: PublicRelease) -> str:
    """Write `summary.md` for the summary of a job on GitHub."""
    reading = PipelineReading(release)
    parts = [
        f"## {_SIGNS[reading.look]} {reading.verdict}",
        f"**What comes next.** {reading.next_step}",
        f"System: {literal(reading.title)}. Audited: {literal(reading.about.finished)}.",
    ]
    return "\n\n".join([*parts, "\n".join(_tables(reading))]) + "\n"


def comment_file(release: PublicRelease) -> str:
    """Write `comment.md` for a comment on a merge request: the verdict in a line, and the rest folded away."""
    reading = PipelineReading(release)
    parts = [
        f"**{reading.verdict}.** {reading.next_step}",
        f"System: {literal(reading.title)}.",
        "<details><summary>Groups and limits</summary>",
    ]
    return "\n\n".join([*parts, "\n".join(_tables(reading)), "</details>"]) + "\n"


def _tables(reading: PipelineReading) -> Iterator[str]:
    """Rules with their verdicts, rows beyond a limit, who answers for which finding, and what must stand beside."""
    yield from _rules(reading)
    yield ""
    yield from _findings(reading)
    yield from _waivers(reading)
    yield from (f"- {note}" for note in sentences_beside(reading.release, literal))
    yield f"- {reading.exact_figures.replace('audit7k', '`audit7k')}`"


def _rules(reading: PipelineReading) -> Iterator[str]:
    rules, rates = reading.release.rules, reading.release.rates
    if not rules:
        yield "The plan limits no rate of groups."
        return
    yield "| Rule | Verdict | Rows | Beyond | Within | Cannot tell | Not judged alone |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for rule in rules[:_MOST_RULES]:
        tally = tally_of_rule(reading.findings, rule.rule)
        counts = (tally.beyond, tally.within, tally.cannot_tell, tally.not_judged_alone)
        named = f"{literal(rule.rule)}: {literal(rates[rule.metric].plain)}"
        verdict = _VERDICTS[rule.outcome] + (" (only warns)" if rule.on_fail == "warn" else "")
        yield f"| {named} | {verdict} | {tally.total} | {' | '.join(map(str, counts))} |"
    if len(rules) > _MOST_RULES:
        yield "\nFurther rules stand in `release.json`."


def _findings(reading: PipelineReading) -> Iterator[str]:
    """The rows beyond a limit under the rules of the first table, most people first."""
    shown_rules = [rule.rule for rule in reading.release.rules[:_MOST_RULES]]
    failing = sorted(reading.cases.failing, key=lambda case: -(case.apart or 0))
    first = [case for case in failing if case.rule.rule in shown_rules][:_MOST]
    for rule in dict.fromkeys(case.rule.rule for case in first):
        yield f"Beyond the limit of {literal(rule)}:\n"
        yield "| Group | Rate | Likely range | Everyone else | Limit |\n|---|---:|---|---:|---|"
        yield from (_row(case, reading) for case in first if case.rule.rule == rule)
        yield ""
    if len(failing) > len(first):
        yield "More rows are beyond a limit: `release.json` has them all.\n"
    together = [finding for finding in reading.findings if finding.subject == "together"]
    for finding in together[:_MOST_RULES]:
        yield f"Beyond the limit of {literal(finding.rule)}: {who_words(finding, reading.names)}.\n"
    warning = {rule.rule for rule in reading.release.rules if rule.on_fail == "warn"}
    decided = [finding for finding in reading.findings if finding.subject == "people" and finding.word == "beyond"]
    for finding in decided[:_MOST_RULES]:
        warns = " (only warns)" if finding.rule in warning else ""
        yield f"Beyond the limit of {literal(finding.rule)}{warns}: {who_words(finding, reading.names)}.\n"
    words = [finding for finding in reading.findings if finding.subject == "changed_word" and finding.word == "beyond"]
    if words:
        yield "Changed words that move the score beyond the limit:\n"
        yield from (f"- {literal(str(finding.who))}: {message_of(finding)}" for finding in words[:_MOST])
        if len(words) > _MOST:
            yield "- More stand in `release.json`."
        yield ""


def _row(case: RowCase, reading: PipelineReading) -> str:
    mark = ""
    if case.waiver is not None:
        mark = " (its waiver has expired)" if has_expired(case.waiver, reading.release) else " (waived)"
    mark += f" (numbers of {case.row.as_of})" if case.of_before else ""
    within = " (a smaller group within this row)" if case.state == "smaller_beyond" else ""
    rate = case.rate
    span = "" if rate.low is None or rate.high is None else f"{percent(rate.low)} to {percent(rate.high)}"
    rest = "" if rate.rest is None else percent(rate.rest)
    return f"| {literal(case.name)}{within}{mark} | {case.value} | {span} | {rest} | {case.limit} |"


def _waivers(reading: PipelineReading) -> Iterator[str]:
    waivers = reading.release.waivers
    if waivers:
        expired = any(has_expired(waiver, reading.release) for waiver in waivers)
        fails = "; one that has expired fails the build" if expired else ""
        yield f"Waived findings, which change no verdict{fails}:\n"
        for waiver in waivers[:_MOST_WAIVERS]:
            named = literal(reading.waived(waiver)) if waiver.group else reading.waived(waiver)
            yield f"- {named}: {waiver_words(waiver, reading.release, literal)}"
        if len(waivers) > _MOST_WAIVERS:
            yield "- Further waivers stand in `release.json`."
        yield ""
