"""Rates, intervals and words: computed from protected counts, with the noise in them, and from nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from made.disclosure import ABOUT, RULE, SECRET, made_counts, made_lattice, made_method
from scipy.stats import norm

from audit.disclosure.exact import exact_counts
from audit.disclosure.protect import protect
from audit.disclosure.rates import intervals, public_rates, size_class
from audit.disclosure.words import public_release, public_words
from audit.public.figures import RATES, STATES
from audit.public.sentences import SENTENCES
from audit.public.table import PublicGroup, PublicMethod, PublicRate, PublicSide, PublicTable, PublicWord, clear_change
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.metrics import METRICS

METHOD = PublicMethod(version=1, floor=10, largest_change=5, variance=3.0, absent=("unscored", "unlabelled"))
TABLE = protect(exact_counts(made_lattice(), made_counts(64_000, 7), SECRET), made_method()).table


def side(cases: int | None, errors: int | None = None, shown: str = "value") -> PublicSide:
    why = None if shown != "not_shown" else "small_or_withheld"
    return PublicSide.model_validate({"cases": cases, "shown": shown, "errors": errors, "why": why})


def row(code: str | None, positives: PublicSide, negatives: PublicSide) -> PublicGroup:
    levels = () if code is None else (Level("gender", "level", code),)
    return PublicGroup(group=Group(levels), positives=positives, negatives=negatives, unscored=None, unlabelled=None)


def table(*rows: PublicGroup) -> PublicTable:
    return PublicTable(method=METHOD, features=(), groups=rows)


def rate_of(made: PublicTable, metric: str, place: int = 0) -> PublicRate:
    return [rate for rate in public_rates(made) if rate.metric == metric][place]


def test_rates_are_those_of_the_metrics_definitions() -> None:
    """The same quotients by way of TP, FN, FP, TN, as `audit.vocabulary.metrics` defines them."""
    cells = {"true_positive": 160, "false_negative": 40, "false_positive": 30, "true_negative": 370}
    made = table(row(None, side(200, 40), side(400, 30)))
    for metric, definition in METRICS.items():
        top = sum(cells.get(cell.value, 0) for cell in definition.numerator)
        bottom = sum(cells.get(cell.value, 0) for cell in definition.denominator)
        found = rate_of(made, metric)
        assert found.value == pytest.approx(top / bottom), metric
        assert found.low is not None
        assert found.high is not None
        assert found.low <= top / bottom <= found.high
        assert (found.low * 100) % 1 == pytest.approx(0, abs=1e-9) or (found.low * 100) % 1 == pytest.approx(1)


@pytest.mark.parametrize("metric", ["true_positive_rate", "false_positive_rate", "precision", "accuracy"])
def test_the_variance_of_the_noise_is_what_drawing_it_gives(metric: str) -> None:
    rng = np.random.default_rng(1)
    truth = np.array([200.0, 50.0, 300.0, 60.0])
    of = RATES[metric]  # type: ignore[index]
    drawn = truth + rng.normal(0, math.sqrt(3.0), (200_000, 4))
    spread = np.var((drawn @ np.array(of.top)) / (drawn @ np.array(of.bottom)))
    drawn_rate, low, high, bottom = intervals(truth[np.newaxis].astype(np.int64), of, 3.0, 0.95)
    (least, most), (rate,), (cases,) = (*low, *high), drawn_rate, bottom
    z = norm.isf(0.025)
    of_sampling = rate * (1 - rate) / cases
    # the rate is z standard errors away from each of Wilson's limits, which tells the size that they stand on
    for limit in (least, most):
        size = z * z * limit * (1 - limit) / (rate - limit) ** 2
        assert rate * (1 - rate) / size - of_sampling == pytest.approx(spread, rel=0.03)


def test_the_formula_for_errors_is_that_of_the_design() -> None:
    """disclosure.md, section 3: var = r(1-r)/P + V(1+r^2)/P^2 for the share missed, n_eff = r(1-r)/var."""
    from audit.stats.rates.intervals import wilson

    r, cases = 40 / 200, 200
    n_eff = r * (1 - r) / (r * (1 - r) / cases + 3.0 * (1 + r * r) / cases**2)
    low, high = wilson([r * n_eff], [n_eff])
    _, ours_low, ours_high, _ = intervals(np.array([[200, 40, 0, 0]]), RATES["false_negative_rate"], 3.0, 0.95)
    np.testing.assert_allclose([ours_low[0], ours_high[0]], [low[0], high[0]])


def test_without_noise_the_interval_is_wilsons_and_with_it_wider() -> None:
    counts = np.array([[30, 12, 0, 0], [300, 60, 0, 0]])
    of = RATES["true_positive_rate"]
    _, low, high, _ = intervals(counts, of, 0.0, 0.95)
    _, noisy_low, noisy_high, _ = intervals(counts, of, 3.0, 0.95)
    from audit.stats.rates.intervals import wilson

    np.testing.assert_allclose([low, high], wilson(counts[:, 0] - counts[:, 1], counts[:, 0]))
    width = (noisy_high - noisy_low) / (high - low)
    assert (width > 1).all()
    assert width[0] > width[1]


@pytest.mark.parametrize(("shown", "metric", "least", "most"), [
    ("few_errors", "false_negative_rate", None, 14 / 95),
    ("few_errors", "true_positive_rate", 1 - 14 / 95, None),
    ("few_correct", "true_positive_rate", None, 19 / 95),
    ("few_correct", "false_negative_rate", 1 - 19 / 95, None),
])  # fmt: skip
def test_few_gives_a_bound_that_holds_for_every_table(
    shown: str, metric: str, least: float | None, most: float | None
) -> None:
    found = rate_of(table(row(None, side(100, shown=shown), side(None, shown="not_shown"))), metric)
    assert found.value is None
    assert found.at_most == (None if most is None else math.ceil(most * 100) / 100)
    assert found.at_least == (None if least is None else math.floor(least * 100) / 100)


def test_ends_are_rounded_away_from_the_rate() -> None:
    made = table(row(None, side(203, 41), side(407, 33)))
    for metric, counts in (("true_positive_rate", [203, 41, 0, 0]), ("false_positive_rate", [0, 0, 407, 33])):
        found = rate_of(made, metric)
        _, low, high, _ = intervals(np.array([counts]), RATES[found.metric], 3.0, 0.95)
        assert found.low is not None
        assert found.high is not None
        assert low[0] - 0.01 < found.low <= low[0]
        assert high[0] <= found.high < high[0] + 0.01


def test_what_is_not_shown_has_a_reason_and_no_number() -> None:
    for rate in public_rates(TABLE):
        numbers = (rate.value, rate.low, rate.high, rate.size)
        assert (rate.why is None) == all(number is not None for number in numbers)
        assert rate.why is None or all(number is None for number in numbers)
        assert rate.value not in (0.0, 1.0)


def test_sets_with_people_whom_the_table_does_not_hold_get_no_rate_over_them() -> None:
    method = METHOD.model_copy(update={"absent": ()})
    made = PublicTable(method=method, features=(), groups=(row(None, side(200, 40), side(400, 30)),))
    assert rate_of(made, "selection_rate").why == "not_in_table"
    assert rate_of(made, "base_rate").why == "not_in_table"
    assert rate_of(made, "accuracy").why is None


@pytest.mark.parametrize(
    ("cases", "said"), [(19, "below 20"), (20, "20-49"), (99, "50-99"), (100, "100-299"), (1000, "1000 or more")]
)
def test_sizes_have_a_class(cases: int, said: str) -> None:
    assert size_class(cases) == said


def words_of(*rows: PublicGroup, **rule: object) -> dict[str, PublicWord]:
    made = public_words(table(*rows), RULE.model_copy(update=rule))
    return {word.group.levels[0].code: word for word in made}


EVERYONE = row(None, side(2000, 400), side(None, shown="not_shown"))
NONE = side(None, shown="not_shown")


def test_words_follow_the_figures_and_stop_where_these_do() -> None:
    words = words_of(
        EVERYONE,
        row("low", side(300, 150), NONE),
        row("same", side(600, 118), NONE),
        row("small", side(40, 12), NONE),
        row("gone", side(None, shown="not_shown"), NONE),
        row("few", side(300, shown="few_errors"), NONE),
        row("bad", side(300, shown="few_correct"), NONE),
    )
    assert {code: word.word for code, word in words.items()} == {
        "low": "below", "same": "meets", "small": "cannot_tell", "gone": "cannot_tell", "few": "meets", "bad": "below"
    }  # fmt: skip
    assert words["gone"].why == "rate_not_shown"
    assert words["small"].why == "limit_not_excluded"


def test_a_group_that_is_too_small_to_pass_alone_does_not_meet() -> None:
    assert words_of(EVERYONE, row("same", side(600, 118), NONE), least_cases=595)["same"].word == "meets"
    assert words_of(EVERYONE, row("same", side(600, 118), NONE), least_cases=596)["same"].word == "cannot_tell"


def test_people_of_unknown_gender_can_take_a_pass_away() -> None:
    pair = (EVERYONE, row("same", side(300, 58), NONE))
    assert words_of(*pair)["same"].word == "meets"
    assert words_of(*pair, row("unknown", side(None, shown="not_shown"), NONE))["same"].word == "meets"
    assert words_of(*pair, row("unknown", side(150, 60), NONE))["same"].word == "cannot_tell"
    assert words_of(*pair, row("unknown", side(150, shown="not_shown"), NONE))["same"].word == "cannot_tell"


def test_below_is_said_more_carefully_the_more_groups_there_are() -> None:
    group = row("low", side(200, 72), NONE)
    assert words_of(EVERYONE, group)["low"].word == "below"
    crowd = [row(f"g{n}", side(100, 20), NONE) for n in range(400)]
    assert words_of(EVERYONE, group, *crowd)["low"].word == "cannot_tell"


@pytest.mark.parametrize(("scale", "limit"), [("difference", 0.1), ("ratio", 0.8)])
def test_a_rate_that_harms_when_high_is_judged_on_its_own_side(scale: str, limit: float) -> None:
    rule = {"metric": "false_positive_rate", "scale": scale, "limit": limit, "worse": ("high",)}
    words = words_of(
        row(None, side(None, shown="not_shown"), side(4000, 1200)),
        row("high", side(None, shown="not_shown"), side(400, 240)),
        row("low", side(None, shown="not_shown"), side(400, 40)),
        **rule,
    )
    assert (words["high"].word, words["low"].word) == ("below", "meets")
    both = words_of(
        row(None, NONE, side(4000, 1200)), row("low", NONE, side(400, 40)), **{**rule, "worse": ("low", "high")}
    )
    assert both["low"].word == "below"


@pytest.mark.parametrize(("before", "after", "said"), [
    (100, 119, None),
    (100, 120, (20, 10, 30)),
    (400, 100, (-300, -310, -290)),
    (None, 100, None),
    (100, None, None),
])  # fmt: skip
def test_small_changes_are_no_clear_change(
    before: int | None, after: int | None, said: tuple[int, int, int] | None
) -> None:
    """disclosure.md, section 5: below k + 2 D a change is shown with the wrong sign in 26%."""
    assert clear_change(before, after, METHOD) == said


def test_every_reason_and_every_word_has_its_sentence() -> None:
    whys = {"small_or_withheld", "too_small_for_a_rate", "cannot_occur", "not_in_table"}
    assert whys | {*STATES, "few_errors", "few_correct", "no_group_named"} < set(SENTENCES)
    said = SENTENCES["above_the_table"].format(**METHOD.model_dump())
    assert "at most 5;" in said
    assert "fewer than 10 people" in said
    assert SENTENCES["few_errors"].format(few_errors=METHOD.few_errors) == "fewer than 15"


def test_the_headline_says_where_a_fail_cannot_be_named() -> None:
    silent = table(EVERYONE, row("same", side(600, 118), NONE))
    assert public_release(silent, "fail", (RULE,), ABOUT).headline.no_group_named
    assert not public_release(silent, "pass", (RULE,), ABOUT).headline.no_group_named
    loud = table(EVERYONE, row("low", side(300, 150), NONE))
    assert not public_release(loud, "fail", (RULE,), ABOUT).headline.no_group_named
