"""Reading of a public release: its rows found by group and feature, and what each rule says of them, worst first.

Nothing is decided here, and nothing comes from elsewhere than the release: words are read, and numbers are those of the
release or of a function of `audit.public.figures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from audit.public.figures import PublicFinding, State, finding_of
from audit.public.release import PublicPart, PublicRelease, PublicRow, PublicRule
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED, MetricDefinition, MetricName
from audit.vocabulary.names import UNKNOWN

_ORDER: Final[tuple[State | None, ...]] = ("beyond", "smaller_beyond")


@dataclass(frozen=True, slots=True)
class Measure:
    """A rate that the page shows of every row: under a rule, or with none."""

    metric: MetricName
    rule: PublicRule | None


class PublicReading:
    """A `PublicRelease` with its parts found by group."""

    def __init__(self, release: PublicRelease) -> None:
        self.release = release
        self.about = release.about
        self.method = release.method
        self.rates = release.rates
        self.shown = bool(release.rows)
        self._findings: dict[str, list[PublicFinding]] = {}
        self.metrics: dict[str, MetricDefinition] = {metric.name: metric for metric in release.about.metrics}

    @cached_property
    def errors(self) -> tuple[tuple[MetricName, ...], tuple[MetricName, ...]]:
        """Rates of the two errors, that which harms most first."""
        first, other = tuple(MISSED), tuple(WRONGLY_FLAGGED)
        return (other, first) if self.about.primary_harm == "wrongly_flagged" else (first, other)

    @cached_property
    def rules(self) -> tuple[PublicRule, ...]:
        """Rules on groups: on the error that harms most first, then on the other, then on other rates."""
        ranks = {metric: rank for rank, metrics in enumerate(self.errors) for metric in metrics}
        return tuple(sorted(self.release.rules, key=lambda rule: ranks.get(rule.metric, len(ranks))))

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """Rates that are shown: those of `rules`, and of an error without a rule the rate that rows have of it."""
        limited = {rule.metric for rule in self.rules}
        measures = []
        printed = {rate.metric for row in self.release.rows for rate in row.rates}
        for metrics in self.errors:
            measures += [Measure(rule.metric, rule) for rule in self.rules if rule.metric in metrics]
            shown = [metric for metric in metrics if metric in printed]
            if shown and limited.isdisjoint(metrics):
                measures.append(Measure(shown[0], None))
        either = {metric for metrics in self.errors for metric in metrics}
        return (*measures, *(Measure(rule.metric, rule) for rule in self.rules if rule.metric not in either))

    @cached_property
    def tables(self) -> tuple[tuple[str, ...], ...]:
        """Features of each table of rows, in the order of the release."""
        features = (tuple(part.feature for part in row.parts) for row in self.release.rows if row.parts)
        return tuple(dict.fromkeys(features))

    def rows(self, features: tuple[str, ...] = ()) -> list[PublicRow]:
        """Rows of a table, of every side; those of everyone without features."""
        return [row for row in self.release.rows if tuple(part.feature for part in row.parts) == features]

    def everyone(self, side: str) -> PublicRow | None:
        """Row of everyone on a side; None where it is not printed."""
        return next((row for row in self.rows() if row.side == side), None)

    def finding(self, row: PublicRow, measure: Measure) -> PublicFinding | None:
        """What a row says by a rate; None where it is about another side."""
        return finding_of(row, self.rates[measure.metric], measure.rule)

    def findings(self, rule: PublicRule) -> list[PublicFinding]:
        """What a rule says of every row that has a word for it, in the order of the release."""
        if rule.rule not in self._findings:
            measure = Measure(rule.metric, rule)
            findings = filter(None, (self.finding(row, measure) for row in self.release.rows))
            self._findings[rule.rule] = [finding for finding in findings if finding.word is not None]
        return self._findings[rule.rule]

    @cached_property
    def beyond(self) -> tuple[PublicFinding, ...]:
        """Rows beyond a limit, under whichever rule, most people apart first."""
        return self._in_state("beyond")

    @cached_property
    def smaller_beyond(self) -> tuple[PublicFinding, ...]:
        """Rows, themselves not beyond the limit, within which a group without a row of its own is."""
        return self._in_state("smaller_beyond")

    def _in_state(self, state: State) -> tuple[PublicFinding, ...]:
        findings = [finding for rule in self.rules for finding in self.findings(rule) if finding.state == state]
        return tuple(sorted(findings, key=lambda finding: (-(finding.apart or 0), finding.row.key)))

    @property
    def names_groups(self) -> bool:
        """Whether a row says that it, or a group within it, is beyond a limit."""
        return bool(self.beyond or self.smaller_beyond)

    @cached_property
    def cases(self) -> int | None:
        """Number of cases with a label and a decision, by printed numbers; None where a side is not printed."""
        positives, negatives = self.everyone("positives"), self.everyone("negatives")
        return None if positives is None or negatives is None else positives.people + negatives.people

    @cached_property
    def covered(self) -> tuple[str, float] | None:
        """A feature, and the share of people who stand in a row of their own by it.

        The feature is the nationality, or else the first one that has rows. None where `cases` is.
        """
        with_rows = (feature for feature in self.release.features if feature.levels)
        by_kind = sorted(with_rows, key=lambda feature: feature.coding != "nationality")
        if not self.cases or not by_kind:
            return None
        name = by_kind[0].name
        rows = [row for row in self.rows((name,)) if not row.total]
        people = sum(row.people for row in rows if _is_own(row.parts[0]))
        most = self.cases if all(_is_own(row.parts[0]) for row in rows) else self.cases - 1
        return name, min(people, most) / self.cases


def order_of(finding: PublicFinding) -> tuple[int, float]:
    """Return the place of a finding among others, worst first."""
    rank = _ORDER.index(finding.state) if finding.state in _ORDER else len(_ORDER)
    return rank, 2.0 if finding.gap is None else -finding.gap


def _is_own(part: PublicPart) -> bool:
    return part.kind in ("level", "nearly") and part.codes[0] != UNKNOWN
