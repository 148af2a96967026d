"""What a public report says beside its figures follows from the plan and from the protected table, and from no case."""

from __future__ import annotations

import pytest
from made_public import ABOUT_ALL, CODES, made
from made_results import sample_result
from made_samples import FAILING, PASSING, UNDECIDED
from made_second_looks import further_result

from audit.disclosure.about import LOOKS, public_about
from audit.disclosure.explain import blank
from audit.disclosure.shown_evidence import shown_evidence, with_shown_evidence
from audit.plan import AuditPlan
from audit.public_table import PublicAbout
from audit.result import AuditResult
from audit.safeguards import public_states, with_safeguards
from reports.languages import language
from reports.public.html.looks import questions

RESULTS = [sample_result(sample) for sample in (FAILING, PASSING, UNDECIDED)]


def nothing_counted(result: AuditResult) -> AuditResult:
    """The same audit of a set in which nobody was counted: every finding that follows from a case is gone."""
    found = dict.fromkeys(("rules", "verdicts", "rows", "counts", "estimates", "disparities", "memberships"), ())
    further = dict.fromkeys(("conditional", "amplification", "aucs", "calibrations", "sweeps", "failures", "costs"), ())
    return with_safeguards(result.model_copy(update={**found, **further, "subgroup_scan": (), "impact_ratios": ()}))


def said(result: AuditResult) -> PublicAbout:
    return public_about(result, ("html",), ("en",))


@pytest.mark.parametrize("result", [*RESULTS, *map(further_result, RESULTS)])
def test_no_case_changes_what_is_said_beside_the_figures(result: AuditResult) -> None:
    """Not whether any answer failed, whether any group has enough people, whether anybody holds two nationalities."""
    whole, empty = with_safeguards(result), nothing_counted(result)
    assert said(whole) == said(empty)
    assert public_states(whole) == public_states(empty)
    assert [one.evidence for one in whole.safeguards] != [one.evidence for one in empty.safeguards], "the exact ones do"


def test_evidence_that_stands_in_the_table_is_called_measured_and_no_other() -> None:
    result = with_safeguards(RESULTS[0])
    about = said(result)
    shown = made("small").model_copy(update={"about": about})
    told = with_shown_evidence(shown, public_states(result)).about
    states = {one.key: one.state for one in told.safeguards}
    assert {"missed", "limits", "inequality"} <= shown_evidence(shown)
    assert (states["missed"], states["limits"]) == ("measured", "measured")
    nothing = with_shown_evidence(blank(shown), public_states(result)).about
    states = {one.key: one.state for one in nothing.safeguards}
    assert not shown_evidence(blank(shown))
    assert (states["missed"], states["limits"]) == ("not_shown", "not_shown")
    assert nothing.frameworks
    assert told.frameworks != nothing.frameworks


def test_further_questions_are_asked_by_the_plan() -> None:
    plan = RESULTS[0].plan
    asked = {name: asks(plan) for name, asks in LOOKS.items()}
    assert not asked["own_measures"]
    with_more = AuditPlan.model_validate(
        {**plan.model_dump(by_alias=True, exclude_unset=True), "scan": {"features": list(plan.groups)}}
    )
    assert not asked["subgroup_search"]
    assert LOOKS["subgroup_search"](with_more)


@pytest.mark.parametrize("code", CODES)
def test_every_further_question_has_words(code: str) -> None:
    looks = said(RESULTS[0]).looks
    told = questions(looks, language(code), rates=True)
    assert [one.named for one in told] == [True] * len(LOOKS)
    assert {look.name for look in ABOUT_ALL.looks} <= set(LOOKS)


def test_what_a_file_says_of_the_public_is_not_asked() -> None:
    """A result that another version wrote, or somebody changed, tells no more than this version lets it."""
    whole = with_safeguards(RESULTS[0])
    loud = tuple(
        one.model_copy(update={"public_state": "measured", "public_evidence": "37 women"}) for one in whole.safeguards
    )
    told = said(whole.model_copy(update={"safeguards": loud}))
    assert told == said(whole)
