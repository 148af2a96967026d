"""Made-up referrals in which the true findings are known, because they were planted.

Every row is a synthetic case and describes nobody. Shares of gender follow the figures of the UNODC Global Report on
Trafficking in Persons 2024; nationalities, their shares and who is treated worse are arbitrary, chosen so that a report
has something to show, and say nothing about any country.

Signs are independent given label, gender and nationality, so that every effect of a detector on a group can be traced
to one line below or in
`referral_cases.toml`. Men's cases of exploitation show fewer of the signs (`MEN_SHOW`). The ordinary cases of two
nationalities show three of them more often (`RAISED`), as if agencies arranged the journey and held the documents of
everyone. Nothing else differs between groups.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.stats.arrays import BoolArray
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.metrics import MetricName

TextArray = npt.NDArray[np.str_]

_TABLES: Final[Mapping[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

EXPLOITED: Final = 0.25
"""Share of exploitation, enriched as in an evaluation set; among real referrals it would be lower."""
UNLABELLED: Final = 0.04
"""Share of cases that nobody has labelled yet."""
MEN: Final[Mapping[bool, float]] = {True: 0.39, False: 0.50}
"""Share of men among cases of exploitation, and among the others."""
NON_BINARY: Final = 0.005
GENDER_UNKNOWN: Final = 0.08
NATIONALITIES: Final[Mapping[str, float]] = _TABLES["nationalities"]
"""Shares of nationalities in the whole set; the rest, a tenth, is not known."""
SOURCES: Final[Mapping[str, float]] = _TABLES["sources"]
NOT_ASKED: Final[Mapping[str, float]] = _TABLES["not_asked"]
"""By source: share of signs that nobody asked about. Such a cell is missing, which is not the same as 0."""


@dataclass(frozen=True, slots=True)
class Sign:
    """How often a sign is recorded in a case of exploitation, and in any other."""

    exploited: float
    other: float


SIGNS: Final[Mapping[str, Sign]] = {name: Sign(*shares) for name, shares in _TABLES["signs"].items()}
HOURS: Final = "hours_per_week"
HOURS_MEAN: Final = Sign(53.0, 44.0)
HOURS_SD: Final = 11.0

MEN_SHOW: Final = 0.63
"""Planted: men's cases of exploitation differ from ordinary cases by this share of the difference for everyone else."""
RAISED: Final[Mapping[str, float]] = {"documents_withheld": 0.28, "debt_to_recruiter": 0.33, "travel_arranged": 0.55}
"""Planted: how often ordinary cases of `RAISED_FOR` show these signs."""
RAISED_FOR: Final = ("VNM", "NGA")
CONTROL: Final = "BRA"
CONTROLLED: Final[tuple[MetricName, ...]] = ("true_positive_rate", "false_positive_rate")


@dataclass(frozen=True, slots=True)
class PlantedFinding:
    """A gap that an audit of a detector trained in this world should find, or a control that it must not accuse."""

    kind: Literal["gap", "control"]
    """`gap`: the group is worse off. `control`: it is treated like everyone else, and must not be accused."""
    metric: MetricName
    """The rate that is affected."""
    group: Group
    """The group concerned, under the feature names `gender` and `nationality`."""
    effect: str
    """The expected effect of the detector on this group, in a few words."""
    cause: str
    """The change to the cases of this group."""


def _nationality(code: str) -> Group:
    return Group((Level("nationality", "country", code),))


PLANTED: Final[tuple[PlantedFinding, ...]] = (
    PlantedFinding(
        "gap",
        "true_positive_rate",
        Group((Level("gender", "level", "man"),)),
        "about 20 in 100 fewer victims found",
        "cases of exploitation show fewer of the signs",
    ),
    *(
        PlantedFinding(
            "gap",
            "false_positive_rate",
            _nationality(code),
            "about twice as many wrongly flagged",
            "ordinary cases show three of the signs more often",
        )
        for code in RAISED_FOR
    ),
    *(
        PlantedFinding("control", metric, _nationality(CONTROL), "nothing planted", "drawn like everyone else")
        for metric in CONTROLLED
    ),
)
"""The planted findings of this world."""


def referral_cases(size: int, rng: np.random.Generator, *, prefix: str = "case") -> pa.Table:
    """Make up referrals for victim-support triage.

    Parameters
    ----------
    size
        Rows.
    rng
        The only source of chance: the same generator in the same state gives the same table.
    prefix
        Ids are `<prefix>-00001` and so on.

    Returns
    -------
    pyarrow.Table
        `case_id`, `exploited` (int8: 1, 0, null where unlabelled), `gender`, `nationality` (ISO 3166-1 alpha-3 or
        XXA), `age_band`, `referral_source`, one int8 column a sign (1 recorded, 0 not, null not asked), and
        `hours_per_week` (float64). Unknown gender, nationality and age are null.
    """
    exploited = rng.random(size) < EXPLOITED
    gender = _gender(exploited, rng)
    nationality = _drawn({**NATIONALITIES, "": 1.0}, size, rng)
    source = _drawn(SOURCES, size, rng)
    not_asked = np.select([source == name for name in NOT_ASKED], list(NOT_ASKED.values()))
    columns: dict[str, Any] = {
        "case_id": pa.array([f"{prefix}-{number:05d}" for number in range(1, size + 1)], pa.string()),
        "exploited": pa.array(exploited.astype(np.int8), mask=rng.random(size) < UNLABELLED),
        "gender": pa.array(gender, mask=rng.random(size) < GENDER_UNKNOWN),
        "nationality": pa.array(nationality, mask=nationality == ""),
        "age_band": _age_band(exploited, rng),
        "referral_source": pa.array(source),
    }
    shown = np.where(exploited & (gender == "man"), MEN_SHOW, 1.0)
    raised = ~exploited & np.isin(nationality, RAISED_FOR)
    for name, sign in SIGNS.items():
        ordinary = np.where(raised, RAISED.get(name, sign.other), sign.other)
        chance = np.where(exploited, sign.other + shown * (sign.exploited - sign.other), ordinary)
        recorded = rng.random(size) < chance
        columns[name] = pa.array(recorded.astype(np.int8), mask=rng.random(size) < not_asked)
    mean = HOURS_MEAN.other + exploited * shown * (HOURS_MEAN.exploited - HOURS_MEAN.other)
    hours = np.clip(np.round(mean + HOURS_SD * rng.standard_normal(size)), 4.0, 98.0)
    columns[HOURS] = pa.array(hours, mask=rng.random(size) < 2.0 * not_asked)
    return pa.table(columns)


def _gender(exploited: BoolArray, rng: np.random.Generator) -> TextArray:
    drawn = rng.random(len(exploited))
    man = drawn < NON_BINARY + (1.0 - NON_BINARY) * np.where(exploited, MEN[True], MEN[False])
    return np.where(drawn < NON_BINARY, "non-binary", np.where(man, "man", "woman"))


def _age_band(exploited: BoolArray, rng: np.random.Generator) -> pa.Array:
    child = rng.random(len(exploited)) < np.where(exploited, 0.20, 0.08)
    return pa.array(np.where(child, "child", "adult"), mask=rng.random(len(exploited)) < 0.12)


def _drawn(shares: Mapping[str, float], size: int, rng: np.random.Generator) -> TextArray:
    """Draw a name for each row by its share; the last name takes the rest."""
    names: Sequence[str] = list(shares)
    upto = np.cumsum(list(shares.values()))[:-1]
    return np.array(names)[np.searchsorted(upto, rng.random(size), side="right")]
