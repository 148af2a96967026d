"""Review of a set itself: labels that a column gives away, groups of one label, gaps and repeats.

An audit is no better than its set. Nothing here decides anything; each finding is a reason to look at the set before
anybody is judged on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from scipy.special import chdtrc

from audit.counting.set_columns import (
    ColumnLabels,
    Repeats,
    can_be_compared,
    column_labels,
    count_repeats,
    missing_by_group,
)
from audit.counting.table import FamilyCounts
from audit.engines.protocol import ROW
from audit.errors import DataError
from audit.evaluation.evaluation_set import set_options
from audit.evaluation.in_memory import view_table
from audit.evaluation.relation import Relation
from audit.evaluation.table_file import read_file, relation, set_place
from audit.plan.answers import PredictionsDetector
from audit.plan.detectors import Detector as DetectorSection
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.file.plan_file import LoadedPlan
from audit.plan.sampling_design import COLUMNS_ADDED
from audit.vocabulary.groups import Family, Group
from audit.vocabulary.metrics import Cell

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from audit.evaluation.evaluation_set import EvaluationSet

LEAK_AUC: Final = 0.999
"""AUC from which on a column is as good as the label."""
MIXED_AUC: Final = 0.8
"""AUC from which on labels and a column go together so much that a model can learn the one for the other."""
_FEWEST: Final = 5
"""Rows of either label below which nothing is said about a column."""
_SMALLEST: Final = 20
"""Rows of a group below which its share of empty cells is not compared."""
_GAP: Final = 0.1
_LEVEL: Final = 0.05
_DISTINCT: Final = 0.5
"""Share of different rows below which rows that are alike are no sign of a repeat."""


@dataclass(frozen=True, slots=True)
class OneLabel:
    """Groups of a family that have labelled rows of one kind only."""

    family: Family
    without_cases: tuple[Group, ...]
    """Groups without a row labelled as exploitation; those with most rows first."""
    without_others: tuple[Group, ...]
    """Groups in which all labelled rows are labelled as exploitation."""


@dataclass(frozen=True, slots=True)
class RevealingColumn:
    """A column that reveals the label."""

    column: str
    auc: float
    """How often this column alone distinguishes a case of exploitation from another case, ties counted one half: by the
    share of exploitation among the other rows of its value, or by the number in it, in the direction that reveals more.
    """
    kind: Literal["leak", "mixed"]
    """`leak`: as good as the label. `mixed`: it goes with the label so much that one can be learned for the other."""
    given: bool
    """Whether the detector is given the column."""


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
    """Findings of `audit7k check` on the set itself."""

    one_label: tuple[OneLabel, ...]
    revealed_by: tuple[RevealingColumn, ...]
    """Those that tell most first."""
    empty_cells: tuple[EmptyCells, ...]
    repeats: Repeats | None
    """None where no row repeats another, or rows have too little in them to say."""
    compared: tuple[str, ...]
    """Columns in which rows were compared."""
    left_out: tuple[str, ...]
    """Columns that were not looked at: lists and structures, and whatever comes after the first 200."""


def one_label_groups(families: Iterable[FamilyCounts]) -> tuple[OneLabel, ...]:
    """Find the groups of one label, by family; families without any are left out."""
    groups_of_one_label = []
    for family in families:
        positive = family.total((Cell.TP, Cell.FN, Cell.UNSCORED_POSITIVE))
        negative = family.total((Cell.FP, Cell.TN, Cell.UNSCORED_NEGATIVE))
        rows = dict(zip(family.groups, (positive + negative).tolist(), strict=True))
        ordered = sorted(family.groups, key=lambda group: -rows[group])
        have = dict(zip(family.groups, zip(positive.tolist(), negative.tolist(), strict=True), strict=True))
        without_cases = tuple(group for group in ordered if have[group][0] == 0 < have[group][1])
        without_others = tuple(group for group in ordered if have[group][1] == 0 < have[group][0])
        if without_cases or without_others:
            groups_of_one_label.append(OneLabel(family.family, without_cases, without_others))
    return tuple(groups_of_one_label)


def revealing_columns(
    columns: Mapping[str, ColumnLabels], detector_features: Sequence[str]
) -> tuple[RevealingColumn, ...]:
    """Find the columns that reveal the label, those that reveal most first."""
    revealing = []
    for column, labels in columns.items():
        auc = _auc(labels)
        if auc is not None and auc >= MIXED_AUC:
            revealing.append(
                RevealingColumn(column, auc, "leak" if auc > LEAK_AUC else "mixed", column in detector_features)
            )
    return tuple(sorted(revealing, key=lambda revealed: (-revealed.auc, revealed.column)))


def _auc(labels: ColumnLabels) -> float | None:
    aucs = [_auc_by_value(labels.values)]
    if labels.order is not None:
        positive, negative, twice = labels.order
        if positive >= _FEWEST and negative >= _FEWEST:
            auc = twice / (2 * positive * negative)
            aucs.append(max(auc, 1.0 - auc))
    known = [auc for auc in aucs if auc is not None]
    return max(known) if known else None


def _auc_by_value(values: Mapping[tuple[int, int], int]) -> float | None:
    """Return the AUC of the share of exploitation among the other rows of a row's value, ties counted one half.

    Neither row of a pair counts in the shares that show it (Airola et al. 2011, Computational Statistics & Data
    Analysis 55, 1828-1844), so that a column that says nothing, of ids above all, gives one half on average. Two rows
    of one value are then a tie: what is left of the value is the same for both.
    """
    positive = sum(p * count for (p, _), count in values.items())
    negative = sum(n * count for (_, n), count in values.items())
    if positive < _FEWEST or negative < _FEWEST:
        return None
    base = (positive - 1) / (positive + negative - 2)
    at: dict[float, list[int]] = {}
    twice = 0
    for (p, n), count in values.items():
        others = p + n - 1
        if p:
            at.setdefault((p - 1) / others if others else base, [0, 0])[0] += p * count
        if n:
            at.setdefault(p / others if others else base, [0, 0])[1] += n * count
        # with one row left out at a time, as below, the positive one of two rows of a value always ranks lower: no win
        twice += p * n * count
    below = 0
    for score in sorted(at):
        p, n = at[score]
        twice += p * (2 * below + n)
        below += n
    return twice / (2 * positive * negative)


def uneven_empty_cells(
    feature: str, by_group: Mapping[str, Sequence[int]], columns: Sequence[str], tests: int
) -> tuple[EmptyCells, ...]:
    """Find columns, or the label, that are empty in ten points more of one group's rows than of another's, beyond
    chance.

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
    uneven = []
    for index, column in enumerate((None, *columns), start=1):
        shares = {code: counts[index] / counts[0] for code, counts in large.items()}
        most, least = (choose(large, key=lambda code: (shares[code], code)) for choose in (max, min))
        if shares[most] - shares[least] < _GAP or _p_equal(large.values(), index) > _LEVEL / max(tests, 1):
            continue
        ends = [(code, large[code][index], large[code][0]) for code in (most, least)]
        uneven.append(EmptyCells(column, feature, ends[0], ends[1]))
    return tuple(uneven)


def _p_equal(groups: Iterable[Sequence[int]], index: int) -> float:
    """Return the p-value of Pearson's chi-squared test that all groups have the same share."""
    counted = [(counts[index], counts[0]) for counts in groups]
    missing, rows = (sum(sums) for sums in zip(*counted, strict=True))
    share = missing / rows
    if share in (0.0, 1.0):
        return 1.0
    statistic = sum((m - n * share) ** 2 / (n * share * (1.0 - share)) for m, n in counted)
    return float(chdtrc(len(counted) - 1, statistic))


def meaningful_repeats(repeats: Repeats, rows: int) -> Repeats | None:
    """Return repeats, if there are any and rows have enough in them for equal ones to be repeats."""
    return repeats if repeats.rows and repeats.distinct >= _DISTINCT * rows else None


MOST_COLUMNS = 200
"""Most columns that are looked at; of a wider set only the first ones are."""
_WHOLE = "whole_set"


def review_set(
    evaluation_set: EvaluationSet,
    loaded: LoadedPlan,
    families: Iterable[FamilyCounts],
    table: pa.Table | pd.DataFrame | None = None,
) -> SetReview:
    """Review an open evaluation set.

    Parameters
    ----------
    families : iterable of FamilyCounts
        The counts in which groups of one label are looked for.
    table : pyarrow.Table or pandas.DataFrame, optional
        The set, where it is no file.

    Raises
    ------
    DataError, StorageError
        If the file cannot be read any more.
    """
    plan = loaded.plan
    whole_set = _whole_relation(evaluation_set, loaded, table)
    plain = [column for column in whole_set.types if column != ROW and can_be_compared(whole_set.types[column])]
    looked_at = [column for column in plain if column not in _technical_columns(plan.evaluation_set, plan.detector)][
        :MOST_COLUMNS
    ]
    detector_features = tuple(getattr(plan.detector, "features", ()))
    compared = [column for column in detector_features if column in plain] or looked_at
    labels = {column: column_labels(evaluation_set, whole_set, column) for column in looked_at}
    tests = (len(looked_at) + 1) * len(plan.groups)
    empty = [
        cells
        for name, section in plan.groups.items()
        for cells in _empty_cells_of(
            evaluation_set,
            whole_set,
            [other_column for other_column in looked_at if other_column != section.column],
            name,
            tests,
        )
    ]
    return SetReview(
        one_label=one_label_groups(families),
        revealed_by=revealing_columns(labels, detector_features),
        empty_cells=tuple(empty),
        repeats=meaningful_repeats(count_repeats(evaluation_set, whole_set, compared), evaluation_set.rows)
        if compared
        else None,
        compared=tuple(compared),
        left_out=tuple(
            sorted({*evaluation_set.columns} - {*looked_at, *_technical_columns(plan.evaluation_set, plan.detector)})
        ),
    )


def _empty_cells_of(
    evaluation_set: EvaluationSet, whole_set: Relation, columns: Sequence[str], feature: str, tests: int
) -> tuple[EmptyCells, ...]:
    return uneven_empty_cells(feature, missing_by_group(evaluation_set, whole_set, columns, feature), columns, tests)


def _whole_relation(
    evaluation_set: EvaluationSet, loaded: LoadedPlan, table: pa.Table | pd.DataFrame | None
) -> Relation:
    """Return all columns of the set; only those that the plan names where the others cannot be read together."""
    try:
        if table is not None:
            columns = evaluation_set.columns
            content = view_table(evaluation_set.local_engine, _WHOLE, table, dict.fromkeys(columns, ""))
            return relation(_WHOLE, evaluation_set.source_name, content, None)
        set_location, options = (
            set_place(loaded.plan.evaluation_set, loaded.folder),
            set_options(loaded.plan.groups, loaded.plan.evaluation_set, loaded.folder),
        )
        return read_file(evaluation_set.local_engine, _WHOLE, set_location, options)
    except DataError:
        return evaluation_set.source


def _technical_columns(set_section: EvaluationSetSection, detector_section: DetectorSection) -> set[str]:
    """Return columns that are no property of a case: id, label, weight, cluster, how it was drawn, the detector's
    answer.
    """
    section, detector = set_section, detector_section
    named = {section.id, section.label, section.weight, section.stratum, section.cluster}
    if isinstance(detector, PredictionsDetector) and detector.stands_in_set:
        named.add(detector.answer)
    if section.weight == "design_weight":
        # what `audit7k draw` says of a row: of course it goes with the label; given to a detector it is another matter
        named |= set(COLUMNS_ADDED) - set(getattr(detector, "features", ()))
    return {name for name in named if name is not None}
