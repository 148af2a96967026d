from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from made.counts import cells, families_of, nationality, plan_of

from audit.cli.pages.json_schemas import result_schema
from audit.counting.counted import Counted
from audit.errors import ResultError
from audit.notebook import result_frame
from audit.plan.file.plan_file import LoadedPlan
from audit.result import json_text
from audit.result.audit_result import AuditResult, Provenance
from audit.result.file import _at_once, _step_by_step, load_result, parse_result
from audit.result.findings.system import SystemDescription
from audit.result.json_text import result_sha256, result_to_json, written_sha256
from audit.run import Gathered, summarise
from audit.stats.arrays import IntArray

VERSION_1 = Path(__file__).with_name("version_1.json")

ORIGIN = Provenance(
    plan_sha256="0" * 64,
    evaluation_set_sha256=None,
    detector_sha256=None,
    tool="audit7k",
    packages={},
    python="3",
    platform="any",
    started="2026-01-01T00:00:00.000Z",
    finished="2026-01-01T00:00:01.000Z",
)


@pytest.fixture(scope="module")
def result() -> AuditResult:
    feature = nationality(["NGA", "MLI", "FRA", "unknown"])
    plan = plan_of(
        [{"metric": "true_positive_rate", "groups": ["nationality"], "ratio": 0.8}],
        [feature],
        verdict={"compare_with": ["rest", "overall", "reference"]},
        groups={"nationality": {"reference": "FRA"}},
    )
    rows: dict[tuple[str, ...], IntArray] = {
        ("NGA",): cells(400, 600, 50, 950),
        ("MLI",): cells(2, 1, 0, 0, unlabelled=(1, 2)),
        ("FRA",): cells(800, 200, 50, 950),
        ("unknown",): cells(80, 20, 0, 0, abstained=(1, 2, 3)),
    }
    table, families = families_of(plan, [feature], rows)
    system = SystemDescription(kind="predictions", name="score", decision="d", features=(), sensitive_features_used=())
    loaded = LoadedPlan(plan=plan, as_asked=plan.model_dump(mode="json", by_alias=True), folder=Path())
    return summarise(Gathered(loaded, [feature], Counted(table), families, system, ORIGIN))


def test_its_digest_is_that_of_its_text(result: AuditResult) -> None:
    """Texts that somebody wrote otherwise have another digest, or none."""
    text, names = result_to_json(result), list(AuditResult.model_fields)
    assert written_sha256(text, names) == result_sha256(result)
    assert written_sha256(text.replace('"complete"', '"complete" ', 1), names) != result_sha256(result)
    for other in ("", "{}", json.dumps(json.loads(text)), text.replace(' "plan":', ' "plan" :', 1)):
        with pytest.raises(ValueError, match="substring"):
            written_sha256(other, names)


def test_a_digest_that_is_kept_is_that_of_the_result_that_was_written(result: AuditResult) -> None:
    """Another result can get the identity of one that is gone."""
    result_to_json(result)
    other = result.model_copy(update={"rules": ()})
    kept = vars(json_text)["_SHA256"]
    kept[id(other)] = kept.pop(id(result))
    assert result_sha256(other) != result_sha256(result)


def test_a_result_comes_back_as_it_was_written(result: AuditResult, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(result_to_json(result), encoding="utf-8")
    again = load_result(path)
    assert again.model_dump() == result.model_dump()
    assert result_to_json(again) == result_to_json(result) == path.read_text(encoding="utf-8")


def test_a_result_follows_the_published_schema(result: AuditResult) -> None:
    schema = result_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(result_to_json(result)), schema)


def test_every_field_of_the_schema_is_described() -> None:
    schema = result_schema()
    bare = [
        f"{name}.{field}"
        for name, part in schema["$defs"].items()
        for field, of in part.get("properties", {}).items()
        if "description" not in of
    ]
    assert bare == []


def test_rows_add_up(result: AuditResult) -> None:
    everyone = result.rows[0]
    assert everyone.group.levels == ()
    for account in result.rows:
        assert account.read == account.scored + account.abstained + account.failed
        assert account.read == account.labelled + account.unlabelled
    countries = [row for row in result.rows if [level.rung for level in row.group.levels] == ["country"]]
    assert sum(row.read for row in countries) == everyone.read
    assert everyone.attribute_unknown == 106


def test_a_rate_that_is_not_known_is_null_with_a_reason(result: AuditResult) -> None:
    unknown = [estimate for estimate in result.estimates if estimate.value is None]
    assert unknown
    assert all(estimate.reason is not None and estimate.status == "not_evaluable" for estimate in unknown)
    assert all(estimate.low is None and estimate.exact_high is None for estimate in unknown)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("", "not-a-result"),
        ("{", "not-a-result"),
        ("[]", "not-a-result"),
        ('{"schema_version": 1}', "not-a-result"),
        ('{"schema_version": 2}', "not-a-result"),
        ('{"schema_version": 2.0}', "not-a-result"),
        ('{"schema_version": 0}', "not-a-result"),
        ('{"schema_version": 2, "schema_version": 2}', "not-a-result"),
        ('{"schema_version": 3}', "newer-result"),
        ('{"schema_version": 1e999}', "not-a-result"),
        ('{"schema_version": NaN}', "not-a-result"),
        ("[" * 100_000, "not-a-result"),
    ],
)
def test_what_is_no_result_of_this_version_is_refused(text: str, slug: str) -> None:
    with pytest.raises(ResultError) as caught:
        parse_result(text)
    assert caught.value.slug == slug
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("stamp", ["", "yesterday", "2026-01-01", "2026-01-01T00:00:00"])
def test_a_result_that_ended_at_no_moment_is_refused(result: AuditResult, stamp: str) -> None:
    """Its waivers end and baselines are ordered by it."""
    document = json.loads(result_to_json(result))
    document["provenance"]["finished"] = stamp
    with pytest.raises(ResultError, match="at provenance"):
        parse_result(json.dumps(document))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"status": "complete"', '"status": "complete",\n "status": "complete"'),
        ('"status": "complete"', '"status": "complete",\n "status" : "complete"'),
        ('"status": "complete"', '"status" : "complete",\n "status": "complete"'),
        ('"rule":"true_positive_rate"', '"rule":"true_positive_rate","rule":"true_positive_rate"'),
        ('"margin":', '"margin":null,"margin":'),
        ('"level":0.95', '"level":NaN'),
        ('"level":0.95', '"level":-Infinity'),
        ('"rows": [', '"rows": [\n  1,'),
        ("[[", "[[[],"),
    ],
)
def test_what_has_two_readings_is_refused(result: AuditResult, before: str, after: str, tmp_path: Path) -> None:
    text = result_to_json(result)
    assert before in text
    path = tmp_path / "result.json"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ResultError) as caught:
        load_result(path)
    assert caught.value.slug == "not-a-result"


def test_a_result_is_read_at_once_as_it_is_step_by_step(result: AuditResult) -> None:
    asked_so = result.plan_as_asked | {"title": 'of "two" \\ ways :'}
    for one in (result, result.model_copy(update={"plan_as_asked": asked_so})):
        text = result_to_json(one)
        at_once, read = _at_once(text.encode()), _step_by_step(text, "result")
        assert (at_once is None) == (one is not result)
        assert at_once is None or at_once == read
        assert result_to_json(at_once or read) == result_to_json(read) == text


def test_a_group_of_a_file_is_made_once(result: AuditResult) -> None:
    read = parse_result(result_to_json(result))
    groups = [*(one.group for one in read.counts), *(one.group for one in read.estimates)]
    groups += [one.group for one in read.verdicts]
    assert len(set(map(id, groups))) == len(set(groups)) < len(groups) / 3


def test_a_result_cut_short_is_refused(result: AuditResult) -> None:
    text = result_to_json(result)
    for end in range(0, len(text) - 2, max(1, len(text) // 50)):
        with pytest.raises(ResultError):
            parse_result(text[:end])


def of_version_1(document: dict[str, Any]) -> dict[str, Any]:
    """The document as version 1 has it: what decides nothing stands beside what decides."""
    flat: dict[str, Any] = json.loads(json.dumps(document))
    flat.update(flat.pop("further"), schema_version=1)
    for one in flat["safeguards"]:
        one["rests_on"] = [at.removeprefix("further.") for at in one["rests_on"]]
    return flat


def holds(whole: Any, part: Any) -> bool:
    """Whether all that `part` says stands in `whole`, which may have fields of later days beside it."""
    if isinstance(part, dict):
        return part.keys() <= whole.keys() and all(holds(whole[name], value) for name, value in part.items())
    if isinstance(part, list):
        return len(part) == len(whole) and all(map(holds, whole, part))
    return bool(whole == part)


def test_a_result_of_version_1_is_read_as_what_it_says() -> None:
    """The file was written by the last commit that wrote version 1."""
    document = json.loads(VERSION_1.read_text(encoding="utf-8"))
    again = json.loads(result_to_json(load_result(VERSION_1)))
    assert (document["schema_version"], again["schema_version"]) == (1, 2)
    assert again["plan"]["sensitivity"]["unknown_share_factor"] == "worst", "a PASS then held whoever they are"
    assert again["plan"]["sensitivity"]["unknown_odds_factor"] == "worst"
    for rule in document["sensitivity"]:
        assert (rule.pop("max_missing_share"), rule.pop("missing_share_for_half")) == (None, None)
    assert holds(of_version_1(again), document)
    measured = [at for one in again["safeguards"] for at in one["rests_on"] if at.startswith("further.")]
    assert set(measured) == {"further.costs", "further.deployed"}


def test_a_fail_without_a_name_of_version_1_is_about_one_nationality_or_more() -> None:
    document = json.loads(VERSION_1.read_text(encoding="utf-8"))
    (rule, *others) = document["rules"]
    rule["families"][0].update(unnamed_beyond=True, unnamed_p=0.001, unnamed_level=0.0075, unnamed_survivors=4)
    rule.update(outcome="fail", because="unnamed_beyond_limit")
    undecided = [other["rule"] for other in others if other["outcome"] not in ("fail", "pass")]
    document["overall"].update(outcome="fail", failing_rules=[rule["rule"]], undecided_rules=undecided)
    read = parse_result(json.dumps(document)).rules[0].families
    assert [family.unnamed_at_least for family in read] == [1, *[0] * (len(read) - 1)]


def of_early_version_2(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document as version 2 had it at first, with a chance of a pass."""
    early: dict[str, Any] = json.loads(json.dumps(document))
    for rule in early["rules"]:
        rule["families"] = [_without(family, "judged_alone", "unnamed_at_least") for family in rule["families"]]
    early["verdicts"] = [_without(verdict, "same_people") for verdict in early["verdicts"]]
    early["further"] = _without(early["further"], "not_judged_alone")
    early["further"]["planned_pass"] = {"chance": 0.25, "remedy": "twice_the_cases", "with_remedy": 0.5}
    return early


def _without(part: dict[str, Any], *names: str) -> dict[str, Any]:
    assert part.keys() >= set(names)
    return {name: value for name, value in part.items() if name not in names}


def test_a_result_of_early_version_2_is_read_as_what_it_says(result: AuditResult) -> None:
    early = of_early_version_2(json.loads(result_to_json(result)))
    read = parse_result(json.dumps(early))
    assert holds(json.loads(result_to_json(read)), early)
    planned = read.further.planned_pass
    assert planned is not None
    assert (planned.coverage, planned.out_of_reach, planned.least_sure) == (None, None, ())


def test_a_fail_without_a_name_that_states_no_number_is_refused(result: AuditResult) -> None:
    one = json.loads(result_to_json(result))
    (rule, *others) = one["rules"]
    family = rule["families"][0]
    family.update(unnamed_beyond=True, unnamed_p=0.001, unnamed_level=0.0075, unnamed_survivors=4, unnamed_at_least=1)
    rule.update(outcome="fail", because="unnamed_beyond_limit")
    undecided = [other["rule"] for other in others if other["outcome"] not in ("fail", "pass")]
    one["overall"].update(outcome="fail", failing_rules=[rule["rule"]], undecided_rules=undecided)
    assert parse_result(json.dumps(one)).rules[0].families[0].unnamed_at_least == 1
    del family["unnamed_at_least"]
    for indent in (None, 1):
        with pytest.raises(ResultError, match="contradicts itself"):
            parse_result(json.dumps(one, indent=indent))


def test_a_result_is_the_same_in_both_versions(result: AuditResult) -> None:
    assert parse_result(json.dumps(of_version_1(json.loads(result_to_json(result))))) == result


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("further", lambda it: it.update(further={})),
        ("further", lambda it: it.update(further={"aucs": it["aucs"]})),
        ("aucs.0.auc", lambda it: it["aucs"][0].update(auc="high")),
        ("sweep", lambda it: it.update(sweep=[])),
        ("overall", lambda it: it.pop("overall")),
    ],
)
def test_what_is_no_result_of_version_1_is_refused(where: str, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(VERSION_1.read_text(encoding="utf-8"))
    change(document)
    with pytest.raises(ResultError) as caught:
        parse_result(json.dumps(document))
    assert str(caught.value) == f"result does not follow schema version 1 at {where}"


def test_evidence_that_a_result_of_version_1_does_not_hold_is_refused() -> None:
    document = json.loads(VERSION_1.read_text(encoding="utf-8"))
    place = next(n for n, one in enumerate(document["safeguards"]) if one["rests_on"] == ["costs"])
    with pytest.raises(ResultError, match=rf"safeguards\.{place} does not follow from what it holds"):
        parse_result(json.dumps({**document, "costs": []}))


CONTRADICTIONS: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "overall said to pass": ("overall.outcome", lambda it: it["overall"].update(outcome="pass")),
    "overall said to be open": ("overall.outcome", lambda it: it["overall"].update(outcome="inconclusive")),
    "a failing rule left out": ("overall.failing_rules", lambda it: it["overall"].update(failing_rules=[])),
    "an undecided rule made up": ("overall.undecided_rules", lambda it: it["overall"].update(undecided_rules=["x"])),
    "a rule said to pass": ("rules.0.outcome", lambda it: it["rules"][0].update(outcome="pass")),
    "a rule said to be open": ("rules.0.outcome", lambda it: it["rules"][0].update(outcome="inconclusive")),
    "outcomes miscounted": ("rules.0.groups_by_outcome", lambda it: it["rules"][0]["groups_by_outcome"].update(fail=0)),
    "a verdict changed": ("rules.0.groups_by_outcome", lambda it: _failing(it).update(outcome="pass")),
    "a verdict left out": ("rules.0.groups_by_outcome", lambda it: it["verdicts"].remove(_failing(it))),
    "a rule left out": ("rules", lambda it: it["rules"].clear()),
    "a rule twice": ("rules", lambda it: it["rules"].append(it["rules"][0])),
    "a rule without verdicts": ("rules", lambda it: it["rules"].append({**it["rules"][0], "rule": "other"})),
    "a limit that is not the plan's": ("rules", lambda it: it["rules"][0].update(limit=0.9)),
    "a rule of the plan without an answer": ("rules", lambda it: it["plan"]["rules"].append(it["plan"]["rules"][0])),
    "a change left out": ("change", lambda it: it["plan"]["baseline"].update(result="old")),
    "a verdict of no rule": ("rules", lambda it: it["verdicts"][0].update(rule="\x1b[2J\n")),
}


def _failing(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(verdict for verdict in document["verdicts"] if verdict["outcome"] == "fail")
    return found


@pytest.mark.parametrize(("where", "change"), CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_a_result_that_contradicts_itself_is_refused(
    result: AuditResult, where: str, change: Callable[[dict[str, Any]], object]
) -> None:
    newest = json.loads(result_to_json(result))
    for document in (newest, of_version_1(newest)):
        assert document["overall"]["outcome"] == "fail"
        change(document)
        with pytest.raises(ResultError) as caught:
            parse_result(json.dumps(document), "result.json")
        assert caught.value.slug == "contradictory-result"
        assert f"result.json contradicts itself: {where} does" in str(caught.value)
        assert str(caught.value).isprintable()


def _said_to_pass(result: AuditResult, *, decided: str, decidable: bool, coverage: float | None) -> str:
    """The result as JSON, consistent but for what is given: every verdict `decided`, the rule and the whole passing."""
    document = json.loads(result_to_json(result))
    for verdict in document["verdicts"]:
        verdict.update(outcome=decided, decidable=decidable, p_fail=0.5, level_fail=0.01, p_pass=0.01)
    counted = dict.fromkeys(document["rules"][0]["groups_by_outcome"], 0)
    document["rules"][0].update(
        outcome="pass", coverage=coverage, groups_by_outcome={**counted, decided: len(document["verdicts"])}
    )
    for family in document["rules"][0]["families"]:
        family.update(unnamed_beyond=False, unnamed_p=None, unnamed_level=None, unnamed_at_least=0)
    document["overall"].update(outcome="pass", failing_rules=[], undecided_rules=[])
    return json.dumps(document)


def test_a_fail_without_a_name_must_stand_in_the_result(result: AuditResult) -> None:
    enough = result.rules[0].min_coverage
    document = json.loads(_said_to_pass(result, decided="pass", decidable=True, coverage=enough))
    family = document["rules"][0]["families"][0]
    family.update(unnamed_beyond=True, unnamed_p=0.001, unnamed_level=0.0075)
    family.update(unnamed_at_least=3, unnamed_survivors=4)
    with pytest.raises(ResultError, match=r"rules\.0\.outcome"):
        parse_result(json.dumps(document))
    family.update(unnamed_beyond=False)
    with pytest.raises(ResultError, match=r"rules\.0\.families"):
        parse_result(json.dumps(document))
    for changed in ({"unnamed_p": None}, {"unnamed_at_least": 0}, {"unnamed_at_least": 4}):
        family.update({"unnamed_beyond": True, "unnamed_p": 0.001, "unnamed_at_least": 3} | changed)
        with pytest.raises(ResultError, match=r"rules\.0\.families"):
            parse_result(json.dumps(document))


@pytest.mark.parametrize(
    "changed", [{"p_pass": 0.051}, {"p_pass": None}, {"p_fail": 0.005}, {"p_fail": None}, {"level_fail": None}]
)
def test_a_verdict_must_follow_from_its_p_values(result: AuditResult, changed: dict[str, float | None]) -> None:
    enough = result.rules[0].min_coverage
    document = json.loads(_said_to_pass(result, decided="pass", decidable=True, coverage=enough))
    document["verdicts"][0].update(changed)
    with pytest.raises(ResultError, match=r"rules\.0\.groups_by_outcome"):
        parse_result(json.dumps(document))


def test_a_fail_must_follow_from_its_p_value(result: AuditResult) -> None:
    for changed in ({"p_fail": 0.5}, {"p_fail": None}):
        document = json.loads(result_to_json(result))
        _failing(document).update(changed)
        with pytest.raises(ResultError, match=r"rules\.0\.groups_by_outcome"):
            parse_result(json.dumps(document))


def test_a_pass_needs_judged_groups_that_all_pass_and_enough_people_in_them(result: AuditResult) -> None:
    enough = result.rules[0].min_coverage
    passing = parse_result(_said_to_pass(result, decided="pass", decidable=True, coverage=enough))
    assert passing.overall.outcome == "pass"
    for decided, decidable, coverage in (
        ("inconclusive", True, enough),
        ("pass", False, enough),
        ("pass", True, enough - 1e-6),
        ("pass", True, None),
    ):
        with pytest.raises(ResultError) as caught:
            parse_result(_said_to_pass(result, decided=decided, decidable=decidable, coverage=coverage))
        assert caught.value.slug == "contradictory-result"


def test_a_result_becomes_a_frame_with_a_column_for_each_feature(result: AuditResult) -> None:
    frame = result_frame(result, "estimates")
    assert len(frame) == len(result.estimates)
    assert list(frame.columns[:3]) == ["nationality", "nationality_name", "nationality_rung"]
    everyone = frame[frame["nationality"].isna() & (frame["metric"] == "true_positive_rate")]
    assert everyone["numerator"].tolist() == [400 + 2 + 800 + 80]
    mali = frame[(frame["nationality"] == "MLI") & (frame["metric"] == "true_positive_rate")]
    assert mali["value"].isna().all()
    assert len(result_frame(result, "verdicts")) == len(result.verdicts)
