"""The truth of a world is that of the rows that are drawn from it, and its controls have no gap at all."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from made.worlds import everything, mechanism, scored

from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import MetricName
from audit.worlds.mechanism import GENDERS, Mechanism
from audit.worlds.phrases import LANGUAGES
from audit.worlds.strengths import WORLDS
from audit.worlds.truth import RATES, Truth, gap_within_channels, measured_size, truth_document
from audit.worlds.world import WorldName, gender_level, nationality_level

NAMES: tuple[WorldName, ...] = ("adverts", "triage", "transactions")
EVERY_RATE: tuple[MetricName, ...] = (*RATES, "selection_rate", "base_rate")
ROWS = {"adverts": 60_000, "triage": 60_000, "transactions": 80_000}
"""A rate that is wrong by 22 points is seen with 100 cases, and one that is wrong by 2 with 10,000."""
ALIKE = {"adverts": 1.0, "triage": 1.0, "transactions": 2.0}
"""How much wider a rate varies because rows belong together, squared."""


def asked(world: WorldName) -> tuple[str, ...]:
    return tuple(possible.finding for possible in WORLDS[world].findings)


def groups(made: Mechanism) -> list[Group]:
    codes = list(made.world.nationalities)
    return [
        *(Group((gender_level(gender),)) for gender in (*GENDERS, "unknown")),
        *(Group((nationality_level(code),)) for code in (*codes, "unknown")),
        *(Group((gender_level(gender), nationality_level(code))) for gender, code in product(GENDERS, codes)),
    ]


@pytest.mark.parametrize(("world", "planted"), [*((name, True) for name in NAMES), ("triage", False)])
def test_rows_agree_with_the_truth(world: WorldName, planted: bool) -> None:
    """Every rate of every group that is large enough lies within 4.5 standard errors of what the truth says of it."""
    names = asked(world) if planted else ()
    truth, rows = Truth.of(mechanism(world, *names)), scored(world, names, ROWS[world])
    compared, farthest = 0, 0.0
    for group, metric in product([Group(()), *groups(truth.mechanism)], EVERY_RATE):
        chosen = rows.within(group)
        expected = truth.gap(metric, truth.of_group(group)).rate
        if expected is None or not chosen.any():
            continue
        value, cases = rows.rate(metric, chosen)
        if cases < 100:
            continue
        error = np.sqrt(ALIKE[world] * expected * (1.0 - expected) / cases)
        farthest = max(farthest, abs(value - expected) / error)
        compared += 1
    assert compared > 150
    assert farthest < 4.5


@pytest.mark.parametrize("world", NAMES)
def test_what_is_planted_is_seen_in_the_rows(world: WorldName) -> None:
    truth, rows = Truth.of(everything(world)), scored(world, asked(world), ROWS[world])
    for possible in truth.planted:
        chosen = rows.within(possible.group)
        expected = truth.gap(possible.metric, truth.of_group(possible.group)).difference
        own, rest = rows.rate(possible.metric, chosen)[0], rows.rate(possible.metric, ~chosen)[0]
        assert expected is not None
        assert own - rest == pytest.approx(expected, abs=0.025), possible.finding
        assert abs(expected) > 0.03


def test_the_three_languages_of_adverts_are_there_and_decide_nothing() -> None:
    rows = scored("adverts", asked("adverts"), ROWS["adverts"])
    rates = [rows.rate("true_positive_rate", rows.columns["language"] == language)[0] for language in LANGUAGES]
    assert max(rates) - min(rates) < 0.02
    shares = [(rows.columns["language"] == language).mean() for language in LANGUAGES]
    assert shares == pytest.approx([0.46, 0.32, 0.22], abs=0.01)


@pytest.mark.parametrize("world", NAMES)
def test_where_nothing_is_planted_no_group_has_any_gap(world: WorldName) -> None:
    truth = Truth.of(mechanism(world))
    for group, metric in product(groups(truth.mechanism), RATES):
        difference = truth.gap(metric, truth.of_group(group)).difference
        assert difference == pytest.approx(0.0, abs=1e-12), group
    assert len(list(truth.untouched("true_positive_rate"))) == 3 + len(truth.mechanism.world.nationalities)


@pytest.mark.parametrize("world", NAMES)
def test_all_control_nationalities_are_treated_alike(world: WorldName) -> None:
    """Whatever is planted in others: a gender's rate holds people of theirs, a control nationality's does not."""
    truth = Truth.of(everything(world))
    for metric in RATES:
        controls = [group for group in truth.untouched(metric) if group.levels[0].feature == "nationality"]
        assert len(controls) >= 11
        rates = {truth.gap(metric, truth.of_group(group)).rate for group in controls}
        assert None not in rates
        assert max(rate or 0.0 for rate in rates) - min(rate or 1.0 for rate in rates) < 1e-12
        assert not {"unknown"} & {level.code for group in controls for level in group.levels}


@pytest.mark.parametrize("world", NAMES)
def test_controls_are_not_beyond_any_limit(world: WorldName) -> None:
    """Beside others in whom something is planted a control may look better, and never worse by half of the limit."""
    truth = Truth.of(everything(world))
    for metric, limit, harms in zip(RATES, (0.10, 0.05), (-1.0, 1.0), strict=True):
        for group in truth.untouched(metric):
            difference = truth.gap(metric, truth.of_group(group)).difference
            assert difference is not None
            assert harms * difference < limit / 2.0


@pytest.mark.parametrize("world", NAMES)
def test_what_is_planted_has_its_size(world: WorldName) -> None:
    made = everything(world)
    for possible in made.world.findings:
        assert abs(measured_size(made, possible)) == pytest.approx(possible.size, abs=2e-5), possible.finding
        assert measured_size(mechanism(world), possible) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("world", NAMES)
def test_a_gap_vanishes_when_like_is_compared_with_like(world: WorldName) -> None:
    made = mechanism(world, "like-with-like=0.12")
    possible = made.world.possible("like-with-like")
    assert possible is not None
    assert measured_size(made, possible) == pytest.approx(-0.12, abs=2e-5)
    assert gap_within_channels(made, possible) == pytest.approx((0.0, 0.0), abs=1e-12)


@pytest.mark.parametrize("world", NAMES)
def test_an_intersection_is_the_only_one_that_is_treated_otherwise(world: WorldName) -> None:
    made = mechanism(world, "intersection-gap")
    truth, without = Truth.of(made), Truth.of(mechanism(world))
    possible = made.world.possible("intersection-gap")
    assert possible is not None
    for group in (group for group in groups(made) if len(group.levels) == 2):
        own = truth.gap(possible.metric, truth.of_group(group)).rate
        base = without.gap(possible.metric, without.of_group(group)).rate
        assert own is not None
        assert base is not None
        assert (abs(own - base) > 0.1) is (group == possible.group)


def test_labels_that_are_biased_hide_part_of_a_group() -> None:
    made = mechanism("triage", "biased-labels=0.4")
    (planted,) = truth_document(made, 1, 1)["planted"]
    shares = planted["share_among_exploited"]
    odds = 0.6 * shares["in_truth"] / (1.0 - shares["in_truth"])
    assert shares["by_labels"] == pytest.approx(odds / (1.0 + odds), abs=1e-6)
    assert planted["size"] == 0.4


def test_the_document_names_every_group_and_states_unknown_rates_as_unknown() -> None:
    document = truth_document(everything("adverts"), 7, 500)
    assert [planted["finding"] for planted in document["planted"]] == list(asked("adverts"))
    assert document["rates"][0]["group"] == []
    assert document["rates"][0]["share"] == 1.0
    assert len(document["rates"]) == 1 + 4 + 17 + 4 * 17
    planted, controls = (
        {(one["metric"], str(one["group"])) for one in document[part]} for part in ("planted", "controls")
    )
    assert not planted & controls
    shares = [one["share"] for one in document["rates"] if len(one["group"]) == 2]
    assert sum(shares) == pytest.approx(1.0, abs=1e-6)
