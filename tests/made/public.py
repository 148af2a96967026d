"""Public releases of every kind, made by the real protection from made-up counts over real lists of countries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

import numpy as np
from made.disclosure import ABOUT, GENDERS, RULE, SECRET, made_method

from audit.counting.table import UNKNOWN, CountsTable
from audit.disclosure.exact import ExactCounts, exact_counts
from audit.disclosure.explain import blank
from audit.disclosure.lattice import Lattice, lattice_of
from audit.disclosure.protect import protect
from audit.disclosure.vocabulary import ladder_of, public_ladder
from audit.disclosure.words import public_release
from audit.evaluation import nationality
from audit.public.about import (
    PublicCoding,
    PublicFramework,
    PublicGovernance,
    PublicLook,
    PublicMetric,
    PublicSafeguard,
)
from audit.public.figures import short_names
from audit.public.table import PublicRelease, PublicRule, PublicWaiver, group_key
from audit.vocabulary.groups import LevelName, SensitiveFeature
from audit.vocabulary.metrics import METRICS
from reports.public.html import PublicHtmlReporter

FLAGGED = PublicRule(
    rule="false_positive_rate", metric="false_positive_rate", scale="difference", limit=0.05, worse=("high",)
)
RUNGS = ("country", "m49-subregion", "m49-region")
OFTEN = ("NPL", "PHL", "NGA", "IND", "BGD", "VNM", "UKR", "ROU", "ETH", "KEN", "GHA", "MMR", "IDN", "COL", "BRA", "MDA")

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
            PublicLook(name="probes", asked=False),
            PublicLook(name="sensitivity", asked=True),
            PublicLook(name="like_with_like", asked=False),
            PublicLook(name="subgroup_search", asked=True),
        ),
    }
)


def feature(name: str, coding: str, rungs: tuple[str, ...]) -> SensitiveFeature:
    return SensitiveFeature.model_validate(
        {"name": name, "column": name, "coding": coding, "rungs": rungs, "levels": (), "given_to_detector": False}
    )


@cache
def world(listed: int = 0) -> Lattice:
    """Gender, and every nationality of the list with its sub-regions and regions; or the first of `OFTEN` alone."""
    gender = public_ladder(feature("gender", "gender", ("level",)))
    if listed:
        levels = nationality.levels({*OFTEN[:listed], UNKNOWN}, RUNGS)
        return lattice_of([gender, ladder_of("nationality", RUNGS, levels)])
    return lattice_of([gender, public_ladder(feature("nationality", "nationality", RUNGS))])


def world_counts(
    rows: int, seed: int, gaps: Mapping[tuple[str, str], tuple[float, float]], listed: int = 0
) -> CountsTable:
    """Rows by gender and nationality; groups in `gaps` are found less and wrongly flagged more, by so much."""
    rng = np.random.default_rng(seed)
    often = OFTEN[:listed] if listed else OFTEN
    codes = [level.code for level in world(listed).ladders[1].levels[0] if level.code not in (*often, "unlisted")]
    order = [*often, *rng.permutation(codes).tolist()]
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


SIZES = {
    "failing": (64_000, 3, 0),
    "small": (24_000, 7, 16),
    "tiny": (5_000, 7, 2),
    "passing": (24_000, 11, 16),
    "refused": (24_000, 11, 16),
    "sparse": (150, 5, 16),
}
"""Rows, seed and countries (none: all) of each kind; the others have few rows."""


@cache
def exact(kind: str) -> ExactCounts:
    """The exact counts behind a release."""
    rows, seed, listed = SIZES.get(kind, (2_500, 5, 16))
    counts = world_counts(rows, seed, GAPS if kind in ("failing", "small", "tiny") else {}, listed)
    return exact_counts(world(listed), counts, SECRET)


@cache
def made(kind: str) -> PublicRelease:
    """A release over few countries: `small`, `tiny` (groups named), `unnamed`, `undecided`, `passing`, `refused`.

    Of `sparse`, which is undecided, no rate of a group is shown. `failing` is over all countries.
    """
    outcomes = {"passing": "pass", "undecided": "inconclusive", "sparse": "inconclusive"}
    table = protect(exact(kind), made_method()).table
    release = public_release(table, outcomes.get(kind, "fail"), (RULE, FLAGGED), ABOUT_ALL)  # type: ignore[arg-type]
    if kind == "refused":
        return public_release(blank(release).table, "fail", (RULE, FLAGGED), ABOUT_ALL, figures="refused")
    return release


@cache
def every_limit() -> PublicRelease:
    """The small set under a limit on every rate: as a difference and as a ratio, on either side and on both."""
    sides: tuple[tuple[Literal["low", "high"], ...], ...] = (("low",), ("high",), ("low", "high"))
    rules = tuple(
        PublicRule(
            rule=f"rule-{name}", metric=name, worse=sides[place % 3],
            scale="difference" if place % 2 else "ratio", limit=0.05 if place % 2 else 0.8,
        )
        for place, name in enumerate(METRICS)
    )  # fmt: skip
    return public_release(made("small").table, "fail", rules, ABOUT_ALL)


@cache
def bands() -> PublicRelease:
    """Gender by age, whose levels have names with digits, and no nationality."""
    ages = [LevelName(rung="level", code=code, name=code) for code in ("0-17", "18-29", "30-44", "45+", UNKNOWN)]
    gender = public_ladder(feature("gender", "gender", ("level",)))
    lattice = lattice_of([gender, ladder_of("age", ("level",), ages)])
    keys = [(gender, age.code) for gender in GENDERS for age in ages]
    rng = np.random.default_rng(1)
    n = rng.multinomial(4_000, np.ones(len(keys)) / len(keys))
    victims = rng.binomial(n, 0.4)
    missed, wrong = rng.binomial(victims, 0.3), rng.binomial(n - victims, 0.15)
    cells = np.zeros((len(keys), 3, 4), dtype=np.int64)
    cells[:, 0, 0], cells[:, 0, 1] = victims - missed, missed
    cells[:, 1, 0], cells[:, 1, 1] = wrong, n - victims - wrong
    counts = CountsTable.of(("gender", "age"), dict(zip(keys, cells, strict=True)))
    table = protect(exact_counts(lattice, counts, SECRET), made_method()).table
    codings = (
        PublicCoding(name="gender", coding="gender", given_to_detector=False),
        PublicCoding(name="age", coding="categorical", given_to_detector=False, children=("0-17",)),
    )
    return public_release(table, "pass", (RULE, FLAGGED), ABOUT_ALL.model_copy(update={"codings": codings}))


def row_names(release: PublicRelease) -> dict[str, str]:
    """The short names by which pages name rows, by the keys of the groups."""
    return short_names(group_key(row.group) for row in release.table.groups)


def in_languages(release: PublicRelease, *codes: str) -> PublicRelease:
    """The same release in other languages."""
    return release.model_copy(update={"about": release.about.model_copy(update={"languages": codes})})


def page_files(release: PublicRelease) -> dict[str, bytes]:
    """What the gates see: the page as the one public file."""
    reporter = PublicHtmlReporter()
    return {reporter.filename: reporter.render(release).encode()}


def sizes_alone(outcome: Literal["pass", "fail", "inconclusive"], *flags: str) -> PublicRelease:
    """A release of a set that is `weighted`, `clustered`, or counts what belongs together `once`: it has no words."""
    shown = made("small")
    changes = {"weighted": "weighted" in flags, "clustered": "clustered" in flags}
    unit = {"unit": "cluster"} if "once" in flags else {}
    return public_release(shown.table, outcome, shown.rules, shown.about.model_copy(update={**changes, **unit}))


def hostile(payload: str, kind: str = "unnamed") -> PublicRelease:
    """A release with the payload behind each text that somebody else may have written."""
    release = made(kind)
    about = release.about
    texts = ("title", "owner", "auditor", "limits_set_by", "use", "label_source", "kind", "decision", "tool")
    changed = about.model_copy(
        update={
            **{name: getattr(about, name) + payload for name in texts},
            "features": (f"advert{payload}",),
            "sensitive_features_used": (f"gender{payload}",),
            "finished": f"{about.finished}{payload}",
            "valid_until": f"soon{payload}",
            "plan_sha256": f"ab{payload}",
            "safeguards": tuple(
                each.model_copy(
                    update={name: getattr(each, name) + payload for name in ("clause", "words", "question", "evidence")}
                )
                for each in about.safeguards
            ),
            "frameworks": (
                PublicFramework(
                    instrument=f"A law{payload}", article=f"Article{payload}", evidence=f"a test{payload}",
                    state="not_shown", measured=(f"one{payload}",), declared=(f"two{payload}",),
                    not_shown=(f"three{payload}",), absent=(f"four{payload}",), checked=f"Nobody read it{payload}",
                ),
            ),
            "governance": PublicGovernance(
                named_patterns=(f"Feared{payload}", f"Untested{payload}"), patterns_not_tested=(f"Untested{payload}",)
            ),
            "looks": tuple(each.model_copy(update={"name": each.name + payload}) for each in about.looks),
            "digests": tuple(each.model_copy(update={"blake2b": each.blake2b + payload}) for each in about.digests),
            "metrics": tuple(
                each.model_copy(update={"plain": each.plain + payload, "definition": each.definition + payload,
                                        "formula": each.formula + payload})
                for each in about.metrics
            ),
        }
    )  # fmt: skip
    features = tuple(
        feature.model_copy(
            update={
                "levels": tuple(level.model_copy(update={"name": level.name + payload}) for level in feature.levels)
            }
        )
        for feature in release.table.features
    )
    table = release.table.model_copy(update={"features": features})
    rules = tuple(rule.model_copy(update={"rule": rule.rule + payload}) for rule in release.rules)
    words = tuple(word.model_copy(update={"rule": word.rule + payload}) for word in release.words)
    said = {"who": f"Somebody{payload}", "expires": f"2027-01-31{payload}"}
    waivers = (
        PublicWaiver(rule=rules[0].rule, group=table.groups[1].group, why=f"Because{payload}", **said),
        PublicWaiver(rule="", group=None, why="", **said),
    )
    changes = {"about": changed, "table": table, "rules": rules, "words": words, "waivers": waivers}
    return release.model_copy(update=changes)
