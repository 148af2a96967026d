"""Results as Python code and notebooks hold them: saved, drawn, tabled and shown by methods of their own.

The rest of the house sees their data alone (`AuditResult`, `Remedies`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeVar, get_args

from pydantic import BaseModel

from audit.errors import check_choice, check_texts, path_of
from audit.result import file
from audit.result.audit_result import AuditResult
from audit.result.findings.remedies import Remedies
from audit.result.json_text import result_to_json
from audit.result.reading import Reading
from audit.result.reporters import (
    Report,
    check_restricted,
    figure_bytes,
    find_figures,
    find_reporters,
    languages_of,
    remedies_report,
    render,
    save_for_owner,
)
from audit.result.shown import answer_html
from audit.vocabulary.groups import Group, SensitiveFeature

if TYPE_CHECKING:
    import pandas as pd

Arguments = ParamSpec("Arguments")
Model = TypeVar("Model", bound=BaseModel)

TableName = Literal["rows", "counts", "estimates", "disparities", "verdicts"]


class NotebookResult(AuditResult):
    """Result of an audit, as `audit.run_audit` and `audit.load_result` give it: its data, and ways to take it out."""

    def save(self, folder: str | Path) -> Path:
        """Write `result.json` into a folder, which is made if it is missing: for `load_result` and all commands.

        It is for its owner alone (0600): exact counts can single out people. Reports of another result that lie in the
        folder stay as they are. Returns the path of the file. Raises StorageError.
        """
        return save_for_owner(path_of(folder) / "result.json", result_to_json(self))

    def report(self, name: str = "html", *, restricted: bool = False, lang: str | None = None) -> Report:
        """Make a report of exact counts: `html`, `pdf`, `markdown`, `junit`, `sarif`, or what a package offers.

        Parameters
        ----------
        restricted
            Must be True: the report can single out people and is not for publication. Public files need the key and
            the log of earlier ones: save the result, and write them with `audit7k report FOLDER`.
        lang
            Codes with commas between them, such as "fr,ar"; one for a file that holds one language.

        Raises
        ------
        AuditError
            If it is asked for without `restricted`, nobody offers it or it lacks a language.
        """
        check_restricted(restricted)
        check_texts(lang=lang)
        reporters = find_reporters((str(name),))
        return render(reporters[0], self, languages_of(reporters, lang))

    def figure(
        self,
        kind: str,
        form: Literal["svg", "png"] = "svg",
        *,
        rule: str | None = None,
        by: str | None = None,
    ) -> Report:
        """Draw `forest`, `funnel`, `sweep` or `reliability` of exact counts, for restricted use; a notebook shows it.

        `rule` is the id of the rule whose rate is drawn, by default the first; `by` names features, as in
        "gender+nationality". Raises AuditError.
        """
        maker = find_figures()
        check_choice(kind, maker.kinds, "figure")
        check_texts(rule=rule, by=by)
        drawing = figure_bytes(maker, kind, self, form, rule, by)
        return Report(f"{kind}-restricted.{form}", drawing.decode() if form == "svg" else drawing)

    def to_frame(self, table: TableName = "verdicts") -> pd.DataFrame:
        """Return one of the result's tables as a pandas DataFrame: a row a record, the group spread over its features.

        `verdicts` has a row for each rule and group, and beside the verdict the group's `rate` with its ends `low` and
        `high`, the rate of the `rest`, their `difference`, and the rates `lower_limit` and `upper_limit` that are just
        within the limit: all as shares.

        A feature `gender` becomes the columns `gender` (the code) and `gender_name`; a feature with a ladder also
        `<feature>_rung`. Features that a group is not broken down by are missing in its rows. Unknown numbers are
        missing, never 0. Raises ArgumentError if there is no table of this name.
        """
        return result_frame(self, table)

    def _repr_html_(self) -> str:
        """Show the answer and the worst groups in a notebook."""
        return answer_html(self)


class NotebookRemedies(Remedies):
    """Remedies of an audit, as `audit.remedy` gives them: their data, and the page of them."""

    def report(self, *, restricted: bool = False, lang: str | None = None) -> Report:
        """Make the page `remedy.html` for restricted use; `lang` has codes with commas between them, such as "fr,ar".

        Raises AuditError where `restricted` is not True.
        """
        check_restricted(restricted)
        return remedies_report(self, lang)[0]


def result_frame(result: AuditResult, table: TableName = "verdicts") -> pd.DataFrame:
    """Return one of the tables of `result` as a pandas DataFrame; see `NotebookResult.to_frame`."""
    import pandas as pd  # a result is read without it

    check_choice(table, get_args(TableName), "table")
    names = {
        (feature.name, level.rung, level.code): level.name for feature in result.features for level in feature.levels
    }
    records: list[tuple[Any, dict[str, object]]] = (
        [(rate.verdict, rate.numbers) for rate in Reading(result).judged_rates]
        if table == "verdicts"
        else [(record, {}) for record in getattr(result, table)]
    )
    return pd.DataFrame.from_records(
        [
            {**_group_columns(record.group, result.features, names), **numbers, **record.model_dump(exclude={"group"})}
            for record, numbers in records
        ]
    )


def _group_columns(
    group: Group, features: tuple[SensitiveFeature, ...], names: dict[tuple[str, str, str], str]
) -> dict[str, str | None]:
    columns: dict[str, str | None] = {}
    levels = {level.feature: level for level in group.levels}
    for feature in features:
        level = levels.get(feature.name)
        name = None if level is None else names.get((level.feature, level.rung, level.code), level.code)
        columns[feature.name] = None if level is None else level.code
        columns[f"{feature.name}_name"] = name
        if len(feature.rungs) > 1:
            columns[f"{feature.name}_rung"] = None if level is None else level.rung
    return columns


def with_methods(model: type[Model], record: BaseModel) -> Model:
    """Return a record as a `model`: a subclass of its class that adds methods and no fields."""
    return model.model_construct(record.model_fields_set, **dict(record))


def returning(model: type[Model], function: Callable[Arguments, BaseModel]) -> Callable[Arguments, Model]:
    """Return `function` with its result as a `model`; see `with_methods`."""

    @wraps(function)
    def wrapper(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Model:
        return with_methods(model, function(*args, **kwargs))

    return wrapper


load_result: Final = returning(NotebookResult, file.load_result)
