"""`metrics.txt` in OpenMetrics text: the verdict, the state of each printed row under each rule, and its rates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from audit.public.cases import has_expired
from audit.public.release import PublicRelease, row_key
from audit.vocabulary.numbers import half_up
from audit.vocabulary.text import harmless
from reports.public.pipeline_reading import PipelineReading

_OUTCOMES: Final = ("pass", "fail", "inconclusive")
_FIGURES: Final = ("shown", "none")
_ENDS: Final = ("low", "high", "at_least", "at_most", "rest")


def metrics_file(release: PublicRelease) -> str:
    """Write `metrics.txt`."""
    reading = PipelineReading(release)
    lines = [*_whole_set(reading), *_rows(reading), *_waivers(reading), *_rates(release), "# EOF"]
    return "\n".join(lines) + "\n"


def _whole_set(reading: PipelineReading) -> Iterator[str]:
    yield "# TYPE audit_verdict stateset"
    yield "# HELP audit_verdict Verdict over the whole set in this test, from exact figures that the auditor holds."
    for outcome in _OUTCOMES:
        yield f'audit_verdict{{audit_verdict="{outcome}"}} {int(reading.outcome == outcome)}'
    yield "# TYPE audit_past_expiry gauge"
    yield "# HELP audit_past_expiry Whether the audit ended after the day until which it may be relied on."
    yield f"audit_past_expiry {int(reading.is_expired)}"
    yield "# TYPE audit_figures stateset"
    yield "# HELP audit_figures Whether figures are public."
    for figures in _FIGURES:
        yield f'audit_figures{{audit_figures="{figures}"}} {int(reading.release.figures == figures)}'


def _rows(reading: PipelineReading) -> Iterator[str]:
    yield "# TYPE audit_rule gauge"
    yield "# HELP audit_rule Verdict on a rule over all groups, in the label outcome; always one."
    for rule in reading.release.rules:
        yield f'audit_rule{{rule="{_label(rule.rule)}",outcome="{rule.outcome}"}} 1'
    yield "# TYPE audit_group gauge"
    yield "# HELP audit_group What the exact audit says of a row under a rule, in the label word; always one."
    for rule_id, cases in reading.cases.by_rule.items():
        for case in cases:
            yield f'audit_group{{rule="{_label(rule_id)}",group="{_label(case.row.key)}",word="{case.state}"}} 1'


def _waivers(reading: PipelineReading) -> Iterator[str]:
    waivers = reading.release.waivers
    if waivers:
        yield "# TYPE audit_waiver gauge"
        yield "# HELP audit_waiver A finding that somebody answers for until a day; it changes no verdict. Always one."
    keys = {case.row.group: case.row.key for case in reading.cases.failing}
    for place, waiver in enumerate(waivers, start=1):
        key = "not named" if waiver.group is None else keys.get(waiver.group, "")
        labels = f'place="{place}",rule="{_label(waiver.rule)}",group="{_label(key)}",who="{_label(waiver.who)}"'
        expired = int(has_expired(waiver, reading.release))
        yield f'audit_waiver{{{labels},until="{_label(waiver.expires)}",expired="{expired}"}} 1'


def _rates(release: PublicRelease) -> Iterator[str]:
    yield "# TYPE audit_rate gauge"
    yield "# HELP audit_rate Rate of a row, ends of its likely range, bounds, and the rate of everyone else, in shares."
    for row in release.rows:
        for rate in row.rates:
            labels = f'side="{row.side}",metric="{rate.metric}",group="{_label(row_key(row.parts))}"'
            if rate.value is not None:
                yield f'audit_rate{{{labels},figure="rate"}} {half_up(rate.value, 3)}'
            for figure in _ENDS:
                share = getattr(rate, figure)
                if share is not None:
                    yield f'audit_rate{{{labels},figure="{figure}"}} {half_up(share, 3)}'


def _label(text: str) -> str:
    """A value of a label: on one line, with backslash and quotation mark escaped."""
    return harmless(text).replace("\\", "\\\\").replace('"', '\\"')
