"""Comparison of the rates of an audit with those of fairlearn and AIF360.

Conventions by which a library states a number and this project states none: a closed list.

Two sets of answers side by side: equal, different by a known convention, or simply different.

Comparison with fairlearn and AIF360: a second and a third opinion on the rates and disparities of an audit.

Single cases for the libraries: read from the view `scored` in one query, and cut into groups without counting.

From Spark no rows come back: it counts them by group, label and decision in a query of its own, and each count becomes
so many rows again. There the libraries check what is made of the counts, and not that Spark counts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import numpy as np
import pyarrow as pa

from audit.analyses.crosscheck.libraries import NO_TABLES, Answer, NoAnswer, Question, SecondProcess, Silence, ask
from audit.analyses.crosscheck.questions import Answers, Rows, Tables, four_cells, own_answers, rates_of, stated
from audit.counting.count import SCORED, grouped, plain
from audit.counting.family_moments import FamilyMoments
from audit.counting.moments import Moments
from audit.counting.table import FLAGGED, NOT_FLAGGED, FamilyCounts
from audit.engines.duckdb import DuckDBEngine
from audit.errors import CrosscheckError
from audit.plan.audit_plan import Rule
from audit.plan.evaluation_set import CASES
from audit.result.findings.further import Agreement, Convention, ConventionCode, CrosscheckState
from audit.result.findings.judged import Disparity, Estimate
from audit.result.findings.system import Notice
from audit.stats.arrays import BoolArray, FloatArray, IntArray, numbered
from audit.vocabulary.groups import Family, Group, Level
from audit.vocabulary.metrics import METRICS, Cell, Metric, MetricName
from audit.vocabulary.sentences import sentence

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet


class Stated(NamedTuple):
    """A number that a library states where this project states nothing."""

    value: float
    """The number it states."""
    metrics: frozenset[MetricName]
    """Rates that it is stated for; every ratio where this is empty."""
    words: str
    """Convention in one sentence."""


CONVENTIONS: Final[Mapping[tuple[str, ConventionCode], Stated]] = {
    (library, cast("ConventionCode", code)): Stated(entry["value"], frozenset(entry["metrics"]), entry["words"])
    for library, codes in tomllib.loads(
        Path(__file__).with_name("conventions.toml").read_text(encoding="utf-8")
    ).items()
    for code, entry in codes.items()
}


def rate_convention(library: str, metric: MetricName) -> tuple[ConventionCode, float] | None:
    """Return what a group lacks, and the number that `library` states for `metric` there; None where it states none."""
    for (name, code), convention in CONVENTIONS.items():
        if name == library and metric in convention.metrics:
            return code, convention.value
    return None


TOLERANCE: Final = 1e-9
"""Largest difference that rounding explains: sums of a million weights, divided."""


@dataclass(slots=True)
class Comparison:
    """Differences between one library's answers and ours."""

    rates: int = 0
    """Rates that both state."""
    disparities: int = 0
    """Differences and ratios that both state."""
    largest: float = 0.0
    """Largest distance among them."""
    worst: tuple[MetricName, Group] | None = None
    """Rate and group where it is that large."""
    conventions: dict[ConventionCode, int] = field(default_factory=dict)
    """Values that only the library states, by its convention."""

    def meet(self, metric: MetricName, distances: FloatArray, groups: Sequence[Group]) -> None:
        """Remember the largest of the `distances`, float64[N], of N groups."""
        if distances.size and distances.max() > self.largest:
            self.largest, self.worst = float(distances.max()), (metric, groups[int(distances.argmax())])


def distance(theirs: FloatArray, ours: FloatArray) -> FloatArray:
    """Return the absolute difference, relative where our value is above 1; 1 where only one of the two states a
    number.
    """
    with np.errstate(invalid="ignore"):
        apart = np.abs(theirs - ours) / np.maximum(1.0, np.abs(ours))
    same = (theirs == ours) | (np.isnan(theirs) & np.isnan(ours))
    return np.where(same, 0.0, np.where(np.isfinite(apart), apart, 1.0))


def compare(
    library: str, metrics: Iterable[Metric], groups: Sequence[Group], tables: Tables, ours: Answers, theirs: Answers
) -> Comparison:
    """Compare every answer. A number that only the library states must be the one of a known convention.

    Where the library states none although it once had a convention, it only became more careful: that is no difference.
    """
    comparison = Comparison()
    expected = _by_convention(library, tables, [metric for metric in metrics if metric.name in theirs.rates])
    for metric, rates in theirs.rates.items():
        lacks = np.isnan(ours.rates[metric]) | np.isnan(ours.differences[metric])
        convention = rate_convention(library, metric)
        code: ConventionCode = convention[0] if convention else "no_cases"
        for index, (mine, wanted, their_values) in enumerate(
            (
                (ours.rates[metric], expected.rates[metric], rates),
                (ours.differences[metric], expected.differences[metric], theirs.differences[metric]),
                (ours.ratios[metric], expected.ratios[metric], theirs.ratios[metric]),
            )
        ):
            stated = ~np.isnan(mine) & (theirs.beside_rest if index else True)
            alone = np.isnan(mine) & ~np.isnan(their_values)
            if index == 0:
                comparison.rates += int(stated.sum())
            else:
                comparison.disparities += int(stated.sum())
            apart = np.where(stated, distance(their_values, mine), np.where(alone, distance(their_values, wanted), 0.0))
            comparison.meet(metric, apart, groups)
            _count(comparison.conventions, {code: alone & lacks, "ratio_to_zero": alone & ~lacks})
    return comparison


def _by_convention(library: str, tables: Tables, metrics: Iterable[Metric]) -> Answers:
    """Return what the library is expected to state: our rates, and its own number where there is no denominator."""
    expected = Answers({}, {}, {}, np.ones(len(tables.own), dtype=bool))
    with np.errstate(divide="ignore", invalid="ignore"):
        for metric in metrics:
            group, rest = (_filled(library, metric, side) for side in tables)
            expected.rates[metric.name], expected.differences[metric.name] = group, group - rest
            expected.ratios[metric.name] = group / rest
    return expected


def _filled(library: str, metric: Metric, side: FloatArray) -> FloatArray:
    rates = rates_of(side, metric)
    convention = rate_convention(library, metric.name)
    if convention is None:
        return rates
    # fairlearn leaves a group without rows out; AIF360 has a number for it
    there = four_cells(side).sum(axis=1) > 0 if library == "fairlearn" else True
    return np.where(np.isnan(rates) & there, convention[1], rates)


def _count(conventions: dict[ConventionCode, int], met: Mapping[ConventionCode, BoolArray]) -> None:
    for code, where in met.items():
        if where.any():
            conventions[code] = conventions.get(code, 0) + int(where.sum())


def tables_of(families: Sequence[FamilyCounts]) -> Tables:
    """Make the tables of the groups of every family, one after the other, over the scored cases: no other has a
    rate.
    """
    group_cells = np.concatenate([family.cells[:, :, (FLAGGED, NOT_FLAGGED)] for family in families])
    all_of_them = np.concatenate(
        [np.broadcast_to(family.everyone[:, (FLAGGED, NOT_FLAGGED)], (len(family.groups), 3, 2)) for family in families]
    )
    return Tables(group_cells.astype(np.float64), (all_of_them - group_cells).astype(np.float64))


MOST_ROWS: Final = 1_000_000
"""Number of rows from which on a set is no longer compared row by row."""


def group_rows(evaluation_set: EvaluationSet, families: Sequence[Family]) -> dict[Group, Rows]:
    """Return the scored cases of everyone and of each group of the finest rung of each single feature in `families`.

    Empty for a set of `MOST_ROWS` or more. Raises DataError where the file cannot be read any more.
    """
    if evaluation_set.rows >= MOST_ROWS:
        return {}
    finest = {feature.name: feature.rungs[0] for feature in evaluation_set.features}
    single = [
        family for family in families if len(family.axes) == 1 and finest[family.axes[0].feature] == family.axes[0].rung
    ]
    names = [f"group_{family.axes[0].feature}" for family in single]
    columns = plain(["label", "decision", *names])
    where = f"decision IN ({FLAGGED}, {NOT_FLAGGED})"
    if isinstance(evaluation_set.engine, DuckDBEngine):
        cases = f"{SCORED}, range({CASES})" if CASES in evaluation_set.expressions else SCORED
        table = evaluation_set.table_of(f"SELECT {', '.join(columns.values())} FROM {cases} WHERE {where}")  # noqa: S608
    else:
        counted = evaluation_set.table_of(grouped(SCORED, columns, {"cases": "count(*)"}, where))
        table = counted.take(np.repeat(np.arange(counted.num_rows), counted.column("cases").to_numpy()))
    label = table.column("label").fill_null(-1).to_numpy().astype(np.int8)
    rows = Rows(label, (table.column("decision").to_numpy() == FLAGGED).astype(np.int8))
    rows_by_group = {Group(()): rows}
    for family, name in zip(single, names, strict=True):
        codes = evaluation_set.codes[family.axes[0].feature]
        rows_by_group |= _family_rows(family, *code_places(table.column(name), codes), rows)
    return rows_by_group


def code_places(column: pa.ChunkedArray, codes: Mapping[str | None, str]) -> tuple[tuple[str, ...], IntArray]:
    """Return the distinct codes of a column, sorted, and the place of each row's; a raw value is looked up once."""
    values = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string())
    encoded = values.dictionary_encode(null_encoding="encode")
    distinct, code_index = numbered([codes[value] for value in encoded.dictionary.to_pylist()])
    return tuple(distinct), code_index[encoded.indices.to_numpy()]


def _family_rows(family: Family, distinct: Sequence[str], code_index: IntArray, rows: Rows) -> dict[Group, Rows]:
    (axis,) = family.axes
    order = np.argsort(code_index.astype(np.int32), kind="stable")
    edges = np.searchsorted(code_index[order], np.arange(len(distinct) + 1))
    label, decision = rows.label[order], rows.decision[order]
    return {
        Group((Level(axis.feature, axis.rung, code),)): Rows(label[start:end], decision[start:end])
        for code, start, end in zip(distinct, edges[:-1], edges[1:], strict=True)
    }


HEADLINES: Final[tuple[MetricName, ...]] = ("true_positive_rate", "false_positive_rate", "selection_rate")
"""Rates that are compared whatever the rules are about."""

MOST_TABLES: Final = 250
"""Number of distinct groups that are compared, unless those that are always compared are more. It is a count and no
time, so that every machine stops at the same group. Each group and rate takes the libraries up to two milliseconds."""
SMALL_FAMILY: Final = 60
"""Most groups of a family that is always compared as a whole."""
MOST_RESTS: Final = 50
"""Number of distinct groups whose rest fairlearn is asked for too, unless more of them fail."""


def headlines(rules: Sequence[Rule]) -> tuple[Metric, ...]:
    """The rates that are compared: those of the rules, and `HEADLINES`."""
    return tuple(dict.fromkeys((*(rule.rate for rule in rules), *(METRICS[name] for name in HEADLINES))))


class Opinions(NamedTuple):
    """What a result says of the comparison."""

    agreements: tuple[Agreement, ...]
    """One for each library that answered."""
    state: CrosscheckState
    """Whether any did."""
    notices: tuple[Notice, ...]
    """What a reader must know of it."""


@dataclass(frozen=True, slots=True)
class Comparable:
    """What every library is asked, and what this project states of it."""

    question: Question
    """The distinct tables of the groups that are compared, as counts or sums of weights."""
    families: Sequence[FamilyCounts]
    """The families compared, the first ones first."""
    mine: Answers
    """What this project states of every group, family after family."""
    weighted: bool
    """Whether these are weighted."""
    table_index: IntArray
    """int64[G]: the table of each group, family after family; -1 where it is not compared."""
    rows: Mapping[Group, Rows]
    """The single cases of some groups."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """Every group, family after family."""
        return tuple(group for family in self.families for group in family.groups)

    def opinions(self, answers: Sequence[Answer | NoAnswer], shown: Sequence[Estimate | Disparity] = ()) -> Opinions:
        """Compare the answers with this project's numbers, and with those that the result shows.

        Raises CrosscheckError if a library states a number that differs by more than `TOLERANCE`, and by none of its
        known conventions.
        """
        records = [record for record in shown if isinstance(record, Estimate)]
        if self.weighted and all(record.weighted_numerator is None for record in records):
            shown = ()  # until the records of a weighted audit are weighted, they say something else
        agreements = tuple(_agreement(answer, self, shown) for answer in answers if isinstance(answer, Answer))
        return Opinions(agreements, "agreed" if agreements else "no_answer", _notices(answers, agreements))


def crosscheck(
    families: Sequence[FamilyCounts],
    metrics: Sequence[Metric],
    shown: Sequence[Estimate | Disparity] = (),
    rows: Mapping[Group, Rows] | None = None,
    moments: Moments | None = None,
    failing: Collection[Group] = (),
) -> Opinions:
    """Ask each library in this process, as `question_of` and `Comparable.opinions` say; see `compared_by`."""
    comparable = question_of(families, metrics, rows or {}, moments, failing)
    return comparable.opinions(ask(comparable.question), shown)


def compared_by(process: SecondProcess, comparable: Comparable) -> Callable[[Sequence[Estimate | Disparity]], Opinions]:
    """Send the question to a process. Returns a function that waits for the answers and compares them."""
    process.ask(comparable.question)
    return lambda shown: comparable.opinions(process.answers(), shown)


def question_of(
    families: Sequence[FamilyCounts],
    metrics: Sequence[Metric],
    rows: Mapping[Group, Rows],
    moments: Moments | None,
    failing: Collection[Group] = (),
) -> Comparable:
    """Choose the groups whose rates, differences from the rest and ratios to the rest are compared.

    Parameters
    ----------
    families
        Groups to compare, the most important families first; they share one set of cases.
    metrics
        Which rates; see `headlines`.
    rows
        Single scored cases of some of the groups, to compare unweighted rates without any counting of ours in between.
    moments
        Sums of weights, where the plan has any: then the weighted rates are compared, those that verdicts rest on.
    failing
        Groups that fail a rule.
    """
    weighted = moments is not None and moments.weighted
    if not families:
        every, mine = NO_TABLES, own_answers(NO_TABLES, metrics)
    elif moments is None or not weighted:
        every = tables_of(families)
        mine = own_answers(every, metrics)
    else:
        every, mine = weighted_tables(moments, families), weighted_ours(moments, families, metrics)
    fails = np.array([group in failing for family in families for group in family.groups], dtype=np.bool_)
    tables, table_index = _distinct(every, *_ordered(every, mine, families, fails))
    rests = max(MOST_RESTS, len(np.unique(table_index[fails])))
    return Comparable(
        Question(tables, metrics, rests, list(rows.values())), families, mine, weighted, table_index, rows
    )


def _ordered(tables: Tables, mine: Answers, families: Sequence[FamilyCounts], fails: BoolArray) -> tuple[IntArray, int]:
    """Order the groups, the most important first. Returns int64[G], and how many are compared whatever that takes.

    These are the groups that fail, everyone, every group of a small family, and of each family and rate the group that
    is furthest from everyone else. The others follow by that distance, in the standard error of a rate of their size.
    """
    sizes = [len(family.groups) for family in families]
    size_of_family = np.repeat(np.array(sizes, dtype=np.int64), sizes)
    apart = np.nan_to_num(np.abs(np.stack(list(mine.differences.values()))))
    apart *= np.sqrt(tables.own.sum(axis=(1, 2)))
    worst = np.zeros(len(fails), dtype=np.bool_)
    for start, size in zip(np.cumsum([0, *sizes]), sizes, strict=False):
        if size:
            worst[start + apart[:, start : start + size].argmax(axis=1)] = True
    tier = np.select([fails, size_of_family <= SMALL_FAMILY, worst], [0, 1, 2], default=3)
    order = np.lexsort((-apart.max(axis=0, initial=0.0), tier))
    return order, int((tier < 3).sum())


def _distinct(tables: Tables, order: IntArray, always: int) -> tuple[Tables, IntArray]:
    """Pick the first distinct tables in `order`: those of the first `always` groups, and up to `MOST_TABLES`.

    Returns them, and int64[G]: the index of each group's table among them, -1 where it is not. All groups have the same
    everyone, so groups with the same counts have the same rest.
    """
    _, first, inverse = np.unique(tables.own[order].reshape(-1, 6), axis=0, return_index=True, return_inverse=True)
    by_order = np.argsort(first)
    chosen_tables = by_order[: max(MOST_TABLES, int((first < always).sum()))]
    renamed = np.full(len(first), -1, dtype=np.int64)
    renamed[chosen_tables] = np.arange(len(chosen_tables))
    table_of_group = np.empty(len(order), dtype=np.int64)
    table_of_group[order] = renamed[inverse.reshape(-1)]
    chosen = order[first[chosen_tables]]
    return Tables(tables.own[chosen], tables.rest[chosen]), table_of_group


_SILENCE: Final[Mapping[Silence, str]] = {
    "absent": "crosscheck_absent",
    "version": "crosscheck_version",
    "broken": "crosscheck_missing",
}
"""Sentence that says why a library has no answer."""


def _notices(answers: Sequence[Answer | NoAnswer], agreements: Sequence[Agreement]) -> tuple[Notice, ...]:
    """Say which libraries did not answer and why, and which were asked about some of the groups only."""
    silent = [answer for answer in answers if isinstance(answer, NoAnswer)]
    missing = [Notice.of("crosscheck-missing", sentence(_SILENCE[mute.reason], name=mute.name)) for mute in silent]
    parts = [
        Notice.of(
            "crosscheck-part",
            sentence("crosscheck_chosen", library=part.library, compared=part.groups_compared, all=part.groups),
        )
        for part in agreements
        if part.groups_compared < part.groups
    ]
    return (*missing, *parts)


def _agreement(answer: Answer, comparable: Comparable, shown: Sequence[Estimate | Disparity]) -> Agreement:
    distribution = answer.name.partition(" ")[0]
    of_rows = dict(zip(comparable.rows, answer.of_rows, strict=True))
    compared = comparable.table_index >= 0
    groups = [group for group, is_compared in zip(comparable.groups, compared, strict=True) if is_compared]
    table_index = comparable.table_index[compared]
    tables, theirs = (
        Tables(comparable.question.tables.own[table_index], comparable.question.tables.rest[table_index]),
        answer.of_tables.at(table_index),
    )
    comparison = compare(
        distribution, comparable.question.metrics, groups, tables, comparable.mine.at(np.flatnonzero(compared)), theirs
    )
    stated_too = _compare_shown(shown, groups, theirs, comparison)
    by_rows = _compare_rows(comparable, of_rows, comparison)
    if comparison.largest > TOLERANCE:
        raise _disagreement(answer.name, comparison)
    return Agreement(
        library=answer.name,
        groups=len(comparable.table_index),
        groups_compared=len(groups),
        rates_compared=comparison.rates,
        disparities_compared=comparison.disparities,
        groups_beside_rest=int(theirs.beside_rest.sum()),
        shown_compared=stated_too,
        row_groups_compared=len(of_rows),
        row_rates_compared=by_rows,
        weighted=comparable.weighted,
        largest_difference=round(comparison.largest, 12),
        differs_by_convention=sum(comparison.conventions.values()),
        conventions=tuple(
            Convention(code=code, words=CONVENTIONS[distribution, code].words, values=values)
            for code, values in sorted(comparison.conventions.items())
        ),
    )


def _compare_shown(
    shown: Sequence[Estimate | Disparity], groups: Sequence[Group], theirs: Answers, comparison: Comparison
) -> int:
    """Compare the numbers as the result shows them; returns how many."""
    at = {group: index for index, group in enumerate(groups)}
    mine: dict[tuple[int, MetricName], list[tuple[int, float]]] = {}
    for record in shown:
        if record.metric not in theirs.rates or record.group not in at:
            continue
        for part, value in _values(record).items():
            if value is not None and (part == 0 or theirs.beside_rest[at[record.group]]):
                mine.setdefault((part, record.metric), []).append((at[record.group], value))
    of_part = (theirs.rates, theirs.differences, theirs.ratios)
    for (part, metric), pairs in mine.items():
        places = np.array([index for index, _ in pairs])
        values = np.array([value for _, value in pairs])
        comparison.meet(metric, distance(of_part[part][metric][places], values), [groups[index] for index in places])
    return sum(len(pairs) for pairs in mine.values())


def _values(record: Estimate | Disparity) -> dict[int, float | None]:
    """Numbers that a record shows, by the place of its kind in `Answers`."""
    if isinstance(record, Estimate):
        return {0: record.value}
    return {1: record.difference, 2: record.ratio} if record.compared_with == "rest" else {}


def _compare_rows(
    comparable: Comparable, of_rows: Mapping[Group, Mapping[MetricName, float]], comparison: Comparison
) -> int:
    """Compare what the library computed from single cases with our rates from counts; returns how many."""
    at = {group: index for index, group in enumerate(comparable.groups)}
    groups = list(of_rows)
    places = np.array([at[group] for group in groups], dtype=np.int64)
    group_tables = tables_of(comparable.families).own[places] if groups else np.zeros((0, 3, 2))
    compared = 0
    for metric in comparable.question.metrics:
        mine = rates_of(group_tables, metric)
        theirs = np.array([of_rows[group].get(metric.name, np.nan) for group in groups])
        stated = (
            ~np.isnan(mine)
            if all(metric.name in rates for rates in of_rows.values())
            else np.zeros(mine.shape, dtype=bool)
        )
        comparison.meet(metric.name, np.where(stated, distance(theirs, mine), 0.0), groups)
        compared += int(stated.sum())
    return compared


def _disagreement(library: str, comparison: Comparison) -> CrosscheckError:
    assert comparison.worst is not None  # noqa: S101 - something is larger than the tolerance
    metric, group = comparison.worst
    group_name = " x ".join(f"{level.feature} ({level.rung})" for level in group.levels)
    whose = f"a group of {group_name}" if group_name else "everyone"
    return CrosscheckError(
        f"{library} and this tool differ by {comparison.largest:.3g} in the {metric} of {whose}: no verdict is given",
        slug="crosscheck-disagrees",
    )


_CELLS: Final = (Cell.TP, Cell.FN, Cell.FP, Cell.TN, Cell.UNLABELLED_FLAGGED, Cell.UNLABELLED_NOT_FLAGGED)
"""Label x decision of the scored cases, row by row of a table."""


def weighted_tables(moments: Moments, families: Sequence[FamilyCounts]) -> Tables:
    """The groups of every family, one after the other, in units of weight: whole numbers, so that sums are exact."""
    group, rest = [], []
    for family in families:
        family_moments = moments.of(family)
        units = np.stack([family_moments.units((cell,)) for cell in _CELLS], axis=1)
        group.append(units)
        rest.append(units.sum(axis=0) - units)
    return Tables(*(np.concatenate(side).reshape(-1, 3, 2) for side in (group, rest)))


def weighted_ours(moments: Moments, families: Sequence[FamilyCounts], metrics: Sequence[Metric]) -> Answers:
    """The rates of groups and rests as verdicts take them, their differences and ratios; NaN where there is none."""
    sides = {metric.name: [_rates(moments.of(family), metric) for family in families] for metric in metrics}
    joined = {metric: tuple(map(np.concatenate, zip(*pairs, strict=True))) for metric, pairs in sides.items()}
    return stated({metric: (group_rate, rest) for metric, (group_rate, rest) in joined.items()})


def _rates(family_moments: FamilyMoments, metric: Metric) -> tuple[FloatArray, FloatArray]:
    cells = (metric.numerator, metric.denominator)
    return (
        np.where(family_moments.weight(metric.denominator) > 0, family_moments.own(cells).rate, np.nan),
        np.where(family_moments.rest_weight(metric.denominator) > 0, family_moments.rest(cells).rate, np.nan),
    )
