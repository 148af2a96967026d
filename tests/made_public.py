"""Public releases of every kind, made by the real protection from made-up counts over real lists of countries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from made_disclosure import ABOUT, GENDERS, RULE, SECRET, made_method

from audit.counting.table import UNKNOWN, CountsTable
from audit.disclosure.exact import ExactCounts, exact_counts
from audit.disclosure.explain import blank
from audit.disclosure.lattice import Lattice, lattice_of
from audit.disclosure.protect import protect
from audit.disclosure.vocabulary import ladder_of, public_ladder
from audit.disclosure.words import public_release
from audit.evaluation import nationality
from audit.groups import SensitiveFeature
from audit.metrics import METRICS
from audit.public_table import PublicLook, PublicMetric, PublicRelease, PublicRule, PublicSafeguard
from reports.public.html import PublicHtmlReporter

FLAGGED = PublicRule(
    rule="false_positive_rate", metric="false_positive_rate", scale="difference", limit=0.05, worse=("high",)
)
RUNGS = ("country", "m49-subregion", "m49-region")
OFTEN = ("NPL", "PHL", "NGA", "IND", "BGD", "VNM", "UKR", "ROU", "ETH", "KEN", "GHA", "MMR", "IDN", "COL", "BRA", "MDA")
CODES = ("en", "fr", "es", "ar", "ru", "zh")
GAPS = {("woman", "NPL"): (0.30, 0.0), ("woman", "GHA"): (0.35, 0.0), ("man", "NGA"): (0.0, 0.18)}
ABOUT_ALL = ABOUT.model_copy(
    update={
        "metrics": tuple(
            PublicMetric(
                name=METRICS[name].name,
                plain=METRICS[name].plain,
                counted=METRICS[name].counted,
                among=METRICS[name].among,
                definition=METRICS[name].definition,
                formula=METRICS[name].formula,
                worse="low" if name == "true_positive_rate" else "high",
            )
            for name in ("true_positive_rate", "false_negative_rate", "false_positive_rate")
        ),
        "safeguards": (
            *ABOUT.safeguards,
            PublicSafeguard(
                clause="7(k)",
                words="of inequality",
                question="Do rates differ between groups by more than the limit?",
                evidence="Differences and ratios with intervals for every group; 2 rules.",
                state="measured",
                date="2026-11-20",
            ),
            PublicSafeguard(
                clause="7(k)",
                words="do not facilitate",
                question="Does the detector add inequality that its labels do not have?",
                evidence="Flags were not compared with labels.",
                state="not_shown",
            ),
        ),
        "looks": (
            PublicLook(name="thresholds", asked=True),
            PublicLook(name="swaps", asked=False),
            PublicLook(name="sensitivity", asked=True),
            PublicLook(name="conditional", asked=False),
            PublicLook(name="subgroup_scan", asked=True),
        ),
    }
)


def feature(name: str, coding: str, rungs: tuple[str, ...]) -> SensitiveFeature:
    return SensitiveFeature.model_validate(
        {"name": name, "column": name, "coding": coding, "rungs": rungs, "levels": (), "given_to_detector": False}
    )


@cache
def world(*, small: bool = False) -> Lattice:
    """Gender, and every nationality of the list with its sub-regions and regions; a few of them in a small one."""
    gender = public_ladder(feature("gender", "gender", ("level",)))
    if small:
        levels = nationality.levels({*OFTEN, UNKNOWN}, RUNGS)
        return lattice_of([gender, ladder_of("nationality", RUNGS, levels)])
    return lattice_of([gender, public_ladder(feature("nationality", "nationality", RUNGS))])


def world_counts(
    rows: int, seed: int, gaps: Mapping[tuple[str, str], tuple[float, float]], *, small: bool = False
) -> CountsTable:
    """Rows by gender and nationality; groups in `gaps` are found less and wrongly flagged more, by so much."""
    rng = np.random.default_rng(seed)
    codes = [level.code for level in world(small=small).ladders[1].levels[0] if level.code not in (*OFTEN, "unlisted")]
    order = [*OFTEN, *rng.permutation(codes).tolist()]
    weights = np.outer(1.0 / np.arange(1, len(order) + 1), list(GENDERS.values())).ravel()
    n = rng.multinomial(rows, weights / weights.sum())
    keys = [(gender, country) for country in order for gender in GENDERS]
    missed_more = np.array([gaps.get(key, (0.0, 0.0))[0] for key in keys])
    flagged_more = np.array([gaps.get(key, (0.0, 0.0))[1] for key in keys])
    victims = rng.binomial(n, 0.4)
    missed = rng.binomial(victims, 0.18 + missed_more)
    wrong = rng.binomial(n - victims, 0.1 + flagged_more)
    cells = np.zeros((n.size, 3, 4), dtype=np.int64)
    cells[:, 0, 0], cells[:, 0, 1] = victims - missed, missed
    cells[:, 1, 0], cells[:, 1, 1] = wrong, n - victims - wrong
    return CountsTable.of(("gender", "nationality"), dict(zip(keys, cells, strict=True)))


SIZES = {"failing": (64_000, 3), "small": (24_000, 7), "passing": (24_000, 11), "refused": (24_000, 11)}
"""Rows and seed of each kind; the others have few rows."""


@cache
def exact(kind: str) -> ExactCounts:
    """The exact counts behind a release."""
    rows, seed = SIZES.get(kind, (2_500, 5))
    small = kind != "failing"
    counts = world_counts(rows, seed, GAPS if kind in ("failing", "small") else {}, small=small)
    return exact_counts(world(small=small), counts, SECRET)


@cache
def made(kind: str) -> PublicRelease:
    """A release over few countries: `small`, with groups named; `unnamed`, `undecided`, `passing`, `refused`.

    `failing` is over all countries.
    """
    outcomes = {"passing": "pass", "undecided": "inconclusive"}
    table = protect(exact(kind), made_method()).table
    release = public_release(table, outcomes.get(kind, "fail"), (RULE, FLAGGED), ABOUT_ALL)  # type: ignore[arg-type]
    return blank(release).model_copy(update={"figures": "refused"}) if kind == "refused" else release


def in_languages(release: PublicRelease, *codes: str) -> PublicRelease:
    """The same release in other languages."""
    return release.model_copy(update={"about": release.about.model_copy(update={"languages": codes})})


def page_files(release: PublicRelease) -> dict[str, bytes]:
    """What the gates see: the page as the one public file."""
    reporter = PublicHtmlReporter()
    return {reporter.filename: reporter.render(release).encode()}
