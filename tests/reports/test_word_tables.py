"""The tables of words in reports have a text for everything that a result or a plan can say."""

from __future__ import annotations

from typing import cast, get_args

import pytest

from audit.cli.pages.words import WORDS as TERMINAL
from audit.evidence.replay import LEVELS
from audit.public.figures import State
from audit.public.sentences import SENTENCES
from audit.public.site import State as PortalState
from audit.result.findings.change import ChangeOutcome, ChangeRuleBecause, Unpaired
from audit.result.findings.further import OutOfReach, OwnMeasureReason, Remedy
from audit.result.findings.judged import Because, Outcome, RuleBecause
from audit.result.findings.patterns import Amplifies
from audit.result.findings.remedies import Status, Way
from audit.result.findings.second import Exposure
from audit.result.reasons import Cure
from audit.vocabulary.metrics import METRICS, Cell, Worse
from audit.vocabulary.statuses import REASONS, STATUSES, Deployed, is_shown
from reports.language import ENGLISH, WORDS
from reports.unnamed_words import kind_of


def test_every_word_of_a_result_has_a_text() -> None:
    assert WORDS["outcomes"].keys() == WORDS["rule_outcomes"].keys() == set(get_args(Outcome))
    assert WORDS["states"].keys() == set(get_args(State))
    assert WORDS["rule_because"].keys() == {*get_args(RuleBecause)} - {"unnamed_beyond_limit"}
    assert WORDS["because"].keys() == {*get_args(Because), "beyond_limit_both_ways", "hidden_numbers"}
    assert WORDS["cures"].keys() == set(get_args(Cure)) - {"mend_system"}
    assert WORDS["remedies"].keys() == set(get_args(Remedy))
    assert WORDS["out_of_reach"].keys() == set(get_args(OutOfReach))
    assert WORDS["own_measures"].keys() == {*get_args(OwnMeasureReason)} - {"interval_unstable"}
    assert WORDS["remedy_ways"].keys() == set(get_args(Way))
    assert WORDS["remedy_states"].keys() == set(get_args(Status))
    assert WORDS["answers"].keys() == {*map(str, STATUSES), *map(str, REASONS)}
    assert WORDS["amplification"].keys() == WORDS["amplification_counted"].keys() == set(get_args(Amplifies))
    assert WORDS["headings"].keys() == {"fail", "pass", "inconclusive"}
    assert {f"people_{outcome}" for outcome in WORDS["headings"]} <= SENTENCES.keys()
    assert WORDS["portal_states"].keys() == set(get_args(PortalState))
    assert WORDS["among"].keys() == set(get_args(Exposure.model_fields["among"].annotation))
    assert WORDS["replayed"].keys() == set(LEVELS)


def test_every_word_of_the_terminal_has_a_text() -> None:
    assert TERMINAL["change"].keys() == set(get_args(ChangeOutcome))
    assert TERMINAL["change_because"].keys() == set(get_args(ChangeRuleBecause))
    assert TERMINAL["unpaired"].keys() == set(get_args(Unpaired))
    assert TERMINAL["changed"].keys() == set(get_args(Outcome))
    assert TERMINAL["states"].keys() == {*get_args(Outcome), "as_part"}
    assert TERMINAL["takes"].keys() == set(get_args(Cure)) - {"mend_system"}
    assert TERMINAL["remedies"].keys() == set(get_args(Remedy))
    assert TERMINAL["out_of_reach"].keys() == set(get_args(OutOfReach))


def test_every_rate_of_ours_has_its_words() -> None:
    for metric in METRICS.values():
        assert 0 < len(metric.short) <= 11, "a column of the terminal has so many characters"
        assert metric.report.head
        assert bool(metric.report.error) == bool(metric.report.error_in_100) == (metric.worse is not Worse.NOT_JUDGED)


def test_every_rate_says_what_people_suffer_by_it_and_a_new_one_is_never_guessed() -> None:
    expected = {
        "true_positive_rate": ("missed", True),
        "false_negative_rate": ("missed", False),
        "false_positive_rate": ("wrongly_flagged", False),
        "true_negative_rate": ("wrongly_flagged", True),
        "precision": ("wrong", True),
        "accuracy": ("wrong", True),
        "selection_rate": ("flagged", False),
    }
    assert {name: (METRICS[name].suffered, METRICS[name].is_of_good) for name in expected} == expected
    assert all(metric.suffered for metric in METRICS.values() if metric.worse is not Worse.NOT_JUDGED)
    assert METRICS["base_rate"].suffered is None

    left_alone = (Cell.FN, Cell.TN)
    omitted = METRICS["precision"]._replace(numerator=(Cell.FN,), denominator=left_alone, worse=Worse.HIGH)
    assert kind_of(omitted, low=False) == ("wrong", "more")
    among_all = omitted._replace(numerator=(Cell.TP,), denominator=(Cell.TP, *left_alone))
    assert kind_of(among_all, low=True).key == "apart"


def test_a_state_of_the_system_at_work_that_nobody_knows_shows_nothing() -> None:
    assert [state for state in get_args(Deployed) if is_shown(state)] == ["declared", "supported"]
    assert not is_shown(cast("Deployed", "a new state"))
    assert not is_shown(None)


def test_harms_are_said_of_every_use() -> None:
    assert WORDS["uses"].keys() == WORDS["missed"].keys() == WORDS["wrongly_flagged"].keys()


def test_a_pair_is_for_one_and_for_many() -> None:
    assert ENGLISH.word("probed_counted", "row", 1) == "%(count)s row"
    assert ENGLISH.word("probed_counted", "row", 2) == "%(count)s rows"


def test_an_unknown_word_is_said_otherwise_or_is_a_mistake() -> None:
    assert ENGLISH.word("changes", "something new") == "too few cases for a rate"
    with pytest.raises(KeyError):
        ENGLISH.word("outcomes", "something new")
