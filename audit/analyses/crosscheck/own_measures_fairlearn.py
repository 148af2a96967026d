"""Measures of the operator's own, group by group through fairlearn's `MetricFrame`, with bootstrap intervals of our
own.

    def measure(y_true, y_pred) -> float

is any function with the signature of a scikit-learn metric. It is the operator's own code and runs in a process of its
own with all rights of the user. It is shown and never judged. Rows are not weighted: such a function takes none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from audit.analyses.crosscheck.agreement import code_places
from audit.counting.count import SCORED
from audit.counting.table import FLAGGED, NOT_FLAGGED, ladder_map
from audit.detectors.command_setup import ALWAYS_SET
from audit.detectors.error_names import error_name
from audit.detectors.python_function import ModulesBeside
from audit.errors import DetectorError
from audit.operating_system import python_arguments
from audit.plan.audit_plan import AuditPlan
from audit.plan.measures import Measure
from audit.plan.sections import feature_rungs
from audit.result.findings.further import OwnMeasure, OwnMeasureReason
from audit.stats.arrays import FloatArray, IntArray, numbered
from audit.stats.bootstrap import expanded_percentiles, resampled_places
from audit.vocabulary.groups import Axis, Family, Group, Level, SensitiveFeature

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

FEWEST_CLUSTERS: Final = 30
"""With fewer clusters a bootstrap interval is too short to be shown: of a share of 0.1 over 12 clusters it misses 11 to
14 times in 100 where it should 5 (`tools.simulate --only costs_and_own_measures`)."""
FEWEST_ROWS: Final = 10
"""Fewest rows that stand for themselves for which an interval is given."""

_STREAM: Final = 0x0B5E
"""Stream of the plan's seed that the replicates are drawn from."""
_BROKEN: Final = (Exception, SystemExit)
"""Errors that the operator's code can raise."""
_PROGRAM: Final = "from audit.analyses.crosscheck.own_measures_fairlearn import serve; serve()"
"""What Python is started with in the process of the measures."""

_Function = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class _Cases:
    """n labelled and answered cases, in the order of their ids, so that a shuffled file draws the same replicates."""

    label: IntArray
    given: npt.NDArray[Any]
    """int64[n] decisions or float64[n] scores."""
    clusters: IntArray | None
    """int64[n], or None where rows stand for themselves."""
    finest: dict[str, tuple[tuple[str, ...], IntArray]]
    """By feature: the codes that are there, and the place of each case's among them."""


def own_measures(
    plan: AuditPlan, folder: Path, evaluation_set: EvaluationSet, features: Sequence[SensitiveFeature]
) -> tuple[OwnMeasure, ...]:
    """Compute every measure of the plan, for everyone and for every group that it names on every rung.

    Parameters
    ----------
    folder
        The folder of the plan, where modules are looked for first.
    evaluation_set
        The set after scoring; it must be open.

    Raises
    ------
    DetectorError
        If a module or its function cannot be loaded. What the function raises on a group stands in that group's record,
        by the type of the error alone: its text can quote a row.
    DataError
        If the file cannot be read any more.
    """
    clustered = plan.evaluation_set.cluster is not None
    cases = [_read(evaluation_set, measure, clustered=clustered) for measure in plan.measures]
    records = _in_a_process(plan, folder, cases, features)
    return tuple(OwnMeasure.model_validate_json(json.dumps(record)) for record in records)


def check_measures(plan: AuditPlan, folder: Path) -> None:
    """Load every measure in a process that then ends: before the long scoring run, not after. Raises DetectorError."""
    _in_a_process(plan, folder, None, ())


def _in_a_process(
    plan: AuditPlan, folder: Path, cases: list[_Cases] | None, features: Sequence[SensitiveFeature]
) -> list[dict[str, Any]]:
    """Load the measures, and compute them on their cases if there are any. What they print goes nowhere."""
    if not plan.measures:
        return []
    path = [entry or os.getcwd() for entry in sys.path]  # noqa: PTH109 - as Python reads the empty entry
    done = subprocess.run(  # noqa: S603 - an argv list of our own, and never a shell
        [sys.executable, *python_arguments(_PROGRAM)],
        input=pickle.dumps((path, (plan, folder, cases, tuple(features)))),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **dict.fromkeys(ALWAYS_SET, "1")},
        check=False,
    )
    reply: dict[str, Any] = {}
    with contextlib.suppress(ValueError):
        reply = json.loads(done.stdout)
    if "slug" in reply:
        raise DetectorError(reply["message"], slug=reply["slug"], hint=reply["hint"])
    if done.returncode != 0 or "records" not in reply:
        raise DetectorError("the process of the measures ended before they were computed", slug="measure-process")
    records: list[dict[str, Any]] = reply["records"]
    return records


def serve() -> None:
    """Read what is asked from stdin, and write the records, or an error, to stdout as JSON.

    What is asked: where modules are found, and plan, folder, cases and features.
    """
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(2, 1)
        sys.path[:], asked = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the audit
        try:
            reply: Mapping[str, Any] = {"records": _computed(*asked)}
        except DetectorError as error:
            reply = {"slug": error.slug, "message": error.message, "hint": error.own_hint}
        output.write(json.dumps(reply).encode())
    os._exit(0)  # no cleaning up: a thread or an exit handler of the measure could block the end of the process


def _computed(
    plan: AuditPlan, folder: Path, cases: list[_Cases] | None, features: Sequence[SensitiveFeature]
) -> list[dict[str, Any]]:
    by_name = {feature.name: feature for feature in features}
    records: list[OwnMeasure] = []
    for at, measure in enumerate(plan.measures):
        with _function(measure, folder) as function, _quietly():
            if cases is not None:
                records += _Measured(plan, measure, function, cases[at]).all(by_name)
    return [record.model_dump(mode="json", by_alias=True) for record in records]


@contextlib.contextmanager
def _function(measure: Measure, folder: Path) -> Iterator[_Function]:
    """Load the operator's function; its module is forgotten afterwards."""
    module_name, _, name = measure.metric.partition(":")
    modules = ModulesBeside(folder.resolve())
    try:
        function = getattr(modules.load(module_name, measure.metric), name, None)
        if not callable(function):
            raise DetectorError(
                f"module {module_name} has no function {name}",
                slug="measure-function",
                hint=f'write metric = "{module_name}:<function>" with a function that stands in the module',
            )
        yield function
    finally:
        modules.forget()


def _read(evaluation_set: EvaluationSet, measure: Measure, *, clustered: bool) -> _Cases:
    names = [f"group_{feature.name}" for feature in evaluation_set.features]
    value_column = "score" if measure.given == "score" else f"(decision = {FLAGGED})::BIGINT"
    columns = ", ".join(
        [
            "label::BIGINT AS label",
            f"{value_column} AS given",
            *(f'"{name}"' for name in names),
            # clusters are numbered in the order of their names, and the names stay in the engine
            *(["dense_rank() OVER (ORDER BY cluster) - 1 AS cluster"] if clustered else []),
        ]
    )
    where = f"label IS NOT NULL AND decision IN ({FLAGGED}, {NOT_FLAGGED}) AND {value_column} IS NOT NULL"
    query = f"SELECT {columns} FROM {SCORED} WHERE {where} ORDER BY case_id"  # noqa: S608 - names are the plan's own
    table = evaluation_set.table_of(query)
    return _Cases(
        label=table.column("label").to_numpy(),
        given=table.column("given").to_numpy(),
        clusters=table.column("cluster").to_numpy() if clustered else None,
        finest={
            feature.name: code_places(table.column(name), evaluation_set.codes[feature.name])
            for feature, name in zip(evaluation_set.features, names, strict=True)
        },
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    """A measure of the plan, its function, and the cases on which it is computed."""

    plan: AuditPlan
    measure: Measure
    function: _Function
    cases: _Cases

    def all(self, features: dict[str, SensitiveFeature]) -> list[OwnMeasure]:
        """Compute it for everyone, and for every group that it names on every rung."""
        everyone = np.zeros(len(self.cases.label), dtype=np.int64)
        measures = self._family([Group(())], everyone)
        # no feature at all is everyone, who stand there already
        for names in dict.fromkeys(frozenset(names) for names in self.measure.feature_sets if names):
            ordered = [name for name in self.plan.groups if name in names]
            for rungs in product(*(feature_rungs(self.plan.groups, name) for name in ordered)):
                family = Family(tuple(Axis(name, rung) for name, rung in zip(ordered, rungs, strict=True)))
                measures += self._family(*_groups(family, self.cases, features))
        return measures

    def _family(self, groups: Sequence[Group], group_index: IntArray) -> list[OwnMeasure]:
        sizes = np.bincount(group_index, minlength=len(groups))
        large = sizes >= self.plan.verdict.min_denominator
        values = self._point_values(group_index, large)
        order = np.argsort(group_index, kind="stable")
        edges = np.concatenate(([0], np.cumsum(sizes)))
        return [self._group(group, order[edges[at] : edges[at + 1]], values.get(at)) for at, group in enumerate(groups)]

    def _point_values(self, group_index: IntArray, large: npt.NDArray[np.bool_]) -> dict[int, float]:
        """Return the values of fairlearn's `MetricFrame` by place of a group that is large enough; NaN where there is
        none.
        """
        from fairlearn.metrics import MetricFrame

        chosen = large[group_index]
        if not chosen.any():
            return {}

        def point(y_true: Any, y_pred: Any) -> float:
            return _call(self.function, y_true, y_pred)[0]

        frame = MetricFrame(
            metrics=point,
            y_true=self.cases.label[chosen],
            y_pred=self.cases.given[chosen],
            sensitive_features=group_index[chosen],
        )
        return {int(at): float(value) for at, value in frame.by_group.items()}

    def _group(self, group: Group, rows: IntArray, value: float | None) -> OwnMeasure:
        """Make the record of a group whose cases stand at `rows`; `value` is None where they are too few."""
        clusters = None if self.cases.clusters is None else np.unique(self.cases.clusters[rows], return_inverse=True)[1]
        drawn_from = np.arange(len(rows)) if clusters is None else clusters
        of_them = int(drawn_from.max(initial=-1)) + 1
        reason: OwnMeasureReason | None = None
        error: str | None = None
        used, limits = 0, None
        if value is None:
            reason = "too_few_for_a_rate" if len(rows) else "no_cases"
        elif not np.isfinite(value):
            error = _call(self.function, self.cases.label[rows], self.cases.given[rows])[1]
            reason = "not_a_number" if error is None else "raised"
        else:
            if of_them >= (FEWEST_ROWS if clusters is None else FEWEST_CLUSTERS):
                replicates = self._replicates(group, rows, drawn_from)
                used = int(np.isfinite(replicates).sum())
                limits = expanded_percentiles(replicates, of_them, self.plan.verdict.level)
            reason = "interval_unstable" if limits is None else None
        known = value is not None and np.isfinite(value)
        return OwnMeasure(
            measure=self.measure.name or self.measure.metric.partition(":")[2],
            function=self.measure.metric,
            given=self.measure.given,
            group=group,
            n=len(rows),
            clusters=None if clusters is None else of_them,
            value=_rounded(value) if value is not None and known else None,
            low=None if limits is None else _rounded(limits[0]),
            high=None if limits is None else _rounded(limits[1]),
            level=self.plan.verdict.level,
            replicates=self.measure.replicates,
            replicates_used=used,
            reason=reason,
            error=error,
        )

    def _replicates(self, group: Group, rows: IntArray, clusters: IntArray) -> FloatArray:
        """float64[R]: the function on slices of the group's own cases; NaN where a replicate has no value.

        Every measure of every group has its own stream, so that no other group changes what is drawn for it.
        """
        digest = hashlib.sha256(repr((self.measure.metric, self.measure.given, group.levels)).encode()).digest()
        rng = np.random.default_rng([self.plan.verdict.seed, _STREAM, *np.frombuffer(digest, dtype="<u4").tolist()])
        label, values = self.cases.label[rows], self.cases.given[rows]
        drawn = resampled_places(clusters, self.measure.replicates, rng)
        return np.array([_call(self.function, label[places], values[places])[0] for places in drawn])


def _groups(family: Family, cases: _Cases, features: dict[str, SensitiveFeature]) -> tuple[list[Group], IntArray]:
    """Return the groups of a family, sorted by their codes, and the place of each case's among them."""
    columns: list[tuple[list[str], IntArray]] = []
    for axis in family.axes:
        codes, group_index = cases.finest[axis.feature]
        climb = ladder_map(features[axis.feature], axis.rung)
        distinct, places = numbered([climb[code] for code in codes])
        columns.append((distinct, places[group_index]))
    places = np.stack([group_index for _, group_index in columns], axis=1)
    there, group_index = np.unique(places, axis=0, return_inverse=True)
    groups = [
        Group(
            tuple(
                Level(axis.feature, axis.rung, distinct[code])
                for axis, (distinct, _), code in zip(family.axes, columns, row, strict=True)
            )
        )
        for row in there
    ]
    return groups, group_index.reshape(-1)


def _call(function: _Function, label: Any, values: Any) -> tuple[float, str | None]:
    """Call the function on these cases. Returns NaN where it gives no single finite number, and the type of an
    error.
    """
    try:
        value = function(label, values)
        number = float(value) if np.ndim(value) == 0 else np.nan
    except _BROKEN as error:
        return np.nan, error_name(error)
    return (number if np.isfinite(number) else np.nan), None


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Drop the warnings of the operator's code, which can quote a row."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _rounded(value: float) -> float:
    """Round to ten significant digits, so that a last bit of a library changes no byte of a result."""
    return float(f"{value:.9e}")
