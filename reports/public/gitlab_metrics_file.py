"""`metrics.txt` in OpenMetrics text: the verdict, the state of each group under each rule, and protected rates.

The same people, who have one code on every rung of a ladder, are there once, so that lines can be counted. Where no
group has a word, the metrics of groups are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from audit.public.figures import each_people_once, of_share, state_of
from audit.public.table import PublicRate, PublicRelease, group_key, has_words
from audit.vocabulary.text import harmless
from reports.public.pipeline_reading import PipelineReading, is_plain_key

_OUTCOMES: Final = ("pass", "fail", "inconclusive")
_FIGURES: Final = ("shown", "refused", "not_made")


class PublicGitlabMetricsReporter:
    """Writes `metrics.txt`."""

    name: Final = "gitlab-metrics"
    filename: Final = "metrics.txt"
    audience: Final = "public"

    def render(self, release: PublicRelease) -> str:
        """The whole file as text, the same for the same release."""
        reading = PipelineReading(release)
        told = has_words(release)
        groups, rates = (_groups(release), _rates(release)) if told else ((), ())
        lines = [*_whole_set(reading), *groups, *_waivers(reading), *rates, "# EOF"]
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
    yield "# HELP audit_figures Whether protected figures are shown."
    for figures in _FIGURES:
        yield f'audit_figures{{audit_figures="{figures}"}} {int(reading.release.figures == figures)}'


def _groups(release: PublicRelease) -> Iterator[str]:
    yield "# TYPE audit_group gauge"
    yield "# HELP audit_group What the protected figures say of a group under a rule, in the label word; always one."
    for word in each_people_once(release.words):
        labels = f'rule="{_label(word.rule)}",group="{_label(group_key(word.group))}"'
        yield f'audit_group{{{labels},word="{state_of(word)}"}} 1'


def _waivers(reading: PipelineReading) -> Iterator[str]:
    if reading.waived.all:
        yield "# TYPE audit_waiver gauge"
        yield "# HELP audit_waiver A finding that somebody answers for until a day; it changes no verdict. Always one."
    for place, waiver in enumerate(reading.waived.all, start=1):
        key = "not named" if waiver.group is None else group_key(waiver.group)
        labels = f'place="{place}",rule="{_label(waiver.rule)}",group="{_label(key)}",who="{_label(waiver.who)}"'
        expired = int(reading.waived.has_expired(waiver))
        yield f'audit_waiver{{{labels},until="{_label(waiver.expires)}",expired="{expired}"}} 1'


def _rates(release: PublicRelease) -> Iterator[str]:
    yield "# TYPE audit_protected_rate gauge"
    yield "# HELP audit_protected_rate Protected rate of a group, ends of its likely range, and bounds, in shares."
    rates = {(rate.metric, rate.group): rate for rate in release.rates}
    for word in each_people_once(release.words):
        key = group_key(word.group)
        rule = next((rule for rule in release.rules if rule.rule == word.rule), None)
        rate = None if rule is None else rates.get((rule.metric, word.group))
        # The key of a group that is no plain word names no row to the gate, so its numbers are left out.
        if rate is not None and is_plain_key(key):
            for figure, value in _figures(rate):
                yield f'audit_protected_rate{{rule="{_label(word.rule)}",group="{key}",figure="{figure}"}} {value}'


def _figures(rate: PublicRate) -> Iterator[tuple[str, str]]:
    if rate.value is not None:
        yield "rate", str(of_share(rate.value, 3))
    for figure in ("low", "high", "at_least", "at_most"):
        share = getattr(rate, figure)
        if share is not None:
            yield figure, str(of_share(share, 2))


def _label(text: str) -> str:
    """A value of a label: on one line, with backslash and quotation mark escaped."""
    return harmless(text).replace("\\", "\\\\").replace('"', '\\"')
