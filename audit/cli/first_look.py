"""First look at a set without a plan: rates by group, counted as an audit counts them, and no verdict."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from audit.engines.duckdb import DuckDBEngine
from audit.engines.protocol import ROW, identifier
from audit.engines.read_errors import reading
from audit.errors import ArgumentError, DataError, check_texts
from audit.evaluation.in_memory import as_arrow
from audit.evaluation.look import look_at
from audit.evaluation.nationality_words import read
from audit.evaluation.roles import NO, YES, likely_genders
from audit.evaluation.table_file import ReadOptions, read_file
from audit.plan.file.draft import PlanDraft, TwoSided, draft_plan
from audit.plan.file.plan_file import loaded_plan
from audit.plan.file.unfinished import unfinished
from audit.plan.sections import GENDERS
from audit.planning.check import count_labels
from audit.result.reading import JudgedRate, Reading, each_once
from audit.result.shown import RESTRICTED, findings_table
from audit.run import run_audit
from audit.stages import Scope
from audit.verdicts.chance_of_pass import planned_pass
from audit.vocabulary.numbers import percent
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import pandas as pd

    from audit.result.audit_result import AuditResult
    from audit.result.findings.further import PlannedPass

_ROW: Final = "(row)"
_MOST_CLASSES: Final = 10
_FEW: Final = 0.1
"""Of the rows with a value, the largest share whose value may be unread and count as unknown."""
_MOST: Final = {"gender": 30, "nationality": 300}
"""Most different values of a column some of which are not read."""
_NOBODY: Final[Mapping[str, object]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
"""What stands in for the gaps of a plan that nobody has decided. None of it enters a rate of a group."""
NO_VERDICT: Final = "No verdict: no limit was set before the data were seen."


@dataclass(frozen=True, slots=True)
class FirstLook:
    """Rates by group, and the plan with which an audit could begin. It judges nothing."""

    plan: str = field(repr=False)
    """Plan (TOML) that would make it an audit, once each "write here" is decided."""
    planned_pass: PlannedPass | None = field(repr=False)
    """Chance that a detector which treats everyone alike would pass that plan, as `audit7k check` tells it."""
    taken_as_they_are: tuple[str, ...]
    """Features whose values are often not read as genders or nationalities: they were taken as they stand."""
    taken_as_unknown: Mapping[str, tuple[str, ...]]
    """By feature, the values that are not read where few rows hold them: these count as unknown."""
    result: AuditResult = field(repr=False)
    """Counts and rates. Its verdicts stand on limits that nobody set: they are not shown and mean nothing."""

    @property
    def worst(self) -> list[JudgedRate]:
        """Groups with a rate; first those whose likely range is furthest from everyone else's rate, to their harm."""
        rated = each_once(Reading(self.result).judged_rates, lambda found: found.verdict)
        rated = [found for found in rated if found.outcome != "not_evaluable"]
        return sorted(rated, key=lambda found: (-_surely_apart(found), -found.excess - found.rule.limit))

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame with a row for each rate and group: codes, names, `metric`, `rate` with its ends
        `low` and `high`, the rate of the `rest`, their `difference`, all as shares, and `cases`.
        """
        from audit.notebook import result_frame

        frame = result_frame(self.result)
        kept = ("metric", "rate", "low", "high", "rest", "difference", "cases")
        groups = [name for name in frame.columns if name.partition("_")[0] in self.result.plan.groups]
        return frame[[*groups, *kept]]

    def _repr_html_(self) -> str:
        chance = f"Chance of a pass, were everyone treated alike: {self._chance}. " if self.planned_pass else ""
        table = findings_table(self.worst, self.result.features, judged=False)
        return f"<div><p>{NO_VERDICT}</p>{table}<p>{chance}The plan to begin with: .plan. {RESTRICTED}</p></div>"

    @property
    def _chance(self) -> str:
        return percent(self.planned_pass.chance if self.planned_pass else None)


def look(
    data: pa.Table | pd.DataFrame | str | PathLike[str],
    *,
    label: str,
    score: str | None = None,
    decision: str | None = None,
    threshold: float | None = None,
    gender: str | None = None,
    nationality: str | None = None,
    sheet: str | None = None,
) -> FirstLook:
    """Look at the rates of groups before there is a plan. It is no audit, judges nothing and writes nothing.

    The rates are the share of victims found and the share of non-victims wrongly flagged, by gender, by nationality
    and its regions, and by both, each beside the rate of everyone else, as an audit counts them.

    Parameters
    ----------
    data
        A pandas DataFrame, an Arrow table, or the path of a file that `audit7k init` reads.
    label
        Column that says whether a case is one of exploitation: 1 and 0, true and false, or yes and no.
    score, decision
        Column of the detector's scores, or of its decisions. Empty cells and NaN are abstentions.
    threshold
        With `score`: a case is flagged from this score on.
    gender, nationality
        Columns of the groups, at least one. Values that are not read as such count as unknown where at most a tenth of
        the rows hold them; else the column is taken as it stands.
    sheet
        Sheet of a spreadsheet.

    Raises
    ------
    AuditError
        If a column is missing or is not what it is said to be: always one line.
    """
    groups = _checked_groups(label, score, decision, threshold, gender=gender, nationality=nationality)
    columns = [each for each in (label, score, decision, gender, nationality) if each is not None]
    draft, table = _read(data, columns, score, sheet)
    unread = {name: _unread(table, name, column) for name, column in groups.items()}
    as_they_are, unknown = _shared_out(table, groups, unread)
    ends = None if score is None else (0.0, 100.0) if draft.get("score_in_per_cent") else _ends(table, score)
    draft.update(label=_two_sided(table, label), score=score, threshold=threshold, gender=gender)
    draft.update(decision=None if decision is None else _two_sided(table, decision))
    genders = tuple(_counted(table, gender)) if gender else ()
    draft.update(gender_values=genders, genders=likely_genders(genders), nationality=nationality)
    draft.update(nationality_others=len(unread.get("nationality", ())))
    draft.update(score_in_unit_interval=ends is None or (ends[0] >= 0 and ends[1] <= 1))
    text = draft_plan(PlanDraft(**draft))
    loaded = loaded_plan(_completed(tomllib.loads(text), ends, as_they_are, unknown))
    labels = count_labels(loaded, table)
    planned = planned_pass(loaded.plan, labels.table, labels.features, labels.moments)
    result = run_audit(loaded, table, crosscheck=False, scope=Scope.RECORDS)
    return FirstLook(text, planned, as_they_are, unknown, result)


def _surely_apart(found: JudgedRate) -> float:
    """Return by how much the near end of a group's likely range harms it more than the rate of everyone else."""
    (low, high), rest = found.ends, found.rest
    if low is None or high is None or rest is None:
        return -1.0
    return rest - high if found.definition.is_of_good else low - rest


def _checked_groups(
    label: str, score: str | None, decision: str | None, threshold: float | None, **groups: str | None
) -> dict[str, str]:
    """Return the columns of groups that were named. Raises ArgumentError where not enough is."""
    check_texts(label=label, score=score, decision=decision, **groups)
    named = {name: column for name, column in groups.items() if column is not None}
    if (score is None) == (decision is None) or (score is None) != (threshold is None) or not named:
        raise ArgumentError(
            "a look needs the label, either a score with its threshold or a decision, and a gender or a nationality",
            slug="look-arguments",
        )
    return named


def _read(
    data: pa.Table | pd.DataFrame | str | PathLike[str], columns: Sequence[str], score: str | None, sheet: str | None
) -> tuple[dict[str, Any], pa.Table]:
    """Read the columns, with a number for each row in the place of its id; and what a draft says of the file."""
    if not isinstance(data, str | PathLike):
        table = as_arrow(data, dict.fromkeys(columns, ""))
        return {"path": ""}, table.append_column(_ROW, pa.array(range(table.num_rows)))

    path = Path(data).absolute()
    found = look_at(path, sheet=sheet)
    draft = {key: getattr(found, key) for key in ("encoding", "encoding_guessed", "delimiter", "sheet")}
    draft |= {"path": str(data), "columns": tuple(column.name for column in found.columns)}
    for column in found.columns:
        if column.name == score and column.decimal is not None:
            draft |= {"decimal": column.decimal, "score_in_per_cent": column.per_cent}
    draft |= {"id": found.likeliest["id"], "choices": {"id": found.candidates["id"][:6]}}
    with DuckDBEngine([path]) as engine:
        options = ReadOptions(None, found.encoding, found.delimiter, sheet=found.sheet)
        relation = read_file(engine, "data", path, options, dict.fromkeys(columns, ""))
        picked = ", ".join([*map(relation.expression, relation.types), f"{ROW} AS {identifier(_ROW)}"])
        with reading(path.name):
            return draft, engine.sql(f"SELECT {picked} FROM data").to_arrow_table()  # noqa: S608


def _counted(table: pa.Table, column: str) -> dict[str, int]:
    """Return the rows of each distinct value of a column, as a text; none of a column that holds no cells, which an
    audit refuses.
    """
    try:
        found = pc.value_counts(table[column]).to_pylist()
    except pa.ArrowException:
        return {}
    rows: Counter[str] = Counter()
    for value, count in ((each["values"], each["counts"]) for each in found if each["values"] is not None):
        rows[str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)] += count
    return {text: rows[text] for text in sorted(rows) if text.strip()}


def _unread(table: pa.Table, feature: str, column: str) -> tuple[str, ...]:
    """Return the values of a column that are not read as the feature.

    Raises DataError where they are too many to be codes of groups: a look shows them, and they may be names or ids.
    """
    values = list(_counted(table, column))
    if feature == "gender":
        known = likely_genders(values)
        unread = tuple(value for value in values if value.casefold() not in GENDERS and value not in known)
    else:
        unread = tuple(value for value in values if read(value).code is None)
    if unread and (len(values) > _MOST[feature] or 2 * len(values) > table.num_rows):
        raise DataError(
            f'"{shown(column)}" has {len(values):,} different values, of which {len(unread):,} are not read',
            slug="look-values",
            hint=f"name a column of {feature}; `audit7k codes` shows how values are read",
        )
    return unread


def _shared_out(
    table: pa.Table, groups: Mapping[str, str], unread: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return the features whose values are often not read, and of each other feature the few that are not."""
    rows = {name: _counted(table, groups[name]) for name, values in unread.items() if values}
    few = {name: sum(rows[name][value] for value in unread[name]) <= _FEW * sum(rows[name].values()) for name in rows}
    often = tuple(name for name in rows if not few[name])
    return often, {name: unread[name] for name in rows if few[name]}


def _two_sided(table: pa.Table, column: str) -> TwoSided:
    values = _counted(table, column)
    yes, no = (tuple(value for value in values if value.casefold() in side) for side in (YES, NO))
    if 0 < len(values) <= _MOST_CLASSES and not (yes or no):
        raise DataError(
            f'"{shown(column)}" holds neither 1 and 0, true and false, nor yes and no',
            slug="look-sides",
        )
    return TwoSided(column, yes, no, tuple(value for value in values if value not in (*yes, *no)))


def _ends(table: pa.Table, column: str) -> tuple[float, float]:
    """Return the lowest and the highest number of a column; 0 and 1 where an audit will find none."""
    try:
        ends = pc.min_max(pc.cast(table[column], pa.float64())).as_py()
    except pa.ArrowException:
        return 0.0, 1.0
    return (0.0, 1.0) if ends["min"] is None else (ends["min"], ends["max"])


def _completed(
    raw: dict[str, Any],
    ends: tuple[float, float] | None,
    as_they_are: Sequence[str],
    unknown: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Close the gaps of a drafted plan with what changes no rate, for a table whose rows are numbered."""
    stands_in = {**_NOBODY, "id": _ROW, "score_range": list(ends or ())}
    for name in as_they_are:
        raw["groups"][name] = {"column": raw["groups"][name]["column"], "coding": "categorical"}
    for name, values in unknown.items():
        read = {value: code for value, code in raw["groups"][name].get("map", {}).items() if value not in values}
        raw["groups"][name] |= {"missing": list(values)} | ({"map": read} if read else {})
        if not read:
            raw["groups"][name].pop("map", None)
    for where in list(unfinished(raw)):
        keys = [part for part in where if isinstance(part, str)]
        table = raw
        for key in keys[:-1]:
            table = table[key]
        table[keys[-1]] = stands_in[keys[-1]]
    raw["evaluation_set"]["id"] = _ROW
    return raw
