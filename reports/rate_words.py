"""Words for rates, errors, limits and natural frequencies. Restricted and public reports share them."""

from __future__ import annotations

from collections.abc import Mapping

from audit.public.figures import State
from audit.vocabulary.metrics import METRICS, Metric, MetricName
from audit.vocabulary.numbers import Frequency, hundredfold
from reports.language import Language, Wording
from reports.plain_text import capital

_BROKEN = 100
"""Number whose plural form stands beside a broken number of points: 2.5 points."""


class RateWords(Wording):
    """Rates, errors, limits and frequencies in one language. The words for a rate of a plan are those of the plan."""

    def __init__(self, language: Language, rates: Mapping[MetricName, Metric] = METRICS) -> None:
        super().__init__(language)
        self._rates = rates

    def limit_of(self, scale: str, limit: float, worse: str) -> str:
        """Return a limit in words. `worse` is its side: low, high, or anything else for both."""
        if scale == "difference":
            return self._points_of(limit, worse) % {"points": self._n.points(limit)}
        factors = {"low": self._n.plain(limit), "high": self._n.plain(1 / limit)}
        return self._language.word("limit_as_ratio", worse, **factors)

    def _points_of(self, limit: float, worse: str) -> str:
        points = hundredfold(limit)
        form = int(points) if points == int(points) else _BROKEN
        return self._language.word("limit_in_points", worse, form)

    def said_limit(self, limit: str, *, only_warns: bool) -> str:
        """Return a limit, and whether builds go on where it is exceeded."""
        if not only_warns:
            return limit
        return self._t.gettext("%(limit)s (builds go on with a warning where it is exceeded)") % {"limit": limit}

    def state(self, state: State) -> str:
        """Return what the exact audit says of a row, in a few words."""
        return self._language.word("states", state)

    def rate(self, metric: str) -> str:
        """Return a rate in one or two words, as the head of a column."""
        known = self._rates.get(metric)
        if known is None:
            return metric
        return self._t.gettext(known.report.head) if known.report.head else capital(known.plain)

    def error(self, metric: str) -> str:
        """Return the error that a rate is about, with a place for how often: "misses %(often)s victims"."""
        known = self._rates[metric]
        if known.report.error:
            return self._t.gettext(known.report.error)
        return known.plain.replace("%", "%%") + self._t.gettext(": ") + "%(often)s"

    def error_in_short(self, metric: str) -> str:
        """Return the error for a heading that names the people: "misses %(often)s"."""
        short = self._rates[metric].report.error_in_short
        return self._t.gettext(short) if short else self.error(metric)

    def frequency(self, frequency: Frequency) -> str:
        """Return a natural frequency: "about 51 in 100"."""
        filled = {"count": self._n.count(frequency.count), "base": self._n.count(frequency.base)}
        if frequency.kind == "exactly":
            return self._t.gettext("all") if frequency.count else self._t.pgettext("how many", "no")
        if frequency.kind == "below":
            return self._t.gettext("fewer than %(count)s in %(base)s") % filled
        if frequency.kind == "above":
            return self._t.gettext("more than %(count)s in %(base)s") % filled
        return self._t.gettext("about %(count)s in %(base)s") % filled

    def frequency_beside(self, frequency: Frequency) -> str:
        """Return a natural frequency that follows another: "20 in 100"."""
        if frequency.kind == "exactly":
            return self._t.gettext("all") if frequency.count else self._t.gettext("none")
        if frequency.kind != "about":
            return self.frequency(frequency)
        counts = {"count": self._n.count(frequency.count), "base": self._n.count(frequency.base)}
        return self._t.gettext("%(count)s in %(base)s") % counts
