"""Public releases made by the real method from made-up counts over the real list of countries."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from made.audits import gender, result_of
from made.once import made_once
from made.published import keep_key

from audit.disclosure.publish import publish
from audit.evaluation import nationality
from audit.public.release import PublicRelease
from audit.result.audit_result import AuditResult
from audit.stages import Scope
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import SensitiveFeature

RUNGS = ("country", "m49-subregion", "m49-region")
GENDERS = {"woman": 0.55, "man": 0.38, "unknown": 0.05, "non-binary": 0.02}
RULES = (
    {"metric": "true_positive_rate", "groups": ["gender", "nationality", ["gender", "nationality"]], "margin": 0.1},
    {"metric": "false_positive_rate", "groups": ["gender", "nationality"], "ratio": 0.8},
)
OFTEN = ("NPL", "PHL", "NGA", "IND", "BGD", "VNM", "UKR", "ROU", "ETH", "KEN", "GHA", "MMR", "IDN", "COL", "BRA", "MDA")
Gaps = Mapping[tuple[str, str], tuple[float, float]]
"""By gender (or `*`) and country: how many more victims are missed, and how many more others wrongly flagged."""

FAILING: Gaps = {("*", "NGA"): (0.0, 0.2), ("woman", "NPL"): (0.3, 0.0), ("man", "IND"): (0.25, 0.0)}


def countries(codes: Sequence[str]) -> SensitiveFeature:
    """Nationalities with their sub-regions and regions."""
    return SensitiveFeature(
        name="nationality",
        column="nationality",
        coding="nationality",
        rungs=RUNGS,
        levels=nationality.levels(codes, RUNGS),
        given_to_detector=False,
    )


def rows_of(
    rows: int, *, missed: float = 0.2, flagged: float = 0.12, gaps: Gaps | None = None, seed: int = 1, places: int = 60
) -> dict[tuple[str, ...], IntArray]:
    """Return cells [3, 4] by gender and country: so many rows, 40 % of them victims, sizes after Zipf."""
    rng = np.random.default_rng(seed)
    order = [*OFTEN, *sorted(set(nationality.countries()) - set(OFTEN))][:places]
    order[-1:] = ["unknown"]
    weights = np.outer(1.0 / np.arange(1, len(order) + 1), list(GENDERS.values()))
    sizes = rng.multinomial(rows, (weights / weights.sum()).ravel())
    cells: dict[tuple[str, ...], IntArray] = {}
    for (country, sex), size in zip(((c, s) for c in order for s in GENDERS), sizes, strict=True):
        more = (gaps or {}).get((sex, country)) or (gaps or {}).get(("*", country)) or (0.0, 0.0)
        victims = rng.binomial(size, 0.4)
        lost, wrong = rng.binomial(victims, missed + more[0]), rng.binomial(size - victims, flagged + more[1])
        cell = np.zeros((3, 4), dtype=np.int64)
        cell[0, :2] = victims - lost, lost
        cell[1, :2] = wrong, size - victims - wrong
        if size:
            cells[sex, country] = cell
    return cells


@made_once
def made_result(kind: str = "fail") -> AuditResult:
    """Return an audit: `fail`, `pass`, `inconclusive`, `none` (no row), `good` (few errors), `bound` (few found) or
    `weighted`. No further question is answered: no release tells what came of one.
    """
    rows = {
        "fail": lambda: rows_of(30_000, gaps=FAILING),
        "pass": lambda: rows_of(60_000, places=12),
        "inconclusive": lambda: rows_of(900),
        "none": lambda: rows_of(20),
        "good": lambda: rows_of(30_000, missed=0.03, flagged=0.02),
        "bound": lambda: rows_of(9_000, missed=0.1, flagged=0.05, gaps={("*", "BGD"): (0.88, 0.0)}),
        "weighted": lambda: rows_of(30_000, gaps=FAILING),
    }[kind]()
    codes = sorted({country for _, country in rows})
    made = result_of(
        rows, [gender(tuple(GENDERS)), countries(codes)], RULES, title=f"Made-up screener ({kind})", scope=Scope.RECORDS
    )
    return weighted(made) if kind == "weighted" else made


def weighted(result: AuditResult) -> AuditResult:
    """Return a result as if a column had weighted its cases."""
    section = result.plan.evaluation_set.model_copy(update={"weight": "w"})
    return result.model_copy(update={"plan": result.plan.model_copy(update={"evaluation_set": section})})


@made_once
def made_release(kind: str = "fail", languages: tuple[str, ...] = ("en",)) -> PublicRelease:
    """Return the public release of `made_result(kind)`, with a key that stays the same.

    `again`: that of `fail` a year after the same numbers were published first.
    """
    with tempfile.TemporaryDirectory() as folder:
        restricted = Path(folder) / "restricted"
        if kind != "again":
            return published(made_result(kind), restricted, languages)
        first = made_result("fail")
        published(first, restricted)
        later = first.provenance.model_copy(update={"finished": "2027-01-01T00:00:01.000Z"})
        return published(first.model_copy(update={"provenance": later}), restricted, languages)


def published(result: AuditResult, restricted: Path, languages: tuple[str, ...] = ("en",)) -> PublicRelease:
    """Publish a result without reports, under the key of `keep_key`."""
    if not restricted.exists():
        keep_key(restricted)
    return publish(result, restricted, lambda files: None, (), languages).public
