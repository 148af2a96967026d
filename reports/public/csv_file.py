"""`groups.csv`: a line for each printed row, with its rates and words. The columns `side` and `group` name the row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Final

from audit.public.cases import judged_rows, waiver_words
from audit.public.figures import State
from audit.public.names import RowNames
from audit.public.release import PublicRate, PublicRelease, PublicRow, PublicRule
from audit.vocabulary.numbers import half_up, hundredfold
from reports.plain_text import spreadsheet_text

_RATE: Final = {"value": "percent", "low": "low_percent", "high": "high_percent", "at_least": "at_least_percent",
                "at_most": "at_most_percent", "rest": "rest_percent"}  # fmt: skip


def csv_file(release: PublicRelease) -> str:
    """Write `groups.csv`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for cells in _lines(release):
        writer.writerow(map(spreadsheet_text, cells))
    return text.getvalue()


def _lines(release: PublicRelease) -> Iterator[list[str]]:
    names = RowNames(release)
    metrics = list(dict.fromkeys(rate.metric for row in release.rows for rate in row.rates))
    head = ["side", "group", "name", "total", "people", "errors", "fewer_than", "few", "as_of"]
    head += [f"{metric}_{part}" for metric in metrics for part in _RATE.values()]
    yield [*head, *(f"{kind} under {rule.rule}" for rule in release.rules for kind in ("word", "because", "waiver"))]
    judged = {rule.rule: _states(release, rule) for rule in release.rules}
    for row in release.rows:
        known = {rate.metric: rate for rate in row.rates}
        cells = [row.side, row.key, names.row(row.parts), "yes" if row.total else "no", str(row.people)]
        cells += ["" if number is None else str(number) for number in (row.errors, row.fewer_than)]
        cells += [row.few or "", row.as_of]
        cells += [cell for metric in metrics for cell in _rate(known.get(metric))]
        yield [*cells, *(cell for rule in release.rules for cell in _word(release, row, rule, judged[rule.rule]))]


def _states(release: PublicRelease, rule: PublicRule) -> dict[tuple[str, str], State]:
    """Return the state of each row that a rule judges, by its side and group: the rows that every tally counts."""
    findings = judged_rows(release, rule)
    return {(finding.row.side, finding.row.key): finding.state for finding in findings if finding.state is not None}


def _rate(rate: PublicRate | None) -> list[str]:
    shares = [None] * len(_RATE) if rate is None else [getattr(rate, name) for name in _RATE]
    return ["" if share is None else str(half_up(hundredfold(share), 1)) for share in shares]


def _word(
    release: PublicRelease, row: PublicRow, rule: PublicRule, judged: Mapping[tuple[str, str], State]
) -> list[str]:
    """The state of a row under a rule, its reason, and who answers for it; empty where the rule does not judge it."""
    word = next((word for word in row.words if word.rule == rule.rule), None)
    state = judged.get((row.side, row.key))
    if word is None or state is None:
        return ["", "", ""]
    named = [waiver for waiver in release.waivers if waiver.group is not None]
    waived = [
        waiver_words(waiver, release) for waiver in named if (waiver.rule, waiver.group) == (rule.rule, row.group)
    ]
    return [state, word.because or "", "; ".join(waived)]
