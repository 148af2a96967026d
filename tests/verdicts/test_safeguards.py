"""What the result says of the draft's clauses rests on what the result holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.replaced import replaced
from made.results import failing_result, passing_result, undecided_result
from made.second_looks import further_result

from audit.analyses.disparities import impact_ratios
from audit.plan.detectors import PythonDetector
from audit.plan.governance import GovernanceSection
from audit.plan.services import HttpDetector
from audit.result.audit_result import AuditResult
from audit.result.file import parse_result
from audit.result.findings.safeguards import Safeguard
from audit.result.json_text import result_to_json
from audit.safeguards import (
    SEARCHES,
    evidence_of,
    public_governance,
    public_safeguards,
    public_states,
    safeguards,
    with_safeguards,
)
from audit.safeguards.catalogue import catalogue
from audit.safeguards.plan_scope import asks_for
from audit.safeguards.searches import declared, measured

TABLES = catalogue()
PLAIN = {"failing": failing_result(), "passing": passing_result(), "undecided": undecided_result()}
ASKED = {name: further_result(result) for name, result in PLAIN.items()}
EMPTIED = (
    "estimates", "verdicts", "rows", "rules", "disparities", "probes", "probe_verdicts", "probe_rules", "costs",
    "conditional", "amplification", "reference_comparison", "deployed", "subgroup_scan", "calibrations", "sensitivity",
    "impact_ratios",
)  # fmt: skip
"""What a result may hold, or hold nothing of."""


def of_key(result: AuditResult, key: str) -> Safeguard:
    """The first clause that asks for this evidence, as the result tells it now."""
    return next(one for one in with_safeguards(result).safeguards if one.key == key)


def with_governance(result: AuditResult, shown: Mapping[str, Any]) -> AuditResult:
    """The result with other declarations in its plan."""
    section = GovernanceSection.model_validate_json(json.dumps(shown))
    return result.model_copy(update={"plan": result.plan.model_copy(update={"governance": section})})


def test_what_was_asked_is_shown_and_what_was_not_is_not() -> None:
    for key in ("facilitate", "perpetuate", "like_cases", "weighed", "at_work", "calibration", "doubts"):
        assert evidence_of(PLAIN["failing"])[key].state == "not_shown"
        assert evidence_of(ASKED["failing"])[key].state == "measured", key


def test_the_evidence_counts_groups() -> None:
    result = ASKED["failing"]
    added = sum(record.outcomes.get("adds", 0) for record in result.further.amplification)
    vanished = sum(record.notes.get("vanishes", 0) for record in result.further.conditional)
    assert added
    assert vanished
    assert f"turned round for {added}," in of_key(result, "facilitate").evidence
    assert f": {vanished} vanish," in of_key(result, "like_cases").evidence
    assert result.further.reference_comparison is not None
    assert result.further.reference_comparison.source in of_key(result, "perpetuate").evidence


def test_findings_that_say_nothing_are_not_shown() -> None:
    result = ASKED["failing"]
    silent = tuple(
        record.model_copy(update={"outcomes": {"cannot_tell": sum(record.outcomes.values())}})
        for record in result.further.amplification
    )
    assert of_key(replaced(result, amplification=silent), "facilitate").state == "not_shown"
    undecided = tuple(one.model_copy(update={"outcome": "inconclusive"}) for one in result.verdicts)
    for key in ("limits", "inequality", "nationalities"):
        assert of_key(result, key).state == "measured"
        assert of_key(result.model_copy(update={"verdicts": undecided}), key).state == "not_shown"


@given(
    name=st.sampled_from(sorted(PLAIN)),
    asked=st.booleans(),
    emptied=st.sets(st.sampled_from(EMPTIED)),
    silent=st.booleans(),
)
def test_nothing_is_measured_without_numbers_nor_declared_without_words(
    name: str, asked: bool, emptied: set[str], silent: bool
) -> None:
    """Whatever of a result is taken away: each state stands on fields that hold something, and on those alone."""
    result = (ASKED if asked else PLAIN)[name]
    gone = {field: None if field == "reference_comparison" else () for field in emptied}
    changed = with_safeguards(replaced(with_governance(result, {}) if silent else result, **gone))
    for key, found in evidence_of(changed).items():
        assert found.state in SEARCHES[key].states, key
        assert (found.state == "not_shown") == (not found.rests_on), key
        for field in found.rests_on:
            value: Any = changed
            for part in field.split("."):
                value = getattr(value, part)
            assert value is not None, field
            assert value != (), field
            assert field.startswith("plan.") == (found.state == "declared") or field == "plan", field
            assert field.removeprefix("further.") not in emptied
    if silent:
        declared_anyway = {one.key for one in changed.safeguards if one.state == "declared"}
        assert declared_anyway <= {"owner", "route", "labels", "algorithms", "auditor"}, "[governance] is empty"


@given(emptied=st.sets(st.sampled_from(EMPTIED), max_size=6))
def test_a_provision_is_present_only_with_all_that_it_asks_for(emptied: set[str]) -> None:
    gone = {name: None if name == "reference_comparison" else () for name in emptied}
    changed = replaced(ASKED["passing"], **gone)
    found = evidence_of(changed)
    _, laws = safeguards(changed, TABLES)
    for law, instrument in zip(laws, TABLES.instruments, strict=True):
        for row, provision in zip(law.provisions, instrument.provisions, strict=True):
            states = [found[key].state for key in provision.measured]
            words = [found[key].state for key in provision.declared]
            whole = set(states) <= {"measured"} and "not_shown" not in words
            nothing = set(states) | set(words) == {"not_shown"}
            assert row.state == ("present" if whole else "absent" if nothing else "partial")
            assert len(row.measured) + len(row.declared) + len(row.not_shown) == len(states) + len(words)


def test_a_state_cannot_be_made_without_what_it_stands_on() -> None:
    with pytest.raises(ValueError, match="measured, and on nothing"):
        measured("Something.")
    for fields in ((), ("rules",), ("plan.audit.owner", "rules")):
        with pytest.raises(ValueError, match="declared, and nowhere in the plan"):
            declared("Something.", *fields)


def test_who_gave_it_and_when() -> None:
    rows = with_safeguards(ASKED["failing"]).safeguards
    for one in rows:
        assert one.given_by == {"measured": "audit", "declared": "operator", "not_shown": "nobody"}[one.state]
        if one.state != "declared":
            assert one.date is None, "times of a run stand in its provenance alone"
    assert of_key(ASKED["failing"], "appeal").date == "2026-11-02"
    assert of_key(ASKED["failing"], "limits_before").date == "2026-06-03"


FORM = {"features": {"form": "gender"}}  # any feature will do: the operator says what it is


def test_a_form_is_known_only_where_the_operator_says_which_feature_it_is() -> None:
    plain = with_governance(PLAIN["failing"], {})
    assert evidence_of(plain)["forms"].evidence == "The plan does not say which feature is the form of exploitation."
    shown = evidence_of(with_governance(plain, FORM))["forms"]
    assert (shown.state, shown.rests_on) == ("measured", ("estimates",))
    without = plain.model_copy(update={"estimates": ()})
    assert evidence_of(with_governance(without, FORM))["forms"].state == "not_shown"
    (control,) = {record.controls for record in ASKED["failing"].further.conditional[:1]}
    as_control = with_governance(ASKED["failing"], {"features": {"form": control[0]}})
    assert evidence_of(as_control)["forms"].rests_on == ("further.conditional",)


def test_children_are_seen_only_where_the_plan_names_them() -> None:
    result = PLAIN["failing"]
    assert evidence_of(result)["children"].state == "not_shown"
    gender, nationality = result.features
    young = result.model_copy(update={"features": (gender, nationality.model_copy(update={"children": ("GHA",)}))})
    shown = evidence_of(young)["children"]
    assert shown.state == "measured"
    assert "of children; of these 4 are also by gender" in shown.evidence
    few = tuple(one for one in young.estimates if all(level.code != "GHA" for level in one.group.root))
    assert evidence_of(young.model_copy(update={"estimates": few}))["children"].state == "not_shown"


def test_forced_criminality_needs_its_levels() -> None:
    named = with_governance(PLAIN["failing"], {**FORM, "forced_criminality": ["man"]})
    assert evidence_of(named)["forced_criminality"].state == "measured"
    other = with_governance(PLAIN["failing"], {**FORM, "forced_criminality": ["nobody"]})
    assert evidence_of(other)["forced_criminality"].state == "not_shown"


def test_patterns_are_declared_and_only_limits_that_were_decided_are_measured() -> None:
    def shown(rule: str) -> str:
        return evidence_of(with_governance(PLAIN["failing"], {"named_patterns": {"Men": rule}}))["patterns"].state

    assert shown("not tested") == "declared"
    assert shown("true_positive_rate") == "measured"
    open_rules = tuple(one.model_copy(update={"outcome": "inconclusive"}) for one in PLAIN["failing"].rules)
    undecided = PLAIN["failing"].model_copy(update={"rules": open_rules})
    assert evidence_of(undecided)["patterns"].state == "declared"


def with_plan(result: AuditResult, section: str, **keys: Any) -> AuditResult:
    """The result with other keys in a section of its plan; what it is checked for as a whole is not asked."""
    changed = getattr(result.plan, section).model_copy(update=keys)
    return result.model_copy(update={"plan": result.plan.model_copy(update={section: changed})})


def test_what_belongs_together_is_measured_where_verdicts_take_it_as_one() -> None:
    plain = PLAIN["failing"]
    assert of_key(plain, "clusters").evidence.startswith("The plan does not say which cases belong together")
    together = with_plan(plain, "evaluation_set", cluster="person")
    shown = of_key(together, "clusters")
    assert (shown.clause, shown.state, shown.rests_on) == ("7(h)", "measured", ("verdicts",))
    assert "That these are of an organised group is not shown." in shown.evidence
    assert (shown.public_state, public_states(together)["clusters"]) == ("not_shown", "elsewhere")
    none = of_key(together.model_copy(update={"verdicts": ()}), "clusters")
    assert (none.state, none.evidence) == ("not_shown", "No group could be judged.")


def test_a_service_is_not_said_to_be_none() -> None:
    plain = PLAIN["failing"]
    model = PythonDetector.model_construct(kind="python", entry="detector:make", features=("text",))
    ran = plain.model_copy(
        update={
            "system": plain.system.model_copy(update={"features": ("text",)}),
            "plan": plain.plan.model_copy(update={"detector": model}),
        }
    )
    assert of_key(ran, "offline").state == "measured"
    supplied = plain.model_copy(update={"system": plain.system.model_copy(update={"features": ()})})
    assert of_key(supplied, "offline").state == "not_shown"
    service = HttpDetector.model_construct(kind="http", features=("text",), answers_at="", score_at="", url="")
    asked = ran.model_copy(update={"plan": ran.plan.model_copy(update={"detector": service})})
    assert of_key(asked, "offline").evidence.startswith("The features of every case were sent to a service")


def test_results_are_said_to_be_comparable_by_what_makes_them_so() -> None:
    shown = of_key(PLAIN["failing"], "comparable").evidence
    assert shown.startswith("This result is of version 2 of a published schema. Nationalities have codes")


def test_review_and_override_say_what_is_declared_and_no_more() -> None:
    def shown(**keys: Any) -> str:
        return evidence_of(with_governance(PLAIN["failing"], keys))["review"].evidence

    assert shown() == "Review and override of flags are not shown."
    both = shown(review_rate=1.0, override_rate=0.125, review_period="2026")
    assert "people reviewed 100% of flags. Of reviewed flags, the operator declares, 12.5% were" in both
    assert "reviewed 0% of flags" in shown(review_rate=0.0, review_period="2026")
    assert "Of reviewed flags" not in shown(review_rate=0.5, review_period="2026")


@pytest.mark.parametrize("result", ASKED.values(), ids=ASKED)
def test_a_public_sentence_does_not_change_with_a_count(result: AuditResult) -> None:
    """Of each clause a public report says one of the few sentences of the table, and no digit of anybody's."""
    rows = public_safeguards(with_safeguards(result))
    shown = [clause for clause in TABLES.clauses if clause.evidence not in ("indicators", "summary")]
    assert len(shown) == len(TABLES.clauses) - 2, "what no audit of this kind can show stands in the docs"
    for row, clause in zip(rows, shown, strict=True):
        evidence = TABLES.evidence[clause.evidence]
        assert row.evidence in (evidence.public.get(row.state), evidence.public.get("elsewhere"))
        assert not any(character.isdigit() for character in row.evidence)
        assert row.date == {"measured": "2026-11-24", "not_shown": None}.get(row.state, row.date)
        if evidence.small_groups:
            assert row.state == "not_shown", "already the state would tell of a small group"
        if evidence.of_table:
            assert row.state == "not_shown", "it follows from a protected table, and there is none yet"
        asked = asks_for(result.plan, clause.evidence)
        if evidence.small_groups or evidence.of_table:
            assert row.evidence == evidence.public["elsewhere" if asked else "not_shown"], clause.evidence


@pytest.mark.parametrize("result", [PLAIN["failing"], PLAIN["undecided"]])
def test_what_the_plan_does_not_ask_for_no_report_has(result: AuditResult) -> None:
    """Else the public would read "absent" of evidence that the restricted report of the same result holds.

    `passing` is made with groups that its plan does not count. Audits that were run: tests/probing.
    """
    found, public = evidence_of(result), public_states(result)
    for key, one in found.items():
        if not asks_for(result.plan, key):
            assert (one.state, public[key]) == ("not_shown", "not_shown"), key
        if one.state == "measured":
            assert public[key] != "not_shown", key


def test_small_groups_stay_out_of_the_public_table_of_laws_too() -> None:
    """Whether there are children in the set changes nothing that is public."""
    result = PLAIN["failing"]
    gender, nationality = result.features
    young = result.model_copy(update={"features": (gender, nationality.model_copy(update={"children": ("GHA",)}))})
    asked = with_safeguards(young), with_safeguards(result)
    assert asked[0].safeguards != asked[1].safeguards
    assert public_safeguards(asked[0]) == public_safeguards(asked[1])
    assert public_states(young) == public_states(result)


def test_what_the_public_reads_of_the_declarations_holds_no_share() -> None:
    shown = public_governance(PLAIN["failing"].plan.governance)
    assert shown is not None
    assert shown.reviewed
    assert shown.appeal.startswith("In writing")
    assert "18" not in shown.model_dump_json(exclude={"declared_on", "limits_set_on"})
    assert public_governance(with_governance(PLAIN["failing"], {}).plan.governance) is None


@pytest.mark.parametrize(
    "claim",
    [
        {"state": "measured", "given_by": "audit"},
        {"state": "measured", "given_by": "audit", "rests_on": ["probes"]},
        {"state": "measured", "given_by": "audit", "rests_on": ["no_such_field"]},
        {"state": "declared", "given_by": "operator", "rests_on": ["plan.governance.previous_audit"]},
        {"given_by": "audit"},
        {"rests_on": ["estimates"]},
    ],
)
def test_a_result_that_claims_evidence_it_does_not_hold_is_refused(claim: Mapping[str, Any]) -> None:
    from audit.errors import ResultError

    document = json.loads(result_to_json(PLAIN["passing"]))
    assert parse_result(json.dumps(document)).safeguards == PLAIN["passing"].safeguards
    place = next(n for n, one in enumerate(document["safeguards"]) if one["key"] == "swaps")
    document["safeguards"][place].update(claim)
    with pytest.raises(ResultError, match=rf"safeguards\.{place} does not follow from what it holds"):
        parse_result(json.dumps(document))


def test_a_result_of_an_earlier_version_is_still_read() -> None:
    document = json.loads(result_to_json(PLAIN["passing"]))
    del document["frameworks"], document["further"]["impact_ratios"]
    kept = ("clause", "words", "question", "evidence", "state")
    document["safeguards"] = [{name: one[name] for name in kept} for one in document["safeguards"]]
    assert parse_result(json.dumps(document)).safeguards[0].given_by is None


def test_ratios_are_to_the_highest_share_of_those_compared() -> None:
    result = PLAIN["passing"]
    table = next(
        one for one in impact_ratios(result.plan.groups, result.estimates) if one.family.axes[0].feature == "gender"
    )
    by_code = {one.group.root[0].code: one for one in table.groups}
    assert by_code["unknown"].left_out == "unknown"
    assert by_code["unknown"].ratio is None
    assert table.unknown == by_code["unknown"].cases
    assert by_code["non-binary"].left_out == "below_two_per_cent"
    assert by_code["non-binary"].rate is not None, "left out of the ratio, and not of the table"
    compared = {code: one for code, one in by_code.items() if one.left_out is None}
    highest = max(compared.values(), key=lambda one: one.rate or 0)
    assert table.highest == highest.group
    assert highest.ratio == 1
    for one in compared.values():
        assert one.rate is not None
        assert one.ratio == pytest.approx(one.rate / (highest.rate or 1))
        assert one.rate == pytest.approx(one.flagged / one.cases)
    assert sum(one.cases for one in table.groups) == table.cases


def test_ratios_say_why_there_is_none() -> None:
    result = PLAIN["passing"]
    none = tuple(
        one.model_copy(update={"value": 0.0, "numerator": 0})
        for one in result.estimates
        if one.metric == "selection_rate"
    )
    (table, *_) = impact_ratios(result.plan.groups, none)
    assert table.highest is None
    assert {one.left_out for one in table.groups} == {"nobody_flagged", "unknown", "below_two_per_cent"}
    assert impact_ratios(result.plan.groups, ()) == ()
