"""The table of simulations: which properties are asked in which worlds, how often, and what is promised of each.

Names are those that documents cite (`--only NAME`). A simulation has so many runs for one of those asked for, and a
part of it again so many for one of the simulation's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Final

import numpy as np

from audit.stats.boundaries import margin_boundary
from audit.stats.power import Limit as Asked
from tools.attack import authors, blind, commands, guesses, models, named, near_limits, sets, weighted, words
from tools.attack.near_limits import EVENTS
from tools.simulate import (
    changes,
    clusters,
    comparisons,
    doubts,
    drawing,
    families,
    ladders,
    lineages,
    nights,
    planning,
    remedies,
    scan,
    scores,
    selected,
    strata,
    swaps,
    unknown,
)
from tools.simulate.clusters import Setting, settings, varied
from tools.simulate.comparisons import two_kinds, unlike
from tools.simulate.families import zipf_sizes
from tools.simulate.ladders import Limit
from tools.simulate.runner import Part, Promise, Simulation, World, grid, listed

_PROPERTIES: Final[Mapping[Promise, Sequence[str]]] = {
    Promise("at most", 0.05): (
        # verdicts
        "any FAIL", "any false FAIL", "PASS on the limit", "false PASS", "false FAIL", "equality rejected",
        "false FAIL of a change, paired", "false FAIL of a change, paired, shared cases",
        "false FAIL of a change, separate", 'blind PASS: only "not passed", alpha/K', "false PASS of a word",
        "any false FAIL of the history", "any false FAIL of a line of releases",
        "false PASS in some night", "PASS in doubt on the limit",
        # answers
        "AUC missed, on average", "same difference rejected", "same ratio rejected", "wrong note", "wrong word",
        "the widest label gap is taken for real", 'any "widen" or "narrow"', "noise found, missed",
        "noise found, wrongly flagged", "noise confirmed", "10 surest, as shown", "1 surest, as shown",
        "10 worst, as shown", "1 worst, as shown", "false confirmed",
    ),
    Promise("at most", families.NAMES_LEVEL): ("any name",),
    Promise("at most", swaps.BUDGET): ("false FAIL of a word",),
    Promise("at most", 2 * swaps.BUDGET): ("any false FAIL of twenty words",),
    Promise("at most", 0.01): ("unnamed FAIL at 1 %", "too many said to be beyond"),
    Promise("at most", 0.001): ("false FAIL at .001",),
    Promise("at most", 0.0): (
        "people told", "outcome of fewer than 20 told",
        "fewer than 10 not open", "figure not as promised", "words that contradict",
        "people hidden beside a name told", "outcome hidden beside a name told",
        # commands and the files that leave the house
        "public files tell of one person, plain set", "exit code tells of one person",
        "id or text of a person in a log, an error or a public file", "a file says more than release.json",
        "number drawn anew of the same people", "release without the key of the one that lies there",
        "release under a new key that does not say so", "release beside a file that nobody of ours wrote",
        "lie in a bundle not contradicted", "genuine bundle doubted", "public file changed by a restricted command",
        "blind answers of another model believed", "genuine blind answers doubted",
        *models.PROMISED,
    ),
    Promise("about", 0.05): (
        "spread missed", "entropy missed", "its part between groups missed", "its part within groups missed",
        "rate missed", "difference missed", "ratio missed", "AUC missed, at worst", "AUC of tied scores missed",
        "pooled less within missed", "right scores rejected at .05", "mean gap missed", "cost missed",
        "difference of costs missed", "own measure missed", "stratified difference missed",
        "stratified ratio missed", "shift by composition missed", "flags less labels missed",
        "what is added missed", "total amplification missed", "precision at work missed",
        "share flagged at work missed", "any range of a family misses", "share among the first missed",
        "difference among the first missed", "all rows, of single rows", "mean shift missed", "totals off",
        "rates off", "weights of rows off",
    ),
    Promise("about", 0.025): ("lower limit of AUC too high, at worst",),
    Promise("about", 0.01): ("right scores rejected at .01",),
    Promise("at least", 0.8): (
        "the smallest gap FAILs, low", "the smallest gap FAILs, high", "an equal group PASSes", "group passes",
        "all groups pass", "gap is named", "exact passes of rows said",
    ),
    Promise("at least", 0.85): ("exact fails named nearby",),
    Promise("at most", guesses.BAR): ("outcome guessed by a reader",),
    Promise("at most", near_limits.BAR): ("near a limit, any other release: outcome guessed",),
    # methods that are broken on purpose: the simulation must see it
    Promise("more than", guesses.BAR): ("outcome guessed by an attacker of no protection",),
    Promise("more than", 0.0): (
        "sets with a name beside fewer than 20",
        "number drawn anew under a new key",
    ),
}  # fmt: skip
PROMISES: Final[Mapping[str, Promise]] = {name: promise for promise, names in _PROPERTIES.items() for name in names}
"""What is promised of each property; of one that is not named, such as power, nothing is."""

_NATIONALITIES: Final = [zipf_sizes(cases) for cases in (2_000, 20_000, 200_000)]
LARGE_FAMILIES: Final = listed(
    "sizes which boundary",
    (np.array([20_000] + [900] * 21), "all but the first", families.RATIO),
    (np.full(20, 1_000), "half", families.RATIO),
    (np.full(22, 3_000), "half", families.RATIO),
    (np.array([10_000] + [3_000] * 19), "all but the first", margin_boundary("fail", True, "difference", 0.05)),
    (np.array([60_000] + [3_000] * 21), "all but the first", margin_boundary("fail", True, "difference", 0.1)),
)
"""With names by discarding up to 4.5 % of such families err."""
VERDICTS: Final = Simulation(
    (
        Part(families.alike, listed("cases rate", (20_000, 0.7), (20_000, 0.1), (200_000, 0.7))),
        Part(
            families.errors,
            listed(
                "sizes which rate method",
                (_NATIONALITIES[0], "half", 0.7, "discarding"),
                (_NATIONALITIES[1], "half", 0.7, "discarding"),
                (_NATIONALITIES[1], "half", 0.2, "discarding"),
                (_NATIONALITIES[2], "half", 0.7, "discarding"),
                (_NATIONALITIES[1], "half", 0.7, "any_dependence"),
            ),
        ),
        Part(families.errors, grid(sizes=(np.full(20, 10), np.full(22, 30), np.full(22, 100)), which=("half",))),
        Part(families.errors, LARGE_FAMILIES, runs=10),
        Part(
            families.false_pass,
            listed(
                "cases rate scale margin",
                (30, 0.7, "ratio", 0.8),
                (100, 0.7, "ratio", 0.8),
                (1_000, 0.1, "ratio", 0.8),
                (300, 0.9, "difference", 0.05),
                (1_000, 0.7, "difference", 0.05),
            ),
            runs=20,
        ),
        Part(families.one_bad_group, grid(cases=(30, 100, 300))),
    )
)
_TOGETHER: Final[list[World]] = [
    {"sizes": sizes, "which": which, "rate": rate, "low": low, "scale": scale, "limit": limit}
    for sizes, which, rate in product(_NATIONALITIES, ("half", "90 %", "half of the sub-regions"), (0.7, 0.1))
    for low, (scale, limit) in product((True, False), (("ratio", 0.8), ("difference", 0.05), ("difference", 0.1)))
    if sizes is not _NATIONALITIES[0] or which == "half"
]
_FIVE_EACH: Final = {
    "sizes": np.full(200, 5),
    "which": "half",
    "rate": 0.1,
    "low": False,
    "scale": "ratio",
    "limit": 0.8,
}
LADDER_LIMITS: Final = (
    Limit("margin", 0.05),
    Limit("margin", 0.10),
    Limit("ratio", 0.8, "both"),
    Limit("margin", 0.05, "both"),
    Limit("margin", 0.10, "both"),
)
_SPREAD: Final = [
    {"sizes": sizes, "rate": rate, "deviation": deviation}
    for groups, rate, deviation in product((4, 22, 200), (0.1, 0.7), (0.0, 0.02, 0.05, 0.1))
    for sizes in (*(np.full(groups, size) for size in (10, 30, 300)), np.maximum(zipf_sizes(100 * groups, groups), 5))
]
MANY_GROUPS: Final = Simulation(
    (
        Part(families.unnamed_false, _TOGETHER),
        # where the threshold of a group must not depend on its count
        Part(families.unnamed_false, [_FIVE_EACH]),
        Part(
            families.unnamed_power,
            listed("cases every rate", (20_000, 10, 0.5), (200_000, 10, 0.53), (20_000, 200, 0.3)),
        ),
        Part(
            families.at_least,
            listed(
                "groups size every low",
                (60, 100, 10, 0.2),
                (200, 100, 10, 0.35),
                (200, 100, 4, 0.35),
                (200, 30, 2, 0.2),
                (20, 300, 3, 0.45),
            ),
        ),
        Part(
            families.equality_size,
            grid(sizes=(np.full(4, 25), zipf_sizes(2_000, 22), _NATIONALITIES[1]), rate=(0.1, 0.7)),
        ),
        Part(families.spread_covers, _SPREAD),
        Part(
            families.entropy_covers,
            grid(sizes=(np.full(4, 300), np.full(22, 100), _NATIONALITIES[1]), deviation=(0.0, 0.3)),
            runs=0.25,
        ),
        Part(
            ladders.errors,
            [
                {"world": ladders.on_limit(cases, rate, limit)}
                for limit, rate, cases in product(LADDER_LIMITS, (0.7, 0.1), (20_000, 200_000))
                # no rate is 10 points below one of 10 %
                if not (limit.value == 0.10 and rate == 0.1) and (cases == 20_000 or limit.direction == "both")
            ],
            runs=0.2,
        ),
        Part(ladders.errors, [{"world": ladders.equal(20_000, 0.7, limit)} for limit in LADDER_LIMITS[2:4]], runs=0.2),
    )
)
_ALIKE_OR_ON_LIMIT: Final = [
    {"world": world} for cases in (20_000, 200_000) for world in (ladders.equal(cases), ladders.on_limit(cases))
]
WHOLE_AUDITS: Final = Simulation(
    (
        Part(ladders.errors, _ALIKE_OR_ON_LIMIT),
        Part(
            ladders.named,
            listed(
                "level low gender cases",
                ("C019", 0.42, None, 20_000),
                ("C019", 0.50, None, 200_000),
                # groups of 51, 100, 200, 296, 537 and 923 cases, against .70 of everyone else
                ("C132", 0.30, None, 40_000),
                ("C067", 0.38, None, 40_000),
                ("C033", 0.44, None, 40_000),
                ("C022", 0.465, None, 40_000),
                ("S17", 0.48, "woman", 40_000),
                ("S19", 0.50, None, 40_000),
            ),
        ),
        Part(ladders.true_fail, [{"world": ladders.many_gaps(40_000, 10, 0.50)}]),
        Part(ladders.errors, [{"world": ladders.on_limit(40_000, units=units)} for units in (200, 22)]),
    ),
    runs=0.4,
)


def _worst_audits(worlds: list[Setting]) -> Part:
    return Part(clusters.on_the_margin, [{"setting": setting} for setting in worlds], worst=4)


def _worst_comparisons(worlds: list[Setting], *ratios: float) -> Part:
    return Part(comparisons.one_comparison, grid(setting=worlds, ratio=ratios), worst=4)


_OTHER_SETTINGS: Final[Sequence[Mapping[str, Any]]] = (
    {"unequal": False},
    {"groups": 2},
    {"shape": "two points"},
    {"beside": 3},
)
_DECIDED: Final = [
    {"setting": Setting(k, False, 0.8, 0.1, "ratio", 0.8, gap=gap), "outcome": outcome}
    for k in (30, 100, 300)
    for gap, outcome in ((0.8, "pass"), (0.45, "fail"))
]
WEIGHTED_CLUSTERS: Final = Simulation(
    (
        *(_worst_audits(settings(k, spanning=spanning)) for k, spanning in product((10, 30, 100, 300), (False, True))),
        *(_worst_audits(settings(k, **others)) for k, others in product((10, 30), _OTHER_SETTINGS)),
        *(_worst_audits(settings(k, factor=factor)) for k, factor in product((10, 30, 100), (0.5, 2.0))),
        Part(clusters.on_the_margin, [{"setting": Setting(100, False, 0.5, 0.3, "ratio", 0.8), "rows_alone": True}]),
        Part(clusters.decided, _DECIDED),
    )
)
_COVERED: Final = [
    Setting(k, spanning, rate, icc, "ratio", 0.8)
    for k, spanning, rate, icc in product((10, 30, 100), (False, True), (0.1, 0.5), (0.1, 0.3))
]
CLUSTERED_COMPARISON: Final = Simulation(
    (
        *(
            _worst_comparisons(settings(k, spanning=spanning), *((0.5, 1.0, 4.0, 20.0) if k < 100 else (1.0, 4.0)))
            for k, spanning in product((10, 30, 100, 300), (False, True))
        ),
        *(
            _worst_comparisons(settings(k, unequal=False, shape=shape), 1.0, 4.0)
            for k, shape in product((10, 30, 100), ("beta", "two points"))
        ),
        Part(comparisons.coverage, grid(setting=_COVERED, ratio=(4.0,)), runs=2),
    )
)
_SHAPES: Final = ("beta", "two points", "whole")
_LARGE_CLUSTERS: Final = ((110, 6, 10), (120, 6, 20), (60, 3, 10), (310, 1, 10), (320, 1, 20))
_FEW: Final = Setting(10, False, 0.95, 0.1, "difference", 0.10, unequal=False)
_FEW_BAD: Final = [
    changed
    for (k, size, large), bad in product(((20, 20, 0), (30, 10, 0), (110, 6, 10)), ("missed", "found"))
    for changed in varied([_FEW], clusters=k, rate=0.9, correlation=0.02, good=0.6, bad=bad, size=size, large=large)
]
UNLIKE_CLUSTERS: Final = Simulation(
    (
        *(_worst_comparisons(two_kinds(*k), 5.0) for k in (*comparisons.UNLIKE_CLUSTERS, *_LARGE_CLUSTERS)),
        *(_worst_comparisons(two_kinds(100, 10, 0, "rest"), ratio) for ratio in (0.1, 0.2, 0.3, 0.5, 1.0)),
        *(
            _worst_comparisons(unlike(*k, unequal=unequal, shape=shape), 5.0)
            for k, unequal, shape in product(comparisons.UNLIKE_CLUSTERS, (False, True), _SHAPES)
        ),
        *(
            _worst_comparisons(unlike(large + 50, 3, shape=shape, large=large), 5.0)
            for large, shape in product((10, 20), _SHAPES)
        ),
        *(
            _worst_comparisons(comparisons.exchanged(unlike(100, 10, shape=shape)), ratio)
            for ratio, shape in product((0.1, 0.2, 0.3), _SHAPES)
        ),
        *(_worst_comparisons(unlike(*k, unequal=True, spanning=True), 5.0) for k in ((12, 30), (30, 10))),
        *(
            Part(measure, [{"setting": changed, **others} for changed in varied([_FEW], clusters=k, size=size, **own)])
            for k, size in ((10, 50), (12, 30), (20, 20))
            for measure, own, others in (
                (clusters.on_the_margin, {"own_correlation": 0.3}, {}),
                (clusters.decided, {"gap": 0.95}, {"outcome": "pass"}),
            )
        ),
        Part(clusters.on_the_margin, [{"setting": setting} for setting in _FEW_BAD]),
    )
)
HIDDEN_CLUSTERS: Final = Simulation(
    [
        Part(comparisons.hidden, grid(world=worlds, side=(side,)), worst=10)
        for worlds in (comparisons.opposite(), comparisons.tilted(), comparisons.large())
        for side in ("pass", "fail")
    ],
    runs=0.4,
)
_INFORMATIVE: Final = grid(setting=[setting for setting in settings(10) if setting.correlation == 0.1], ratio=(1, 10))
INFORMATIVE_WEIGHTS: Final = Simulation(
    [
        Part(
            comparisons.informative,
            [{**world, "rows": rows, "spread": spread, "factor": factor} for world in _INFORMATIVE],
            worst=4,
        )
        for rows, spread in product((30, 100, 300), (0.5, 1.5))
        for factor in (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 20.0)
    ]
)
STRATA: Final = Simulation([Part(strata.errors, worlds, worst=4) for worlds in strata.kinds()], runs=0.4)

AUC_COVERAGE: Final = Simulation(
    (
        Part(scores.auc_missed, grid(value=(0.5, 0.6, 0.8, 0.95), positives=(5, 10, 30, 100))),
        Part(scores.ordinal, grid(value=(0.5, 0.6, 0.8, 0.95), sizes=((5, 200), (10, 50), (30, 200)))),
        Part(scores.pooled_beyond_within, listed("groups cases", (3, 100), (20, 50), (20, 500), (50, 20))),
    ),
    runs=2,
)
_CASES: Final = (5, 10, 30, 100, 300, 1000)
_WRONG: Final = ("half a logit too low", "half the slope")
CALIBRATION: Final = Simulation(
    (
        # few cases are likely, hardly any is, half are
        Part(scores.calibration, grid(shape=((1.0, 4.0), (0.5, 10.0), (2.0, 2.0)), cases=_CASES)),
        Part(scores.calibration, grid(truth=_WRONG, cases=_CASES[2:], shape=((1.0, 4.0),))),
    ),
    runs=2,
)
_ERRORS: Final = ((0.02, 0.02), (0.05, 0.1), (0.2, 0.1), (0.02, 0.3), (0.4, 0.4))
COSTS: Final = Simulation(
    (
        Part(
            scores.costs,
            grid(cases=_CASES[:5], shares=_ERRORS, cost=((10.0, 1.0), (1.0, 1.0), (1.0, 10.0))),
            runs=10,
        ),
        Part(scores.own_measure, [*scores.OWN_ROWS, *scores.OWN_CLUSTERS]),
    )
)
_STRATA_WORLDS: Final = [
    {"strata": name, "gap": gap}
    for name, (_, _, rates) in doubts.STRATA.items()
    for gap in ((0.0, 0.1) if "rare" in name else (0.0, -0.1))
    if gap + rates.min() >= 0.0
]
CONDITIONAL: Final = Simulation(
    (
        Part(doubts.stratified, _STRATA_WORLDS, runs=20),
        Part(doubts.composition, _STRATA_WORLDS, runs=20),
        Part(doubts.same_everywhere, _STRATA_WORLDS, runs=20),
        Part(doubts.notes, grid(world=tuple(doubts.NOTE_WORLDS), cases=(40, 100, 300, 2_000)), runs=20),
        Part(doubts.notes, grid(world=tuple(doubts.NOTE_WORLDS), cases=(300,), limit=(None,)), runs=20),
        Part(
            doubts.amplified,
            listed(
                "cases rates",
                (30, (0.8, 0.1, 0.2)),
                (100, (0.8, 0.1, 0.4)),
                (1_000, (0.8, 0.1, 0.4)),
                (30, (0.5, 0.02, 0.05)),
                (300, (0.95, 0.2, 0.4)),
                (1_000, (0.8, 0.2, 0.4)),
            ),
            runs=20,
        ),
        Part(
            doubts.total_amplification,
            listed("cases base", (300, (0.1, 0.2, 0.4)), (100, (0.05, 0.1, 0.2, 0.3, 0.4)), (100, (0.2, 0.2, 0.2))),
        ),
        Part(doubts.widest_label_gap, listed("groups cases", (4, 500), (60, 50))),
        Part(
            doubts.at_work,
            listed(
                "positives negatives tpr fpr prevalence",
                (20, 200, 0.8, 0.1, 0.01),
                (100, 1_000, 0.8, 0.1, 0.01),
                (100, 1_000, 0.6, 0.01, 0.001),
                (1_000, 10_000, 0.95, 0.05, 0.05),
                (10, 30, 0.5, 0.05, 0.02),
            ),
            runs=20,
        ),
    ),
    runs=2,
)
SECOND_QUESTIONS: Final = Simulation(
    (
        Part(doubts.people, grid(world=tuple(doubts.PEOPLE))),
        Part(doubts.first, grid(world=tuple(doubts.FIRST))),
    ),
    runs=2,
)
_FAMILIES: Final = [
    scan.World(8_000, family=family, correlation=icc, alike=alike)
    for family, icc, alike in ((5, 0.2, "beta"), (8, 0.3, "two"), (40, 0.1, "beta"))
]
_PLANTED: Final = [
    scan.World(cases, rate) for cases, rate in ((40_000, 0.7), (100_000, 0.5), (100_000, 0.7), (200_000, 0.5))
]
SUBGROUP_SCAN: Final = Simulation(
    (
        Part(scan.scanned, grid(world=(scan.World(4_000), scan.World(20_000)))),
        Part(scan.scanned, grid(world=_FAMILIES, by_cluster=(True,))),
        Part(scan.scanned, [{"world": _FAMILIES[1]}], runs=0.25),
        Part(scan.scanned, grid(world=_PLANTED), runs=0.25),
    ),
    runs=0.4,
)
UNKNOWN_FACTORS: Final = Simulation((Part(unknown.passed, [*unknown.ON_LIMIT, *unknown.ALIKE]),), runs=2)
SELECTED: Final = Simulation(
    (
        Part(selected.shown_first, grid(world=selected.WORLDS)),
        Part(selected.clustered, [{}]),
    )
)

_PERSONS: Final = (*guesses.READERS, *guesses.INSIDERS, *guesses.BROKEN)
ATTACKS: Final[Mapping[str, Simulation]] = {
    "public_sets": Simulation((Part(sets.attacked, grid(case=(*sets.CASES, *sets.BROKEN))),), runs=0.4),
    "public_guesses": Simulation((Part(guesses.outcome_guessed, grid(case=_PERSONS)),), runs=2),
    "public_small": Simulation(
        (
            Part(guesses.number_guessed, grid(kind=guesses.KINDS)),
            Part(guesses.number_guessed, grid(kind=guesses.KINDS[-1:], bare=(True,))),
        ),
        runs=4,
    ),
    "public_weighted": Simulation((Part(weighted.attacked_world, grid(world=weighted.WORLDS)),), runs=0.04),
    "public_words": Simulation(
        (Part(words.said_in_public, grid(rows=(5_000, 20_000, 64_000, 300_000), recall=(0.8, 0.97))),),
        runs=0.08,
    ),
    "public_near_limits": Simulation((Part(near_limits.outcome_told, grid(event=EVENTS)),)),
    "public_named": Simulation((Part(named.hidden_told, [{}]),), runs=0.4),
    "public_authors": Simulation((Part(authors.told_by_words, listed("seen at_once", *authors.AT_ONCE)),), runs=0.04),
    "public_commands": Simulation(
        (
            Part(commands.person_through_commands, grid(event=EVENTS)),
            Part(commands.asked_again, grid(question=tuple(commands.QUESTIONS))),
            Part(commands.made_from_release_alone, [{}]),
            Part(commands.key_lost, [{}]),
            Part(commands.planted_lies, [{}]),
            Part(commands.public_folder_touched, [{}]),
            Part(blind.model_exchanged, grid(swap=tuple(blind.SWAPS))),
        ),
        runs=0.02,
    ),
    "hostile_models": Simulation(
        (
            Part(models.attempted, grid(kind=tuple(models.KINDS))),
            Part(models.ended, grid(kind=("python", "command"), way=tuple(models.ENDED))),
        ),
        runs=0.002,
    ),
}
"""What `make attack` runs: against rows and words of releases, against commands and the files that they write, and
against what keeps a model in."""

_PROMISED_CLUSTERS: Final = [
    # twenty clusters of unequal sizes are worth fewer than ten: nothing is promised for so few
    Setting(k, False, 0.8, icc, "difference", 0.1, unequal=k > 20, weighted=weighted)
    for k, icc, weighted in ((20, 0.1, False), (60, 0.1, True), (60, 0.3, False), (200, 0.05, True))
]
PLANNING: Final = Simulation(
    (
        Part(planning.promised, grid(world=planning.WORLDS)),
        Part(
            planning.without_a_set,
            listed(
                "limit groups bad_rate",
                (Asked(True, "difference", 0.1, 0.8), 5, 0.55),
                (Asked(True, "ratio", 0.8, 0.9), 30, 0.6),
            ),
        ),
        Part(planning.clustered, grid(setting=_PROMISED_CLUSTERS)),
    )
)
_SETS: Final = (
    *product((17,), (20_000, 50_000, 100_000), (0.1,)),
    *product((50,), (20_000, 50_000), (0.1,)),
    *product((200,), (20_000, 50_000, 100_000), (0.1,)),
    *product((17, 50, 200), (100_000,), (0.05,)),
)
"""Nationalities, rows and margins, without those whose coverage cannot reach 80 %."""
_LADDERS: Final = [planning.Ladder(*cell, lost) for cell in _SETS for lost in (0.0, 0.01, 0.03, 0.05)]
JOINT_PLANNING: Final = Simulation((Part(planning.ladder_promised, grid(world=_LADDERS)),), runs=0.06)
_HOW: Final = ("paired", "paired, shared cases", "separate")
CHANGES: Final = Simulation(
    (
        Part(
            changes.false_names,
            grid(
                sizes=[np.full(n, 200) for n in (20, 50, 200)], every=(1, 2, 10), differing=(0.05, 0.1, 0.3), how=_HOW
            ),
        ),
        Part(
            changes.false_names,
            grid(sizes=[zipf_sizes(n) for n in (4_000, 20_000)], every=(1,), differing=(0.05, 0.1), how=_HOW[::2]),
        ),
        Part(changes.power, grid(groups=(20, 200), size=(100, 300), differing=(0.1, 0.3))),
    ),
    runs=0.6,
)
# ten attempts at most are offered; of more it is shown what they would do
_ATTEMPTS: Final = grid(attempts=(1, 5, 10, 20, 50), told=tuple(changes.VENDORS))
BLIND_ATTEMPTS: Final = Simulation((Part(changes.false_pass, _ATTEMPTS),), runs=8)
_WORDS: Final = tuple(swaps.SHAPES)
_MEANS: Final = (0.0, 0.025, 0.1, 0.15, 0.2, 0.25, 0.3)
SWAPS: Final = Simulation(
    (
        Part(swaps.on_the_margin, grid(shape=_WORDS, margin=(0.05, 0.2), templates=(10, 20, 50, 60, 100, 200))),
        Part(swaps.on_the_margin, grid(shape=_WORDS, templates=(20, 100), margin=(0.2,), unscored=(0.02,))),
        Part(swaps.family_on_the_margin, grid(shape=_WORDS, templates=(20, 100)), runs=0.05),
        Part(swaps.intervals, grid(shape=_WORDS, templates=(10, 50))),
        Part(swaps.power, grid(templates=(60, 100, 200), mean=_MEANS), runs=0.25),
    ),
    runs=4,
)
DRAWING: Final = Simulation((Part(drawing.drawn_sets, grid(way=drawing.WAYS)),), runs=0.8)
_NIGHTS: Final = [nights.on_the_margin(cases, rate) for cases, rate in ((100, 0.7), (400, 0.7), (400, 0.3))]
_LATE: Final = (3, 5, 10, 20)
LINEAGES: Final = Simulation(
    (
        Part(lineages.found_by, grid(size=(300, 1_000, 3_000), margin=(0.05, 0.02)), runs=0.5),
        Part(lineages.own_found_by, grid(size=(300, 1_000, 3_000)), runs=0.5),
        Part(lineages.alarms, grid(size=(300, 500, 1_000), pattern=("unchanged",))),
        Part(lineages.alarms, [{"size": 300, "pattern": "unchanged", "first_redrawn": False}]),
        Part(lineages.alarms, [{"size": 300, "pattern": "unchanged", "margin": 0.02, "redrawn": 1.0}]),
        Part(lineages.alarms, grid(size=(300,), pattern=("improving", "half on the limit", lineages.LOST))),
    ),
    runs=0.4,
)
NIGHTLY: Final = Simulation(
    (
        Part(nights.false_fail, grid(world=_NIGHTS, sample=("fresh", "growing"))),
        Part(nights.false_pass, [{"world": nights.one_gap(400, 0.7, nights.MARGIN, 0.1)}]),
        Part(
            nights.detection,
            listed(
                "world looks event",
                (nights.one_gap(100, 0.7, 0.2, 0.1), (20, 30, 40, 60), "fail"),
                (nights.one_gap(100, 0.7, 0.3, 0.1), (10, 15, 20), "fail"),
                (nights.one_gap(400, 0.7, 0.0, 0.125), (5, 10, 15), "pass"),
            ),
            runs=1 / 3,
        ),
        Part(
            nights.doubted,
            listed("gap good looks", (0.1, 0, (nights.NIGHTS,)), (0.2, 0, _LATE), (0.3, 0, _LATE), (0.2, 100, _LATE)),
            runs=1 / 3,
        ),
    ),
    runs=0.6,
)
REMEDIES: Final = Simulation((Part(remedies.confirmed, grid(world=remedies.WORLDS, victims=(150, 600, 1_200))),))

TABLE: Final[Mapping[str, Simulation]] = {
    "verdict_size": VERDICTS,
    "many_groups": MANY_GROUPS,
    "weighted_clusters": WEIGHTED_CLUSTERS,
    "clustered_comparison": CLUSTERED_COMPARISON,
    "unlike_clusters": UNLIKE_CLUSTERS,
    "hidden_clusters": HIDDEN_CLUSTERS,
    "informative_weights": INFORMATIVE_WEIGHTS,
    "strata": STRATA,
    "auc_coverage": AUC_COVERAGE,
    "calibration_size": CALIBRATION,
    "conditional": CONDITIONAL,
    "second_questions": SECOND_QUESTIONS,
    "costs_and_own_measures": COSTS,
    "subgroup_scan": SUBGROUP_SCAN,
    "unknown_factors": UNKNOWN_FACTORS,
    **ATTACKS,
    "selected": SELECTED,
    "planning": PLANNING,
    "joint_planning": JOINT_PLANNING,
    "changes": CHANGES,
    "lineages": LINEAGES,
    "blind_attempts": BLIND_ATTEMPTS,
    "swaps": SWAPS,
    "drawing": DRAWING,
    "whole_audit": WHOLE_AUDITS,
    "nightly": NIGHTLY,
    "remedies": REMEDIES,
}
