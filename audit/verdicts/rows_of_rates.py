"""Rows behind a rate: the cases of a group that the detector missed, or wrongly flagged, for restricted use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from audit.counting.count import SCORED
from audit.counting.table import FLAGGED, NOT_FLAGGED, plan_families
from audit.engines.protocol import ROW, identifier
from audit.engines.read_errors import reading
from audit.errors import ArgumentError, PlanError, ResultError, check_choice, check_texts, path_of
from audit.evaluation.asked_columns import asked_columns
from audit.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from audit.plan.file.mistakes import one_line
from audit.plan.file.plan_file import AnyPlan
from audit.result.audit_result import AuditResult
from audit.verdicts.changes.baseline import (
    answer_files,
    answers_of,
    check_reproduced,
    count_pairs,
    load_baseline,
    plan_at_hand,
)
from audit.vocabulary.groups import SensitiveFeature

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


Errors = Literal["missed", "wrongly-flagged"]
_WHERE: Final[Mapping[str, str]] = {
    "missed": f"label = 1 AND decision = {NOT_FLAGGED}",
    "wrongly-flagged": f"label = 0 AND decision = {FLAGGED}",
}


def cases(
    result: str | Path, group: Mapping[str, str], errors: Errors = "missed", *, plan: AnyPlan | None = None
) -> pd.DataFrame:
    """Return the rows of a group that the detector got wrong, with the columns that the plan names and no others.

    The rows describe people: the frame is for restricted use.

    Parameters
    ----------
    result
        A `result.json`, or the folder with it and with the answers of the detector.
    group
        A level of one or more features, by code or English name: `{"gender": "woman", "nationality": "NGA"}`.
    errors
        `missed`: victims who were not flagged; `wrongly-flagged`: others who were.
    plan
        The plan of the result, where it no longer lies where the result says.

    Raises
    ------
    AuditError
        If the set or the answers are not those that were audited, or the set is a table of counts.
    """
    check_choice(errors, _WHERE, "kind of errors")
    if not isinstance(group, Mapping):
        raise ArgumentError("a group is a dict", slug="no-such-group", hint='write {"gender": "woman"}')
    check_texts(**{str(name): level for name, level in group.items()})
    rows = case_rows(path_of(result), group, errors, plan)
    frame: pd.DataFrame = rows.to_pandas()
    return frame


def case_rows(path: Path, group: Mapping[str, str], errors: Errors, plan: AnyPlan | None) -> pa.Table:
    """Return what `cases` returns as an Arrow table, in the order of the file. Raises AuditError as `cases` does."""
    audited = load_baseline(path)
    result = audited.result
    if result.plan.evaluation_set.is_counted:
        raise ResultError("a table of counts was audited", slug="no-cases", hint="only who has the rows can list them")
    if result.provenance.evaluation_set_sha256 is None and result.plan.evaluation_set.table is None:
        raise ResultError(
            "a table in memory was audited, and cannot be opened again",
            slug="no-cases",
            hint="run the audit on a file that the plan names by `path`",
        )
    wanted = {name: _codes(result, name, value) for name, value in group.items()}
    loaded = plan_at_hand(result, plan, audited.beside)
    if loaded is None:
        raise ResultError("the plan of this result is not at hand", slug="no-plan")
    if loaded.plan.engine.kind == "spark":
        raise PlanError(
            "rows are listed from files that lie here, and not on Spark",
            slug="engine-question",
            hint='name a plan without kind = "spark" by --plan, where the files may lie',
        )
    files = answer_files(result, audited.beside, loaded.folder)
    with open_evaluation_set(loaded.plan, loaded.folder, files=files) as evaluation_set:
        if evaluation_set.sha256 != result.provenance.evaluation_set_sha256:
            raise ResultError(
                "the evaluation set is not the one that was audited",
                slug="other-set",
                hint="put the audited file back, or run the audit again",
            )
        if not answers_of(result, audited.beside, evaluation_set, loaded.plan, loaded.folder, SCORED):
            raise ResultError(
                "the answers that were audited are not at hand",
                slug="no-answers",
                hint="keep predictions.parquet beside result.json, and the file of answers as it was",
            )
        check_reproduced(
            result, count_pairs(evaluation_set, SCORED), "now", plan_families(result.plan.groups, result.plan.rules)
        )
        return _rows(evaluation_set, list(asked_columns(loaded.plan)), wanted, errors)


def _rows(
    evaluation_set: EvaluationSet, columns: list[str], wanted: Mapping[str, frozenset[str]], errors: Errors
) -> pa.Table:
    connection, source = evaluation_set.connection, evaluation_set.source
    names = [f"group_{name}" for name in wanted]
    groups = "".join(f", {identifier(name)}" for name in names)
    # names of columns and expressions of our own; nothing of a cell stands in it
    table_of_rows = connection.sql(f"SELECT case_id{groups} FROM {SCORED} WHERE {_WHERE[errors]}").to_arrow_table()  # noqa: S608
    keep = [
        all(evaluation_set.codes[name][row[f"group_{name}"]] in codes for name, codes in wanted.items())
        for row in table_of_rows.select(names).to_pylist()
    ]
    connection.register("wanted_cases", table_of_rows.select(["case_id"]).filter(keep))
    picked = ", ".join(source.expression(column) for column in columns)
    case_id = evaluation_set.expressions["case_id"]
    with reading(evaluation_set.source_name):
        return connection.sql(
            f"SELECT {picked} FROM {identifier(source.name)} "  # noqa: S608
            f"WHERE {case_id} IN (SELECT case_id FROM wanted_cases) ORDER BY {ROW}"
        ).to_arrow_table()


def _codes(result: AuditResult, name: str, value: str) -> frozenset[str]:
    """Return the codes on the finest rung that a level of any rung holds. Raises ArgumentError for no level."""
    feature = next((known_feature for known_feature in result.features if known_feature.name == name), None)
    if feature is None:
        known = ", ".join(known_feature.name for known_feature in result.features)
        raise ArgumentError(one_line(f"no feature {name}"), slug="no-such-group", hint=f"the result has {known}")
    folded = value.casefold()
    codes = {level.code for level in feature.levels if folded in (level.code.casefold(), level.name.casefold())}
    if len(codes) != 1:
        raise ArgumentError(
            one_line(f'{name} has no level "{value}"'),
            slug="no-such-group",
            hint="write a code or an English name as the report shows it",
        )
    return frozenset(level.code for level in feature.levels if codes & with_codes_above(feature, level.code))


def with_codes_above(feature: SensitiveFeature, code: str) -> set[str]:
    """Return a code and all the levels above it that it is a part of."""
    parents = {level.code: level.parent for level in feature.levels if level.parent != level.code}
    codes, above = {code}, parents.get(code)
    while above is not None and above not in codes:
        codes.add(above)
        above = parents.get(above)
    return codes
