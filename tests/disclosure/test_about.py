"""What a public report says beside its figures follows from the plan and from the protected table, and from no case."""

from __future__ import annotations

import pytest
from made.public import ABOUT_ALL, made, sizes_alone
from made.replaced import replaced
from made.results import failing_result, passing_result, undecided_result
from made.second_looks import further_result

from audit.disclosure.about import LOOKS, public_about
from audit.disclosure.explain import blank
from audit.disclosure.shown_evidence import shown_evidence, with_shown_evidence
from audit.plan.audit_plan import AuditPlan
from audit.public.about import PublicAbout, PublicLook
from audit.public.table import PublicRelease
from audit.result.audit_result import AuditResult
from audit.safeguards import public_states, with_safeguards
from audit.vocabulary.text import LANGUAGES
from reports.languages import language
from reports.public.html.looks import questions

RESULTS = [failing_result(), passing_result(), undecided_result()]


def nothing_counted(result: AuditResult) -> AuditResult:
    """The same audit of a set in which nobody was counted: every finding that follows from a case is gone."""
    found = dict.fromkeys(("rules", "verdicts", "rows", "counts", "estimates", "disparities", "memberships"), ())
    further = dict.fromkeys(("conditional", "amplification", "aucs", "calibrations", "sweeps", "failures", "costs"), ())
    return with_safeguards(replaced(result, **found, **further, subgroup_scan=(), impact_ratios=()))


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
    stated = with_shown_evidence(shown, public_states(result)).about
    states = {one.key: one.state for one in stated.safeguards}
    assert {"missed", "limits", "inequality"} <= shown_evidence(shown)
    assert (states["missed"], states["limits"]) == ("measured", "measured")
    nothing = with_shown_evidence(blank(shown), public_states(result)).about
    states = {one.key: one.state for one in nothing.safeguards}
    assert not shown_evidence(blank(shown))
    assert (states["missed"], states["limits"]) == ("not_shown", "not_shown")
    assert nothing.frameworks
    assert stated.frameworks != nothing.frameworks


def coded(release: PublicRelease, **changes: object) -> PublicRelease:
    """The release with other things said of its feature of gender."""
    gender, *others = release.about.codings
    codings = (gender.model_copy(update=changes), *others)
    return release.model_copy(update={"about": release.about.model_copy(update={"codings": codings})})


def test_what_the_protected_figures_hold_of_people_is_measured() -> None:
    """Women in the set, cases of unknown gender, and how many flags are right: all follow from what is printed."""
    release = made("small")
    shown = shown_evidence(release)
    assert {"present", "ratios_unknown", "above_chance"} <= shown
    assert not {"children", "forms", "legal_status", "drift", "forced_criminality", "at_work"} & shown
    assert "children" in shown_evidence(coded(release, children=("woman",)))
    assert "forms" in shown_evidence(coded(release, means="form"))
    assert "forced_criminality" in shown_evidence(coded(release, means="form", forced_criminality=("man",)))
    assert "legal_status" in shown_evidence(coded(release, means="legal_status"))
    for meaning in ("period", "language", "site"):
        assert "drift" in shown_evidence(coded(release, means=meaning))
    asked = release.about.model_copy(update={"looks": (PublicLook(name="at_work", asked=True),)})
    assert "at_work" in shown_evidence(release.model_copy(update={"about": asked}))
    for other in (coded(release, coding="categorical"), blank(release), made("refused")):
        assert "present" not in shown_evidence(other)
    for without in (blank(release), made("refused"), sizes_alone("fail", "weighted")):
        assert "above_chance" not in shown_evidence(without)


def test_what_the_restricted_report_alone_has_is_never_called_absent() -> None:
    """The table of Local Law 144 of the same result has four rows that are present: no public row denies them."""
    result = with_safeguards(RESULTS[0])
    stated = with_shown_evidence(made("small").model_copy(update={"about": said(result)}), public_states(result))
    rows = {(row.instrument, row.article): row for row in stated.about.frameworks}
    for law in result.frameworks:
        for row in law.provisions:
            public = rows[law.instrument, row.article]
            assert public.state != "absent" or row.state == "absent", row.article
            assert public.checked == law.checked
            every = (*public.measured, *public.declared, *public.not_shown, *public.absent)
            assert sorted(every) == sorted((*row.measured, *row.declared, *row.not_shown))
            assert not set(public.absent) & {*row.measured, *row.declared}
    ratios = [row for row in stated.about.frameworks if row.instrument == "NYC Local Law 144"]
    assert [row.state for row in ratios[:4]] == ["not_shown", "not_shown", "not_shown", "present"]
    states = {one.article: one.public_state for one in result.frameworks[3].provisions}
    assert set(list(states.values())[:4]) == {"not_shown"}, "before there is a table"


def test_further_questions_are_asked_by_the_plan() -> None:
    plan = RESULTS[0].plan
    asked = {name: asks(plan) for name, asks in LOOKS.items()}
    assert not asked["own_measures"]
    with_more = AuditPlan.model_validate(
        {**plan.model_dump(by_alias=True, exclude_unset=True), "scan": {"features": list(plan.groups)}}
    )
    assert not asked["subgroup_search"]
    assert LOOKS["subgroup_search"](with_more)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_further_question_has_words(code: str) -> None:
    looks = said(RESULTS[0]).looks
    stated = questions(looks, language(code), rates=True)
    assert [one.named for one in stated] == [True] * len(LOOKS)
    assert {look.name for look in ABOUT_ALL.looks} <= set(LOOKS)


def test_what_a_file_says_of_the_public_is_not_asked() -> None:
    """A result that another version wrote, or somebody changed, tells no more than this version lets it."""
    whole = with_safeguards(RESULTS[0])
    loud = tuple(
        one.model_copy(update={"public_state": "measured", "public_evidence": "37 women"}) for one in whole.safeguards
    )
    stated = said(whole.model_copy(update={"safeguards": loud}))
    assert stated == said(whole)
