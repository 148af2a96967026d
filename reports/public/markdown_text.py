"""Markdown of a release for comments and summaries. What others wrote stands in code spans: no markup, no link."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from audit.public.sentences import NO_WORDS
from audit.public.table import PublicWaiver, group_key, has_words
from reports.markdown_text import literal
from reports.public.pipeline_reading import Finding, PipelineReading, is_plain_key, likely_range
from reports.public.waived import NOT_NAMED

_MOST_RULES: Final = 20
_MOST_WAIVERS: Final = 20


def counts_table(reading: PipelineReading) -> Iterator[str]:
    """Four counts for each rule; where no group has a word, that."""
    rules = reading.release.rules
    if not rules:
        yield "The plan limits no rate of groups."
        return
    told = has_words(reading.release)
    if told:
        yield "| Groups under the rule | beyond the limit | within it | cannot tell | not shown |"
        yield "|---|---:|---:|---:|---:|"
    else:
        yield "| Rule | Groups under the rule |"
        yield "|---|---|"
    for rule in rules[:_MOST_RULES]:
        named = ": ".join(filter(None, (literal(rule.rule), literal(reading.metric(rule)))))
        yield f"| {named} | {' | '.join(map(str, reading.tally(rule.rule).values())) if told else NO_WORDS} |"
    if len(rules) > _MOST_RULES:
        yield "\nFurther rules stand in `release.json`."


def findings_tables(reading: PipelineReading, most: int) -> Iterator[str]:
    """The groups beyond a limit, most people first, under the rules that are in the table of counts."""
    shown_rules = [rule.rule for rule in reading.release.rules[:_MOST_RULES]]
    first = [finding for finding in reading.first if finding.rule.rule in shown_rules][:most]
    for rule in dict.fromkeys(finding.rule.rule for finding in first):
        yield f"Beyond the limit of {literal(rule)} in the protected figures:\n"
        yield "| Group | Rate | Likely range | Key |\n|---|---:|---|---|"
        for finding in first:
            if finding.rule.rule == rule:
                yield _row(finding, reading.waived.mark(rule, finding.group))
        yield ""
    if len(reading.first) > len(first):
        yield "More groups are beyond a limit: `release.json` has them all.\n"


def waiver_lines(reading: PipelineReading) -> Iterator[str]:
    """Who answers for which finding, until when."""
    if reading.waived.all:
        yield "Waived findings, which change no verdict:\n"
        for waiver in reading.waived.all[:_MOST_WAIVERS]:
            yield f"- {_waiver(reading, waiver)}"
        if len(reading.waived.all) > _MOST_WAIVERS:
            yield "- Further waivers stand in `release.json`."
        yield ""


def _waiver(reading: PipelineReading, waiver: PublicWaiver) -> str:
    expired = ", expired when the audit was run" if reading.waived.has_expired(waiver) else ""
    until = f"waived by {literal(waiver.who)} until {literal(waiver.expires)}{expired}"
    if waiver.group is None:
        return f"{NOT_NAMED}: {until}"
    key = group_key(waiver.group)
    named = f"`{key}`" if is_plain_key(key) else "a group whose name cannot be shown here"
    return f"{named} under {literal(waiver.rule)}: {until}: {literal(waiver.why)}"


def _row(finding: Finding, mark: str) -> str:
    # Numbers may stand in a line only beside the key of their row.
    if not is_plain_key(finding.key):
        return "| a group whose name cannot be shown here | | | see `release.json` |"
    rate, span = likely_range(finding.rate) or ("", "")
    return f"| {literal(finding.name)}{mark} | {rate} | {span} | `{finding.key}` |"
