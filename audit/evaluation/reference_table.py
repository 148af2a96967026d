"""Reference table of a plan: known shares of exploited people, by level of one sensitive feature.

It is compared with the people labelled as exploited in the set. UNODC counts women, men, girls and boys, which combines
gender and age band. Such a table fits only a plan with one feature that has exactly those levels (coding "categorical",
made from both columns before the audit). A plan with gender alone needs a table with women and girls added up, and men
and boys.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.errors import DataError, PlanError
from audit.evaluation.nationality import COUNTRY, SUBREGION, TRAVEL_DOCUMENT_CODES, countries, regions
from audit.evaluation.standing import STANDINGS
from audit.evaluation.table_file import reference_path
from audit.plan.sections import GENDERS, Groups, ReferenceTableSection, feature_coding, feature_rungs
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

RELATION: Final = "reference_table"
_MOST_ROWS: Final = 10_000
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class ReferenceTable:
    """A checked table: the feature can have every level in it, and no share is negative."""

    feature: str
    """The sensitive feature."""
    rung: str
    """Rung of the feature's ladder that the levels belong to."""
    source: str
    """Source of the table, in the words of the plan."""
    shares: Mapping[str, float]
    """Share of each code, in the order of the codes; they add up to 1."""
    sha256: str | None
    """SHA-256 of the file."""


def read_reference_table(
    evaluation_set: EvaluationSet, group_features: Groups, reference_table: ReferenceTableSection | None, folder: Path
) -> ReferenceTable | None:
    """Read and check the plan's reference table; None where the plan has none.

    Raises
    ------
    DataError
        If the file cannot be read, lacks a column, has a row without a level, a level twice or one that the feature
        cannot have, a share that is no number or negative, or none above 0. The message numbers the row.
    PlanError
        If the feature has no such rung in this plan.
    """
    section, path = reference_table, reference_path(reference_table, folder)
    if section is None or path is None:
        return None
    rung = section.rung or feature_rungs(group_features, section.feature)[0]
    if rung not in feature_rungs(group_features, section.feature):
        raise PlanError(
            f"reference_table.rung: groups.{section.feature} has no such rung in this plan",
            slug="reference-rung",
            hint=f"its rungs are {', '.join(feature_rungs(group_features, section.feature))}",
        )
    keys = {section.level: "reference_table.level", section.share: "reference_table.share"}
    relation = evaluation_set.attach(RELATION, path, [section.level, section.share], keys=keys)
    if relation.rows > _MOST_ROWS:
        raise _wrong(path, f"has {relation.rows} rows, more than {_MOST_ROWS}", "give one row for each level")
    level, share = (evaluation_set.text_expression(relation, column) for column in (section.level, section.share))
    rows = evaluation_set.connection.execute(
        f"SELECT {level}, {share} FROM {RELATION} ORDER BY __row__"  # noqa: S608 - quoted identifiers
    ).fetchall()
    shares = _shares(path, rows, _levels(evaluation_set, group_features, section.feature, rung))
    return ReferenceTable(section.feature, rung, section.source, shares, relation.sha256)


def _shares(path: Path, rows: list[tuple[str | None, str | None]], levels: frozenset[str]) -> dict[str, float]:
    shares: dict[str, float] = {}
    for number, (code, share) in enumerate(rows, start=1):
        if code is None:
            raise _wrong(path, f"row {number} has no level", "write the level's code, `unknown` for a missing one")
        if code not in levels:
            raise _wrong(
                path,
                f"row {number} has a level that the feature cannot have",
                "write levels by their codes, as reports do: woman, NGA, 011",
            )
        if code in shares:
            raise _wrong(path, f"row {number} has a level that an earlier row has", "give each level one row")
        if share is not None and share.startswith("-"):
            raise _wrong(path, f"row {number} has a negative share", "a share or a number of persons is at least 0")
        if share is None or not _NUMBER.fullmatch(share) or not math.isfinite(float(share)):
            raise _wrong(
                path,
                f"row {number} has no number as its share",
                "write 0.39 or 39, without a percent sign, a comma or a mark of suppression",
            )
        shares[code] = float(share)
    largest = max(shares.values(), default=0.0)
    if largest == 0:
        raise _wrong(path, "has no share above 0", "write shares, or numbers of persons")
    scale = -math.frexp(largest)[1]  # a power of two loses no digit, and keeps the sum within what a float can hold
    parts = {code: math.ldexp(shares[code], scale) for code in sorted(shares)}
    total = math.fsum(parts.values())
    return {code: part / total for code, part in parts.items()}


def _levels(evaluation_set: EvaluationSet, group_features: Groups, feature: str, rung: str) -> frozenset[str]:
    """Every code that the feature can have on a rung: codes of its coding, targets of its map, and codes found."""
    (sensitive,) = (entry for entry in evaluation_set.features if entry.name == feature)
    codes = {level.code for level in sensitive.levels if level.rung == rung} | {"unknown"}
    coding = feature_coding(group_features, feature)
    if coding == "gender":
        return frozenset(codes | set(GENDERS))
    if coding == "relation":
        return frozenset(codes | set(STANDINGS))
    if coding == "categorical":
        return frozenset(codes | set(group_features[feature].map.values()))

    if rung == COUNTRY:
        return frozenset(codes | set(countries()) | set(TRAVEL_DOCUMENT_CODES))
    upper = {code for code, region in regions().items() if bool(region.region) == (rung == SUBREGION)}
    return frozenset(codes | upper)


def _wrong(path: Path, what: str, hint: str) -> DataError:
    return DataError(f"{shown(path.name)} {what}", slug="reference-table", hint=hint)
