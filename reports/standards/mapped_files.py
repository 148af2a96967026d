"""Files for registers, by a mapping that a lawyer can edit: a line for each field, and what the operator has to add.

A spreadsheet, as the forms are that these registers hand out. Texts of the release are in English.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from typing import Final

from audit.public.finding_list import tally_of_rule
from audit.public.release import PublicRelease, PublicRule
from audit.vocabulary.text import first_of
from reports.language import ENGLISH, WORDS
from reports.plain_text import spreadsheet_text
from reports.public.pipeline_reading import PipelineReading
from reports.rate_words import RateWords
from reports.standards.mapping import PLACE, ReleaseMapping, mapping_text, read_mapping

ABOUT: Final = (
    "Made from the public release of an audit ({tool}, {finished}): what it measured, and what its operator declared."
    " Duties under the law are the operator's, and nothing here says that they are met."
)
SIDES: Final[Mapping[str, str]] = {"positives": "victims", "negatives": "others"}
"""Who is on a side of a table."""
_MOST: Final = 10
"""Groups that are named in one field."""
_HARMS: Final = {
    "missed": "a victim is missed",
    "wrongly_flagged": "a person is flagged wrongly",
    "both": "a victim is missed, and a person is flagged wrongly",
}
IN_WORDS: Final[Mapping[str, Mapping[str, str | list[str]]]] = {
    "about.use": WORDS["uses"],
    "about.route": WORDS["routes"],
    "about.primary_harm": _HARMS,
}
"""Words for what is a code in the release, by place."""
_RULES: Final = {
    "fail": "at least one group is beyond it",
    "pass": "no group that could be judged is beyond it",
    "inconclusive": "whether a group is beyond it cannot be told",
}


def atrs_file(release: PublicRelease) -> str:
    """Write `atrs.csv`: the United Kingdom's Algorithmic Transparency Recording Standard."""
    return mapped_file(release, read_mapping(mapping_text("atrs"), "atrs.toml"))


def algoritmeregister_file(release: PublicRelease) -> str:
    """Write `algoritmeregister.csv`: the register of algorithms of the Netherlands."""
    return mapped_file(release, read_mapping(mapping_text("algoritmeregister"), "algoritmeregister.toml"))


def fria_file(release: PublicRelease) -> str:
    """Write `fria.csv`: an annex to an assessment of the impact on fundamental rights."""
    return mapped_file(release, read_mapping(mapping_text("fria"), "fria.toml"))


def own_file(release: PublicRelease, mapping: bytes, name: str) -> str:
    """Write what a release says to each field of somebody's own mapping. Raises AuditError if it is none."""
    return mapped_file(release, read_mapping(mapping, name))


def mapped_file(release: PublicRelease, mapping: ReleaseMapping) -> str:
    """Write what a release says to each field of a mapping."""
    reading, written = PipelineReading(release), io.StringIO()
    lines = [
        ("field", "name", "text", "to be filled in"),
        ("", mapping.standard, ABOUT.format(tool=release.about.tool, finished=release.about.finished), ""),
        ("", "Source", f"{mapping.source}. {mapping.checked}", ""),
    ]
    for field in mapping.field:
        text = PLACE.sub(lambda match: _said(match[1], reading) or mapping.nothing, field.text) or mapping.nothing
        lines.append((field.field, field.name, text, field.operator and f"{mapping.to_fill}: {field.operator}"))
    csv.writer(written, lineterminator="\n").writerows(map(_cells, lines))
    return written.getvalue()


def _cells(line: tuple[str, ...]) -> list[str]:
    return ["\n".join(map(spreadsheet_text, re.split("\r?\n", cell.strip()))) for cell in line]


def _said(placeholder: str, reading: PipelineReading) -> str:
    """Return what a release says in a place; empty where it says nothing."""
    if placeholder in STATEMENTS:
        return STATEMENTS[placeholder](reading)
    section, _, name = placeholder.partition(".")
    value = getattr(reading.about if section == "about" else reading.about.governance, name, None)
    text = ", ".join(value) if isinstance(value, tuple) else str(value or "")
    return str(IN_WORDS.get(placeholder, {}).get(text, text))


def _limits(reading: PipelineReading) -> str:
    return "\n".join(_limit(reading, rule) for rule in reading.release.rules)


def _limit(reading: PipelineReading, rule: PublicRule) -> str:
    unnamed = any(finding.subject == "together" and finding.rule == rule.rule for finding in reading.findings)
    hidden = "; which one is not public" if unnamed else ""
    limit = RateWords(ENGLISH).limit_of(rule.scale, rule.limit, rule.worse[0] if len(rule.worse) == 1 else "both")
    return (
        f"{reading.release.rates[rule.metric].plain}: {limit}; in this test {_RULES[rule.outcome]}{hidden}."
        f" Rows that are public, each a group or several small ones: {tally_of_rule(reading.findings, rule.rule)}."
    )


def _groups(reading: PipelineReading) -> str:
    failing = [f"{case.name}: {case.message}" for case in reading.cases.failing]
    return first_of(failing, _MOST, "\n") or "no printed row"


def _set(reading: PipelineReading) -> str:
    release, about = reading.release, reading.about
    counted = {row.side: row.people for row in release.rows if not row.parts}
    people = [f"about {counted[side]} {side_words}" for side, side_words in SIDES.items() if side in counted]
    period = f", of {' to '.join(about.period)}" if about.period else ""
    counts = f": {' and '.join(people)}" if people else ""
    return f"{about.rows_are}{period}{counts}; who is a victim, says: {about.label_source}"


def _given(reading: PipelineReading) -> str:
    about = reading.about
    sensitive = ", ".join(about.sensitive_features_used) or "none"
    return f"{', '.join(about.features)}; sensitive among them: {sensitive}" if about.features else ""


def _patterns(reading: PipelineReading) -> str:
    declared = reading.about.governance
    if declared is None or not declared.named_patterns:
        return ""
    untested = ", ".join(declared.patterns_not_tested) or "none"
    return f"{', '.join(declared.named_patterns)}; no limit is about: {untested}"


STATEMENTS: Final[Mapping[str, Callable[[PipelineReading], str]]] = {
    "system": lambda reading: reading.system,
    "verdict": lambda reading: reading.about_verdict,
    "limits": _limits,
    "groups": _groups,
    "features": lambda reading: ", ".join(feature.name for feature in reading.release.features),
    "next_step": lambda reading: reading.next_step,
    "waivers": lambda reading: "; ".join(map(reading.waiver, reading.release.waivers)) or "none",
    "set": _set,
    "given": _given,
    "patterns": _patterns,
}
"""What is stated in each place of `reports.standards.mapping.STATED`."""
