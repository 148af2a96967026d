"""What is conspicuous about a set itself: labels that a column gives away, groups of one label, gaps and repeats.

An audit is no better than its set. Nothing here decides anything; each finding is a reason to look at the set before
anybody is judged on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from scipy.special import chdtrc

from audit.counting.set_columns import ColumnLabels, Repeats
from audit.counting.table import FamilyCounts
from audit.vocabulary.groups import Family, Group
from audit.vocabulary.metrics import Cell

__all__ = [
    "LEAK_AUC",
    "MIXED_AUC",
    "EmptyCells",
    "OneLabel",
    "SetReview",
    "ToldBy",
    "empty_cells",
    "one_label",
    "told_by",
    "worth_telling",
]

LEAK_AUC: Final = 0.999
"""From here on a column is as good as the label."""
MIXED_AUC: Final = 0.8
"""From here on labels and a column go together so much that a model can learn the one for the other."""
_FEWEST: Final = 5
"""Rows of either label below which nothing is said of a column."""
_SMALLEST: Final = 20
"""Rows of a group below which its share of empty cells is not compared."""
_GAP: Final = 0.1
_LEVEL: Final = 0.05
_DISTINCT: Final = 0.5
"""The share of different rows below which rows that are alike are no sign of a repeat."""


@dataclass(frozen=True, slots=True)
class OneLabel:
    """The groups of a family that have labelled rows of one kind only."""

    family: Family
    without_cases: tuple[Group, ...]
    """None of their labelled rows is one of exploitation; those with most rows first."""
    without_others: tuple[Group, ...]
    """All of them are."""


@dataclass(frozen=True, slots=True)
class ToldBy:
    """A column from which the label can be told."""

    column: str
    auc: float
    """How often a case of exploitation is told from another case by this column alone: by the share of exploitation
    among the other rows of its value, or by the number in it, in the direction that tells more."""
    kind: Literal["leak", "mixed"]
    """`leak`: as good as the label. `mixed`: it goes with the label so much that one can be learned for the other."""
    given: bool
    """Whether the detector is given it."""


@dataclass(frozen=True, slots=True)
class EmptyCells:
    """A column that is empty much more often in one group than in another."""

    column: str | None
    """None: the label."""
    feature: str
    most: tuple[str, int, int]
    """Code of the group with the largest share, its empty cells, its rows."""
    least: tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class SetReview:
    """What `audit7k check` says of the set itself."""

    one_label: tuple[OneLabel, ...]
    told_by: tuple[ToldBy, ...]
    """Those that tell most first."""
    empty_cells: tuple[EmptyCells, ...]
    repeats: Repeats | None
    """None where no row repeats another, or rows have too little in them to say."""
    compared: tuple[str, ...]
    """The columns in which rows were compared."""
    left_out: tuple[str, ...]
    """Columns that were not looked at: lists and structures, and whatever comes after the first 200."""


def one_label(families: Iterable[FamilyCounts]) -> tuple[OneLabel, ...]:
    """The groups of one label, by family; families without any are left out."""
    found = []
    for family in families:
        positive = family.total((Cell.TP, Cell.FN, Cell.UNSCORED_POSITIVE))
        negative = family.total((Cell.FP, Cell.TN, Cell.UNSCORED_NEGATIVE))
        rows = dict(zip(family.groups, (positive + negative).tolist(), strict=True))
        ordered = sorted(family.groups, key=lambda group: -rows[group])
        have = dict(zip(family.groups, zip(positive.tolist(), negative.tolist(), strict=True), strict=True))
        without_cases = tuple(group for group in ordered if have[group][0] == 0 < have[group][1])
        without_others = tuple(group for group in ordered if have[group][1] == 0 < have[group][0])
        if without_cases or without_others:
            found.append(OneLabel(family.family, without_cases, without_others))
    return tuple(found)


def told_by(columns: Mapping[str, ColumnLabels], given: Sequence[str]) -> tuple[ToldBy, ...]:
    """The columns from which the label can be told, those that tell most first."""
    found = []
    for column, labels in columns.items():
        auc = _auc(labels)
        if auc is not None and auc >= MIXED_AUC:
            found.append(ToldBy(column, auc, "leak" if auc > LEAK_AUC else "mixed", column in given))
    return tuple(sorted(found, key=lambda one: (-one.auc, one.column)))


def _auc(labels: ColumnLabels) -> float | None:
    told = [_by_value(labels.values)]
    if labels.order is not None:
        positive, negative, twice = labels.order
        if positive >= _FEWEST and negative >= _FEWEST:
            auc = twice / (2 * positive * negative)
            told.append(max(auc, 1.0 - auc))
    known = [auc for auc in told if auc is not None]
    return max(known) if known else None


def _by_value(values: Mapping[tuple[int, int], int]) -> float | None:
    """AUC of the share of exploitation among the *other* rows with a row's value, or of the overall one without any.

    Without the row itself, so that a column of ids, of which every value occurs once, tells nothing.
    """
    positive = sum(p * count for (p, _), count in values.items())
    negative = sum(n * count for (_, n), count in values.items())
    if positive < _FEWEST or negative < _FEWEST:
        return None
    base = positive / (positive + negative)
    at: dict[float, list[int]] = {}
    for (p, n), count in values.items():
        others = p + n - 1
        if p:
            at.setdefault((p - 1) / others if others else base, [0, 0])[0] += p * count
        if n:
            at.setdefault(p / others if others else base, [0, 0])[1] += n * count
    below = twice = 0
    for score in sorted(at):
        p, n = at[score]
        twice += p * (2 * below + n)
        below += n
    return twice / (2 * positive * negative)


def empty_cells(
    feature: str, by_group: Mapping[str, Sequence[int]], columns: Sequence[str], tests: int
) -> tuple[EmptyCells, ...]:
    """Columns, and the label, that are empty in ten points more of one group's rows than of another's, beyond chance.

    Parameters
    ----------
    by_group : mapping of str to sequence of int
        For each level its rows, its rows without a label, and those with each column empty.
    tests : int
        Columns times features that are compared: a chi-squared test of each is held against .05 over that number.
    """
    large = {code: counts for code, counts in by_group.items() if counts[0] >= _SMALLEST}
    if len(large) < 2:
        return ()
    found = []
    for place, column in enumerate((None, *columns), start=1):
        shares = {code: counts[place] / counts[0] for code, counts in large.items()}
        most, least = (choose(large, key=lambda code: (shares[code], code)) for choose in (max, min))
        if shares[most] - shares[least] < _GAP or _p_equal(large.values(), place) > _LEVEL / max(tests, 1):
            continue
        ends = [(code, large[code][place], large[code][0]) for code in (most, least)]
        found.append(EmptyCells(column, feature, ends[0], ends[1]))
    return tuple(found)


def _p_equal(groups: Iterable[Sequence[int]], place: int) -> float:
    """Pearson's chi-squared test that all groups have the same share."""
    counted = [(counts[place], counts[0]) for counts in groups]
    missing, rows = (sum(of) for of in zip(*counted, strict=True))
    share = missing / rows
    if share in (0.0, 1.0):
        return 1.0
    statistic = sum((m - n * share) ** 2 / (n * share * (1.0 - share)) for m, n in counted)
    return float(chdtrc(len(counted) - 1, statistic))


def worth_telling(found: Repeats, rows: int) -> Repeats | None:
    """Repeats, if there are any and rows have enough in them for equal ones to be repeats."""
    return found if found.rows and found.distinct >= _DISTINCT * rows else None
