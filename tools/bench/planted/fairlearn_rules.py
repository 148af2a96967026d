"""Three readings of a rule of thumb on the `MetricFrame` of fairlearn, which computes rates and names nobody.

A group is called worse off in a rate where

- `four-fifths of the best`: its share found is below .8 of the largest, or the smallest share wrongly flagged is
  below .8 of its own (`MetricFrame.ratio` between groups, read group by group);
- `four-fifths of all`: the same limits against the overall rate (`ratio(method="to_overall")`, group by group);
- `difference to all`: its distance from the overall rate is larger than the limit of the plan.

Only harm counts, and only groups with 30 cases in the denominator, which fairlearn does not ask: to its favour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, Literal

import pandas as pd
from fairlearn import metrics

from audit.vocabulary.metrics import MetricName
from tools.bench.planted.sets import Flag, sized

__all__ = ["FEWEST", "LIMITS", "READINGS", "Rates", "Reading", "flagged", "measured", "vanishes", "within_channels"]

Reading = Literal["four-fifths of the best", "four-fifths of all", "difference to all"]
READINGS: Final[tuple[Reading, ...]] = ("four-fifths of the best", "four-fifths of all", "difference to all")
FEWEST: Final = 30
FOUR_FIFTHS: Final = 0.8
LIMITS: Final[dict[MetricName, float]] = {"true_positive_rate": 0.10, "false_positive_rate": 0.05}
"""The margins of the worlds' plans."""
_FUNCTIONS: Final = {
    "true_positive_rate": metrics.true_positive_rate,
    "false_positive_rate": metrics.false_positive_rate,
}
FAMILIES: Final = (("gender",), ("nationality",), ("gender", "nationality"))


@dataclass(frozen=True)
class Rates:
    """Rates that fairlearn computes over one family of groups."""

    features: tuple[str, ...]
    of_groups: Mapping[MetricName, pd.Series]
    """Rates by group, for groups with enough cases."""
    overall: Mapping[MetricName, float]


def measured(rows: pd.DataFrame, families: Sequence[tuple[str, ...]] = FAMILIES) -> list[Rates]:
    """Return the two rates of every gender, nationality and combination, or of the groups of some `families`."""
    rates = []
    for features in families:
        frame = metrics.MetricFrame(
            metrics=_FUNCTIONS,
            y_true=rows["label"].astype(int),  # objects take twice the time
            y_pred=rows["decision"].astype(int),
            sensitive_features=rows[list(features)],
        )
        enough = {metric: sized(features, rows, metric)["size"] >= FEWEST for metric in LIMITS}
        of_groups = {metric: frame.by_group[metric].loc[large[large].index] for metric, large in enough.items()}
        rates.append(Rates(features, of_groups, {metric: float(frame.overall[metric]) for metric in LIMITS}))
    return rates


def flagged(rates: Sequence[Rates], reading: Reading) -> frozenset[Flag]:
    """Return every gender, nationality and combination that is called worse off."""
    flags: set[Flag] = set()
    for family, metric in product(rates, LIMITS):
        for level in _worse(family.of_groups[metric], family.overall[metric], metric, reading):
            codes = (level,) if isinstance(level, str) else tuple(level)
            flags.add((metric, tuple(zip(family.features, codes, strict=True))))
    return frozenset(flags)


def within_channels(rows: pd.DataFrame, flag: Flag) -> list[list[Rates]]:
    """Compute the two rates of the groups of a flag's features within each channel, as `control_features` does."""
    features = tuple(feature for feature, _ in flag[1])
    return [measured(part, [features]) for _, part in rows.groupby("channel")]


def vanishes(crude: Sequence[Rates], within: Sequence[Sequence[Rates]], flag: Flag, reading: Reading) -> bool:
    """Say whether a group is called worse off, and within no channel."""
    return flag in flagged(crude, reading) and all(flag not in flagged(part, reading) for part in within)


def _worse(rates: pd.Series, overall: float, metric: MetricName, reading: Reading) -> list[str | tuple[str, ...]]:
    high_harms = metric == "false_positive_rate"
    if reading == "difference to all":
        beyond = rates - overall > LIMITS[metric] if high_harms else overall - rates > LIMITS[metric]
    else:
        best = overall if reading == "four-fifths of all" else float(rates.min() if high_harms else rates.max())
        beyond = best < FOUR_FIFTHS * rates if high_harms else rates < FOUR_FIFTHS * best
    return list(rates.index[beyond])
