"""Words for rates, errors, limits and natural frequencies. Restricted and public reports share them."""

from __future__ import annotations

from typing import assert_never

from audit.public.figures import State
from audit.vocabulary.numbers import Frequency, hundredfold
from reports.language import Language

_BROKEN = 100
"""Number whose plural form stands beside a broken number of points: 2.5 points."""


class RateWords:
    """Rates, errors, limits and frequencies in one language."""

    def __init__(self, language: Language) -> None:
        self._t = language.translations
        self._n = language.numbers

    def limit_of(self, scale: str, limit: float, worse: str) -> str:
        """Return a limit in words. `worse` is its side: low, high, or anything else for both."""
        if scale == "difference":
            return self._points_of(limit, worse) % {"points": self._n.points(limit)}
        factors = {"low": self._n.plain(limit), "high": self._n.plain(1 / limit)}
        if worse == "low":
            return self._t.gettext("at least %(low)s times the rate of everyone else") % factors
        if worse == "high":
            return self._t.gettext("at most %(high)s times the rate of everyone else") % factors
        return self._t.gettext("between %(low)s and %(high)s times the rate of everyone else") % factors

    def _points_of(self, limit: float, worse: str) -> str:
        points = hundredfold(limit)
        form = int(points) if points == int(points) else _BROKEN
        if worse == "low":
            return self._t.ngettext(
                "at most %(points)s percentage point below everyone else",
                "at most %(points)s percentage points below everyone else",
                form,
            )
        if worse == "high":
            return self._t.ngettext(
                "at most %(points)s percentage point above everyone else",
                "at most %(points)s percentage points above everyone else",
                form,
            )
        return self._t.ngettext(
            "at most %(points)s percentage point below or above everyone else",
            "at most %(points)s percentage points below or above everyone else",
            form,
        )

    def said_limit(self, limit: str, *, only_warns: bool) -> str:
        """Return a limit, and whether builds go on where it is exceeded."""
        if not only_warns:
            return limit
        return self._t.gettext("%(limit)s (builds go on with a warning where it is exceeded)") % {"limit": limit}

    def state(self, state: State) -> str:
        """Return what the exact audit says of a row, in a few words."""
        match state:
            case "beyond":
                return self._t.gettext("beyond the limit")
            case "smaller_beyond":
                return self._t.gettext("a smaller group within it is beyond the limit")
            case "cannot_tell":
                return self._t.gettext("cannot tell")
            case "within":
                return self._t.gettext("within the limit")
            case "not_judged":
                return self._t.gettext("not judged as one group")
            case _:
                assert_never(state)

    def rate(self, metric: str) -> str:
        """Return a rate in one or two words, as the head of a column."""
        heads = {
            "true_positive_rate": self._t.gettext("Found"),
            "false_negative_rate": self._t.gettext("Missed"),
            "false_positive_rate": self._t.gettext("Wrongly flagged"),
            "true_negative_rate": self._t.gettext("Rightly left alone"),
            "precision": self._t.gettext("Flags that are right"),
            "accuracy": self._t.gettext("Agrees with label"),
            "selection_rate": self._t.gettext("Flagged"),
            "base_rate": self._t.gettext("Labelled as victims"),
        }
        return heads.get(metric, metric)

    def error(self, metric: str) -> str:
        """Return the error that a rate is about, with a place for how often: "misses %(often)s victims"."""
        return self._errors()[metric][0]

    def error_in_short(self, metric: str) -> str:
        """Return the error for a heading that names the people: "misses %(often)s"."""
        return self._errors()[metric][1]

    def _errors(self) -> dict[str, tuple[str, str]]:
        misses = self._t.gettext("misses %(often)s victims"), self._t.gettext("misses %(often)s")
        flags = (
            self._t.gettext("wrongly flags %(often)s people who are not victims"),
            self._t.gettext("wrongly flags %(often)s"),
        )
        return {
            "true_positive_rate": misses,
            "false_negative_rate": misses,
            "false_positive_rate": flags,
            "true_negative_rate": flags,
            "precision": (self._t.gettext("is wrong in %(often)s flags"),) * 2,
            "accuracy": (self._t.gettext("disagrees with the label in %(often)s cases"),) * 2,
            "selection_rate": (self._t.gettext("flags %(often)s people"),) * 2,
            "base_rate": ("%(often)s",) * 2,
        }

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
