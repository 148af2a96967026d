"""Words of protected figures beside the verdicts of the exact audit: kept, lost, firmer, contradicting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from audit.counting.families import count_families
from audit.counting.table import CountsTable
from audit.disclosure.protect import protect
from audit.disclosure.words import public_words
from audit.public.table import PublicRule
from audit.verdicts.judge import judge
from tools.simulate.disclosure_world import counted, method, people, world_lattice
from tools.simulate.verdict_size import Measured
from tools.simulate.whole_audit import RATIO, features, plan

RULE = PublicRule(
    rule="true_positive_rate", metric="true_positive_rate", scale="ratio", limit=RATIO, worse=("low",), least_cases=292
)
"""The rule of `whole_audit.plan`, for which 292 cases are planned: beside 500 groups, all judged together."""


def compared(rows: int, low: float, runs: int, rng: np.random.Generator) -> Counter[str]:
    """Groups by what both say, `exact/public`, and sets by what the headline is and whether a group shows it."""
    lattice, asked = world_lattice(), plan()
    by_name = {feature.name: feature for feature in features()}
    tally: Counter[str] = Counter()
    for _ in range(runs):
        set_ = people(rng, rows, low=low)
        exact = counted(lattice, set_)
        names = lattice.finest_names()
        cells = {}
        for place in np.flatnonzero(exact.finest[:, 0] + exact.finest[:, 2]):
            victims, missed, others, wrong = (int(n) for n in exact.finest[place, :4])
            cells[names[place]] = np.array(
                [[victims - missed, missed, 0, 0], [wrong, others - wrong, 0, 0], [0, 0, 0, 0]], dtype=np.int64
            )
        table = CountsTable.of(tuple(by_name), cells)
        _, verdicts, overall = judge(asked, count_families(asked, table, list(by_name.values())), by_name)
        words = {word.group: word.word for word in public_words(protect(exact, method()).table, RULE)}
        for verdict in verdicts:
            tally[f"{verdict.outcome}/{words[verdict.group]}"] += 1
        shown = "named" if "below" in words.values() else "not named"
        tally[f"{overall.outcome}, {shown}"] += 1
    return tally


def measured(rows: int, low: float, runs: int, rng: np.random.Generator) -> list[Measured]:
    """Return the rows of one setting."""
    tally = compared(rows, low, runs, rng)
    setting = f"{rows:,} rows, {low:.0%} of groups found in half of cases, ratio .8"
    fails = sum(tally[f"fail/{word}"] for word in ("below", "meets", "cannot_tell"))
    passes = sum(tally[f"pass/{word}"] for word in ("below", "meets", "cannot_tell"))
    firm = sum(number for key, number in tally.items() if key.endswith(("/below", "/meets")))
    against = tally["pass/below"] + tally["fail/meets"]
    firmer = firm - tally["fail/below"] - tally["pass/meets"] - against
    sets = tally["fail, named"] + tally["fail, not named"]
    others = runs - sets
    return [
        Measured(setting, "contradictions, of firm words", against, max(firm, 1), "0"),
        Measured(setting, "fails that are below in public", tally["fail/below"], max(fails, 1), "above half"),
        Measured(setting, "passes that meet in public", tally["pass/meets"], max(passes, 1), "above half"),
        Measured(setting, "firm words that are firmer", firmer, max(firm, 1), "few"),
        Measured(setting, "fails with no group named", tally["fail, not named"], max(sets, 1), "few"),
        Measured(
            setting,
            "no fail, and a group named",
            tally["pass, named"] + tally["inconclusive, named"],
            max(others, 1),
            "≤ 5%",
        ),
    ]


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, with `runs` sets of each."""
    rng = np.random.default_rng(seed)
    for rows in (20_000, 64_000, 300_000):
        for low in (0.0, 0.02, 0.1):
            yield from measured(rows, low, runs, rng)
