"""What a page makes of a protected table, function by function, beside answers worked out by hand."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Literal

import pytest
from made.disclosure import RULE
from made.public import every_limit, made

from audit.public.figures import (
    FUNNEL_DEVIATIONS,
    below_by_harm,
    each_people_once,
    error_of,
    everyone_else,
    funnel_curve,
    funnel_place,
    harm_of,
    lengths_of,
    limits_beside,
    people_apart,
    short_names,
    state_of,
)
from audit.public.table import PublicGroup, PublicRate, PublicSide, PublicWord
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.metrics import METRICS, MetricName

Side = Literal["low", "high"]


def row(code: str | None, positives: tuple[int, int], negatives: tuple[int, int]) -> PublicGroup:
    return PublicGroup(
        group=Group(() if code is None else (Level("gender", "level", code),)),
        positives=PublicSide(cases=positives[0], shown="value", errors=positives[1], why=None),
        negatives=PublicSide(cases=negatives[0], shown="value", errors=negatives[1], why=None),
        unscored=None,
        unlabelled=None,
    )


EVERYONE, WOMEN = row(None, (1_000, 300), (2_000, 200)), row("woman", (400, 200), (500, 80))
REST: dict[MetricName, float] = {
    "true_positive_rate": 500 / 600,
    "false_negative_rate": 100 / 600,
    "false_positive_rate": 120 / 1_500,
    "true_negative_rate": 1_380 / 1_500,
    "precision": 500 / 620,
    "accuracy": 1_880 / 2_100,
    "selection_rate": 620 / 2_100,
    "base_rate": 600 / 2_100,
}
"""Of everyone else: 600 victims of whom 100 are missed, 1,500 others of whom 120 are wrongly flagged."""


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_everyone_else_is_everyone_without_the_group(metric: MetricName) -> None:
    assert everyone_else(EVERYONE, WOMEN, metric) == pytest.approx(REST[metric])
    assert everyone_else(EVERYONE, EVERYONE, metric) is None


def test_noise_alone_makes_nobody_else_none_or_all() -> None:
    assert everyone_else(EVERYONE, row("woman", (400, 300), (500, 80)), "true_positive_rate") is None
    assert everyone_else(EVERYONE, row("woman", (1_000, 300), (500, 80)), "true_positive_rate") is None


@pytest.mark.parametrize(("metric", "error"), [
    ("true_positive_rate", 0.7), ("false_negative_rate", 0.3), ("false_positive_rate", 0.3),
    ("true_negative_rate", 0.7), ("precision", 0.7), ("accuracy", 0.7), ("selection_rate", 0.3), ("base_rate", 0.3),
])  # fmt: skip
def test_a_rate_of_what_is_right_leaves_the_others_wrong(metric: MetricName, error: float) -> None:
    assert error_of(metric, 0.3) == pytest.approx(error)


def test_people_apart_are_the_gap_times_the_cases_rounded_up() -> None:
    rate = next(each for each in made("small").rates if each.metric == "true_positive_rate")
    rate = rate.model_copy(update={"group": WOMEN.group, "value": 0.5})
    gap = (500 / 600 - 0.5) * 400
    assert gap == pytest.approx(133.33, abs=0.01)
    assert people_apart(EVERYONE, WOMEN, rate) == 140


@pytest.mark.parametrize(("metric", "worse", "harm"), [
    ("true_positive_rate", ("low",), "missed"),
    ("false_negative_rate", ("high",), "missed"),
    ("false_positive_rate", ("high",), "wrongly_flagged"),
    ("true_negative_rate", ("low",), "wrongly_flagged"),
    ("selection_rate", ("high",), "flagged"),
    ("selection_rate", ("low",), "flagged_less"),
    ("precision", ("low",), "wrong"),
    ("accuracy", ("low",), "wrong"),
    ("true_positive_rate", ("low", "high"), "apart"),
])  # fmt: skip
def test_each_limit_is_about_one_harm(metric: MetricName, worse: tuple[Side, ...], harm: str) -> None:
    assert harm_of(RULE.model_copy(update={"metric": metric, "worse": worse})) == harm


@pytest.mark.parametrize(("scale", "limit", "low", "high"), [
    ("difference", 0.1, 0.4, 0.6), ("ratio", 0.8, 0.4, 0.625), ("difference", 0.6, 0.0, 1.0), ("ratio", 0.4, 0.2, 1.0)
])  # fmt: skip
def test_limits_stand_on_their_own_side_and_within_the_axis(scale: str, limit: float, low: float, high: float) -> None:
    sides: tuple[tuple[Side, ...], ...] = (("low",), ("high",), ("low", "high"))
    for worse in sides:
        found = limits_beside(0.5, RULE.model_copy(update={"scale": scale, "limit": limit, "worse": worse}))
        assert found == (
            pytest.approx(low) if "low" in worse else None,
            pytest.approx(high) if "high" in worse else None,
        )


def rate(metric: MetricName, value: float) -> PublicRate:
    of = next(each for each in made("small").rates if each.metric == "true_positive_rate")
    return of.model_copy(update={"metric": metric, "value": value})


def test_curves_lie_where_chance_and_noise_would_carry_a_group() -> None:
    """For a share of errors the noise adds V (1 + r^2) / n^2, as for intervals (docs/disclosure.md)."""
    assert FUNNEL_DEVIATIONS == (1.96, 3.09)
    r, cases = 0.3, 20
    for deviations in FUNNEL_DEVIATIONS:
        lower, upper = funnel_curve(rate("false_negative_rate", r), 3.0, deviations)
        apart = deviations * math.sqrt(r * (1 - r) / cases + 3.0 * (1 + r * r) / cases**2)
        assert lower[0] == funnel_place(cases, r - apart)
        assert upper[0] == funnel_place(cases, r + apart)
        assert lower[0].y > upper[0].y, "a lower rate stands lower, and y runs from above"


def test_a_place_is_by_the_logarithm_of_the_cases_and_upwards() -> None:
    assert funnel_place(10, 0.25) == (Decimal("0.0"), Decimal("75.0"))
    assert funnel_place(1_000, 1.0) == (Decimal("50.0"), Decimal("0.0"))
    assert funnel_place(100_000, 0.0) == (Decimal("100.0"), Decimal("100.0"))


def test_one_group_of_a_thousand_can_be_seen_in_a_bar() -> None:
    assert lengths_of([1, 999]) == pytest.approx([0.012, 0.988])
    assert lengths_of([1, 1, 998]) == pytest.approx([0.012, 0.012, 0.976])
    assert lengths_of([500, 500]) == [0.5, 0.5]


REASONS = {"below": "beyond_limit", "meets": "within_limit", "cannot_tell": "limit_not_excluded"}
ORDER = ("below", "cannot_tell", "not_shown", "meets")


def word(state: str, rung: str) -> PublicWord:
    said = (
        {"word": state, "why": REASONS[state]} if state in REASONS else {"word": "cannot_tell", "why": "rate_not_shown"}
    )
    return PublicWord.model_validate({"rule": "r", "group": Group((Level("nationality", rung, "XXA"),)), **said})


@pytest.mark.parametrize("worse", range(4))
@pytest.mark.parametrize("better", range(4))
def test_of_two_states_of_the_same_people_the_worse_one_is_told(worse: int, better: int) -> None:
    pair = [word(ORDER[better], "country"), word(ORDER[worse], "m49-region")]
    for words in (pair, pair[::-1]):
        (stated,) = each_people_once(words)
        assert state_of(stated) == ORDER[min(worse, better)]


def test_a_group_beyond_two_limits_on_one_harm_is_one() -> None:
    release = every_limit()
    rules = tuple(rule for rule in release.rules if len(rule.worse) == 1)
    groups = [row.group for row in release.table.groups if len(row.group.levels) == 1][:3]
    below = tuple(
        PublicWord(rule=rule.rule, group=group, word="below", why="beyond_limit") for rule in rules for group in groups
    )
    found = below_by_harm(release.model_copy(update={"rules": rules, "words": below}))
    people = len({group.people for group in groups})
    assert found == dict.fromkeys((harm_of(rule) for rule in rules), people)


def test_names_of_rows_are_each_of_one_row() -> None:
    names = short_names(map(str, range(9_000)))
    assert len(set(names.values())) == len(names)
    assert not any(character.isdigit() or character in "aeiou" for name in names.values() for character in name)
