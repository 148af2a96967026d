"""`metrics.txt` in OpenMetrics text: the verdict, the state of each printed row under each rule, and its rates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, get_args

from audit.public.cases import has_expired
from audit.public.finding_list import ReleaseFinding, who_words
from audit.public.release import Outcome, PublicRelease
from audit.vocabulary.numbers import half_up
from audit.vocabulary.text import harmless
from reports.public.pipeline_reading import PipelineReading

_ENDS: Final = ("low", "high", "at_least", "at_most", "rest")


_Family = tuple[str, Literal["gauge", "stateset"], str, Iterable[str]]
"""Name, kind and meaning, then labels and value of each sample."""


def metrics_file(release: PublicRelease) -> str:
    """Write `metrics.txt`."""
    lines: list[str] = []
    for name, kind, meaning, samples in _families(PipelineReading(release)):
        lines += [f"# TYPE {name} {kind}", f"# HELP {name} {meaning}", *(f"{name}{sample}" for sample in samples)]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _families(reading: PipelineReading) -> Iterator[_Family]:
    release, cases = reading.release, reading.cases.by_rule
    meaning = "Verdict over the whole set in this test, from exact figures that the auditor holds."
    yield "audit_verdict", "stateset", meaning, _states("audit_verdict", get_args(Outcome), reading.outcome)
    meaning = "Whether the audit ended after the day until which it may be relied on."
    yield "audit_past_expiry", "gauge", meaning, [f" {int(reading.is_expired)}"]
    states = _states("audit_figures", ("shown", "none"), "shown" if release.rows else "none")
    yield "audit_figures", "stateset", "Whether figures are public.", states
    rules = [f'{{rule="{_label(rule.rule)}",outcome="{rule.outcome}"}} 1' for rule in release.rules]
    yield "audit_rule", "gauge", "Verdict on a rule over all groups, in the label outcome; always one.", rules
    of_rows = ((_label(rule), case) for rule in cases for case in cases[rule])
    groups = (f'{{rule="{rule}",group="{_label(case.row.key)}",word="{case.state}"}} 1' for rule, case in of_rows)
    unnamed = [
        f'{{rule="{_label(finding.rule)}",group="{_label(who_words(finding, reading.names))}",word="beyond"}} 1'
        for finding in reading.findings
        if finding.subject == "together"
    ]
    meaning = "What the exact audit says of a row under a rule, in the label word; always one."
    yield "audit_group", "gauge", meaning, [*unnamed, *groups]
    words = [finding for finding in reading.findings if finding.subject == "changed_word"]
    if words:
        meaning = "What the exact audit says of a changed word under a rule, in the label word; always one."
        yield "audit_changed_word", "gauge", meaning, (_of_changed_word(finding) for finding in words)
    if release.headline.people:
        meaning = "Verdict on a rule over what people decided after the system, in the label outcome; always one."
        decided = [f'{{rule="{_label(rule.rule)}",outcome="{rule.outcome}"}} 1' for rule in release.headline.people]
        yield "audit_people", "gauge", meaning, decided
    if release.headline.change is not None:
        meaning = (
            "Whether the system became worse for any group than in the earlier audit, in the label outcome; always one."
        )
        yield "audit_change", "gauge", meaning, [f'{{outcome="{release.headline.change.outcome}"}} 1']
    if release.waivers:
        meaning = "A finding that somebody answers for until a day; it changes no verdict. Always one."
        yield "audit_waiver", "gauge", meaning, _waivers(reading)
    meaning = "Rate of a row, ends of its likely range, bounds, and the rate of everyone else, in shares."
    yield "audit_rate", "gauge", meaning, _rates(release)


def _states(name: str, states: Iterable[str], current: str) -> list[str]:
    return [f'{{{name}="{state}"}} {int(state == current)}' for state in states]


def _of_changed_word(finding: ReleaseFinding) -> str:
    rule = _label(finding.rule or "probes")
    return f'{{rule="{rule}",change="{_label(str(finding.who))}",word="{finding.word}"}} 1'


def _waivers(reading: PipelineReading) -> Iterator[str]:
    keys = {case.row.group: case.row.key for case in reading.cases.failing}
    for number, waiver in enumerate(reading.release.waivers, start=1):
        key = "not named" if waiver.group is None else keys.get(waiver.group, "")
        labels = f'place="{number}",rule="{_label(waiver.rule)}",group="{_label(key)}",who="{_label(waiver.who)}"'
        expired = int(has_expired(waiver, reading.release))
        yield f'{{{labels},until="{_label(waiver.expires)}",expired="{expired}"}} 1'


def _rates(release: PublicRelease) -> Iterator[str]:
    for row, rate in ((release_row, rate) for release_row in release.rows for rate in release_row.rates):
        labels = f'side="{row.side}",metric="{rate.metric}",group="{_label(row.key)}"'
        for figure, share in (("rate", rate.value), *((end, getattr(rate, end)) for end in _ENDS)):
            if share is not None:
                yield f'{{{labels},figure="{figure}"}} {half_up(share, 3)}'


def _label(text: str) -> str:
    """A value of a label: on one line, with backslash and quotation mark escaped."""
    return harmless(text).replace("\\", "\\\\").replace('"', '\\"')
