"""A second and a third opinion: what they compare, what they count as convention, and what happens without them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from importlib.metadata import version
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made.counts import cells

from audit.analyses.crosscheck import agreement, libraries
from audit.analyses.crosscheck.agreement import CONVENTIONS, HEADLINES, TOLERANCE, Opinions, distance, tables_of
from audit.analyses.crosscheck.questions import Answers, Rows, Tables, own_answers
from audit.analyses.estimates import estimates
from audit.counting.table import CountsTable, FamilyCounts
from audit.errors import AuditError, CrosscheckError, ExitCode
from audit.result.findings.further import Agreement, ConventionCode
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import Axis, Family, Group, Level
from audit.vocabulary.metrics import METRICS, Metric, MetricName

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries, which an audit asks in another process

AXIS = Axis("ethnicity", "level")
JUDGED: tuple[MetricName, ...] = tuple(name for name in METRICS if name != "base_rate")


def family_of(*tables: IntArray) -> FamilyCounts:
    groups = tuple(Group((Level(*AXIS, f"{place:04}"),)) for place in range(len(tables)))
    stacked = np.array(tables, dtype=np.int64).reshape(len(tables), 3, 4)
    return FamilyCounts(Family((AXIS,)), groups, stacked, stacked.sum(axis=0, dtype=np.int64))


def opinions(families: Sequence[FamilyCounts], metrics: Sequence[MetricName], *more: Any, **named: Any) -> Opinions:
    return agreement.crosscheck(families, [METRICS[name] for name in metrics], *more, **named)


def crosscheck(
    families: Sequence[FamilyCounts], metrics: Sequence[MetricName], *more: Any, **named: Any
) -> tuple[Agreement, ...]:
    return opinions(families, metrics, *more, **named).agreements


few = st.integers(0, 30)
made_tables = st.lists(
    st.lists(few, min_size=12, max_size=12).map(lambda flat: np.array(flat, dtype=np.int64).reshape(3, 4)),
    min_size=1,
    max_size=6,
)


@given(made=made_tables)
@example(made=[cells()])
@example(made=[cells(), cells(1, 1, 1, 1)])
@example(made=[cells(fp=3, tn=2)])
@example(made=[cells(tp=3, fn=2)])
@example(made=[cells(unlabelled=(2, 3))])
@example(made=[cells(unlabelled=(2, 3)), cells(4, 3, 0, 9)])
@example(made=[cells(abstained=(4, 2, 1), failed=(0, 1, 0))])
def test_both_libraries_agree_on_every_rate_and_disparity_that_has_denominators(made: list[IntArray]) -> None:
    family = family_of(*made)
    stated = sum(int((family.denominator(METRICS[name]) > 0).sum()) for name in JUDGED)
    beside = sum(
        int(((family.denominator(METRICS[name]) > 0) & (family.rest(METRICS[name].denominator) > 0)).sum())
        for name in JUDGED
    )
    ratios = sum(
        int(((family.denominator(METRICS[name]) > 0) & (family.rest(METRICS[name].numerator) > 0)).sum())
        for name in JUDGED
    )
    found, _, notices = opinions([family], JUDGED)
    assert len(found) == 2
    for one in found:
        assert one.rates_compared == stated
        assert one.disparities_compared == beside + ratios
        assert one.largest_difference == 0.0
        assert (one.groups, one.groups_compared, one.groups_beside_rest) == (len(made), len(made), len(made))
    assert notices == ()


def of_code(found: Agreement) -> dict[ConventionCode, int]:
    return {convention.code: convention.values for convention in found.conventions}


def test_numbers_without_a_denominator_are_counted_by_the_convention_that_states_them() -> None:
    no_positives, no_negatives, nobody_flagged, empty = cells(fp=3, tn=2), cells(2, 1), cells(fn=4, tn=5), cells()
    fairlearn, aif360 = crosscheck([family_of(no_positives, no_negatives, nobody_flagged, empty)], JUDGED)
    # each: the rate, its difference from the rest, and for a rest above 0 its ratio to it
    # and three groups have a rate where nobody else has a numerator: the share found, wrongly flagged, right flags
    assert of_code(fairlearn) == {"no_positives": 6, "no_negatives": 6, "no_flags": 3, "ratio_to_zero": 3}
    assert of_code(aif360) == {"no_flags": 6, "no_cases": 3, "ratio_to_zero": 3}
    assert fairlearn.differs_by_convention == 18
    assert {convention.words for convention in aif360.conventions} == {
        CONVENTIONS["aif360", "no_flags"].words,
        CONVENTIONS["aif360", "no_cases"].words,
        CONVENTIONS["aif360", "ratio_to_zero"].words,
    }


def test_a_ratio_to_nothing_is_infinite_there_and_unknown_here() -> None:
    fairlearn, aif360 = crosscheck([family_of(cells(3, 1, 2, 4), cells(0, 5, 0, 9))], HEADLINES)
    assert of_code(fairlearn) == of_code(aif360) == {"ratio_to_zero": 3}


def test_unlabelled_cases_are_in_the_share_flagged_alone() -> None:
    family = family_of(cells(1, 2, 3, 4, unlabelled=(50, 0), abstained=(7, 0, 0), failed=(0, 9, 0)), cells(5, 5, 5, 5))
    for library in libraries.LIBRARIES:
        found: Answers = library.answers(tables_of([family]), [METRICS["selection_rate"], METRICS["accuracy"]], 2)
        assert found.rates["selection_rate"][0] == 54 / 60
        assert found.rates["accuracy"][0] == 5 / 10
        assert found.differences["selection_rate"][0] == 54 / 60 - 10 / 20
        assert found.ratios["accuracy"][0] == (5 / 10) / (10 / 20)


def test_both_libraries_take_weights_that_are_no_counts() -> None:
    rng = np.random.default_rng(7)
    tables = Tables(rng.lognormal(size=(6, 3, 2)), rng.lognormal(3, size=(6, 3, 2)))
    judged = [METRICS[name] for name in JUDGED]
    mine = own_answers(tables, judged)
    for library in libraries.LIBRARIES:
        theirs: Answers = library.answers(tables, judged, 6)
        for name in JUDGED:
            for said, own in (
                (theirs.rates[name], mine.rates[name]),
                (theirs.differences[name], mine.differences[name]),
                (theirs.ratios[name], mine.ratios[name]),
            ):
                np.testing.assert_allclose(said, own, rtol=1e-12, atol=1e-12)


def test_the_numbers_that_are_shown_are_compared_as_they_are_shown() -> None:
    family = family_of(cells(30, 10, 20, 40), cells(1, 2, 3, 4))
    shown = estimates([family], METRICS.values(), level=0.95, min_denominator=5)
    fairlearn, aif360 = crosscheck([family], HEADLINES, shown)
    # of six rates, one stands on three positives only
    assert (fairlearn.shown_compared, aif360.shown_compared) == (5, 5)
    wrong = [
        estimate.model_copy(update={"value": 0.5}) if estimate.metric == "true_positive_rate" else estimate
        for estimate in shown
    ]
    with pytest.raises(CrosscheckError, match=r"differ by 0\.25 in the true_positive_rate"):
        crosscheck([family], HEADLINES, wrong)


def test_single_cases_are_compared_with_the_counts() -> None:
    family = family_of(cells(2, 1, 1, 3, unlabelled=(1, 0)), cells(1, 1, 1, 1))
    label = np.array([1, 1, 1, 0, 0, 0, 0, -1], dtype=np.int8)
    decision = np.array([1, 1, 0, 1, 0, 0, 0, 1], dtype=np.int8)
    for found in crosscheck([family], JUDGED, rows={family.groups[0]: Rows(label, decision)}):
        assert (found.row_groups_compared, found.row_rates_compared) == (1, len(JUDGED))
    decision[0] = 0
    with pytest.raises(CrosscheckError, match="of a group of ethnicity \\(level\\)"):
        crosscheck([family], JUDGED, rows={family.groups[0]: Rows(label, decision)})


def test_nothing_to_compare_is_said_as_nothing_compared() -> None:
    assert [found.rates_compared for found in crosscheck([], HEADLINES)] == [0, 0]


def library_that(answer: Callable[[Answers], Answers], distribution: str = "aif360") -> ModuleType:
    """A library with our own answers, changed by `answer`."""
    made = ModuleType("made")

    def answers(tables: Tables, metrics: Sequence[Metric], _rests: int) -> Answers:
        return answer(own_answers(tables, metrics))

    made.DISTRIBUTION = distribution  # type: ignore[attr-defined]
    made.VERSIONS = ("0", "9")  # type: ignore[attr-defined]
    made.answers = answers  # type: ignore[attr-defined]
    made.row_rates = lambda rows, metrics: []  # type: ignore[attr-defined]
    return made


def test_a_library_that_breaks_off_does_not_break_the_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(own: Answers) -> Answers:
        raise RuntimeError

    monkeypatch.setattr(libraries, "LIBRARIES", (library_that(broken),))
    agreements, state, notices = opinions([family_of(cells(1, 1, 1, 1))], HEADLINES)
    assert (agreements, state) == ((), "no_answer")
    assert [notice.code for notice in notices] == ["crosscheck-missing"]
    assert notices[0].text.startswith("aif360 was asked for the same rates and could not answer")


def changed(part: str, by: float) -> Callable[[Answers], Answers]:
    def answer(own: Answers) -> Answers:
        parts = {
            name: {metric: found + by for metric, found in values.items()} if name == part else values
            for name, values in (("rates", own.rates), ("differences", own.differences), ("ratios", own.ratios))
        }
        return Answers(parts["rates"], parts["differences"], parts["ratios"], own.beside_rest)

    return answer


@pytest.mark.parametrize("part", ["rates", "differences", "ratios"])
@pytest.mark.parametrize("by", [0.01, -1e-8, math.nan])
def test_a_library_that_answers_differently_ends_the_audit(
    monkeypatch: pytest.MonkeyPatch, part: str, by: float
) -> None:
    monkeypatch.setattr(libraries, "LIBRARIES", (library_that(changed(part, by)),))
    with pytest.raises(AuditError) as refused:
        crosscheck([family_of(cells(3, 1, 1, 4), cells(3, 2, 2, 4))], ["accuracy"])
    assert refused.value.slug == "crosscheck-disagrees"
    assert refused.value.exit_code is ExitCode.NOT_JUDGED
    size = "1" if math.isnan(by) else f"{abs(by):.3g}"
    assert refused.value.message == (
        f"aif360 {version('aif360')} and this tool differ by {size} in the accuracy of a group of ethnicity (level): "
        "no verdict is given"
    )


@pytest.mark.parametrize(
    ("stated", "differs"), [(0.0, False), (math.nan, False), (0.5, True), (1.0, True), (math.inf, True)]
)
def test_only_a_known_convention_may_state_what_we_do_not(
    monkeypatch: pytest.MonkeyPatch, stated: float, differs: bool
) -> None:
    def answer(own: Answers) -> Answers:
        rates = {name: np.where(np.isnan(values), stated, values) for name, values in own.rates.items()}
        return own._replace(rates=rates)

    monkeypatch.setattr(libraries, "LIBRARIES", (library_that(answer, "fairlearn"),))
    family = family_of(cells(fp=3, tn=2), cells(3, 1, 1, 4))
    if differs:
        with pytest.raises(CrosscheckError):
            crosscheck([family], ["true_positive_rate"])
    else:
        (found,) = crosscheck([family], ["true_positive_rate"])
        assert found.differs_by_convention == (0 if math.isnan(stated) else 1)


def test_rounding_alone_is_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "LIBRARIES", (library_that(changed("ratios", TOLERANCE / 2)),))
    (found,) = crosscheck([family_of(cells(3, 1, 1, 4), cells(3, 2, 2, 4))], HEADLINES)
    assert 0 < found.largest_difference < TOLERANCE


def test_distances_are_relative_for_large_ratios_and_whole_where_one_side_is_silent() -> None:
    theirs = np.array([0.5, 2000.0, math.nan, math.nan, math.inf, math.inf, 0.5])
    mine = np.array([0.25, 1000.0, math.nan, 0.5, math.inf, 0.5, math.nan])
    assert distance(theirs, mine).tolist() == [0.25, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0]


def test_groups_with_the_same_counts_are_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def answer(own: Answers) -> Answers:
        asked.append(len(own.beside_rest))
        return own

    monkeypatch.setattr(libraries, "LIBRARIES", (library_that(answer),))
    (found,) = crosscheck([family_of(*[cells(1, 2, 3, 4)] * 5, cells(4, 3, 2, 1), cells())], HEADLINES)
    assert asked == [3]
    assert (found.groups, found.groups_compared) == (7, 7)


def test_fairlearn_is_asked_of_the_rest_of_the_first_groups_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "MOST_RESTS", 1)
    family = family_of(cells(1, 2, 3, 4), cells(5, 2, 3, 4), cells(1, 1, 1, 1))
    fairlearn, aif360 = crosscheck([family], HEADLINES)
    assert (fairlearn.groups_beside_rest, fairlearn.rates_compared, fairlearn.disparities_compared) == (1, 9, 6)
    assert (aif360.groups_beside_rest, aif360.disparities_compared) == (3, 18)
    fairlearn, _ = crosscheck([family], HEADLINES, failing=set(family.groups[1:]))
    assert fairlearn.groups_beside_rest == 2


def test_everyone_is_a_family_like_any_other() -> None:
    table = CountsTable.of(["ethnicity"], {("A",): cells(3, 1, 2, 8), ("B",): cells(1, 3, 1, 9)})
    everyone = FamilyCounts(Family(()), (Group(()),), table.everyone[np.newaxis], table.everyone)
    for found in crosscheck([everyone], JUDGED):
        assert (found.largest_difference, found.rates_compared, found.disparities_compared) == (0.0, len(JUDGED), 0)


def large_families() -> tuple[FamilyCounts, FamilyCounts]:
    """Everyone, and 22 groups of which the twenty-first is furthest from the others and the first ones nearest."""
    most = [cells(40 + place % 3, 20, 3 + place, 50) for place in range(20)]
    large = family_of(*most, cells(5, 200, 3, 50), cells(41, 20, 12, 50))
    return FamilyCounts(Family(()), (Group(()),), large.everyone[np.newaxis], large.everyone), large


def test_everyone_each_group_that_fails_small_families_and_the_worst_are_always_asked_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(agreement, "MOST_TABLES", 2)
    monkeypatch.setattr(agreement, "SMALL_FAMILY", 5)
    everyone, large = large_families()
    small = FamilyCounts(Family((Axis("gender", "level"),)), large.groups[:5], large.cells[:5] + 1, large.everyone)
    failing = set(large.groups[6:13])
    comparable = agreement.question_of(
        [large, small, everyone], [METRICS[name] for name in HEADLINES], {}, None, failing
    )
    compared = comparable.table_index >= 0
    assert compared[6:13].all(), "groups that fail, seven where two would be asked about"
    assert compared[22:28].all(), "the small family, and everyone"
    assert compared[20], "the group that is furthest from the others"
    assert sorted(set(comparable.table_index[6:13])) == list(range(7)), (
        "those that fail come first: their rests are asked for"
    )
    assert not compared.all()


def test_as_many_as_can_be_afforded_are_asked_about_and_the_result_says_which_and_how_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(agreement, "MOST_TABLES", 9)
    monkeypatch.setattr(agreement, "SMALL_FAMILY", 3)
    found, _, notices = opinions(large_families(), HEADLINES)
    assert [(one.groups, one.groups_compared) for one in found] == [(23, 9)] * 2
    assert [notice.code for notice in notices] == ["crosscheck-part"] * 2
    assert notices[0].text.endswith(
        "was asked about 9 of 23 groups: everyone, those that fail, small families whole, and those furthest from "
        "everyone else."
    )
