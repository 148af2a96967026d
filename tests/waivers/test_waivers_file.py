"""A file of waivers: what it may say, and one line for each mistake in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from made.audits import gender

from audit.errors import PlanError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import parse_plan
from audit.result.waivers_file import MAX_WAIVERS, WaivedGroupError, publishable_errors, read_waivers
from audit.vocabulary.groups import Group, Level, LevelName, SensitiveFeature

PLAN = """\
schema = 1
[audit]
title = "Screener"
owner = "Owner"
use = "victim-identification"
route = "services"
[detector]
kind = "predictions"
score = "score"
threshold = 0.5
[evaluation_set]
path = "cases.csv"
id = "case"
label = "label"
label_source = "made for a test"
[groups.gender]
column = "sex"
[groups.nationality]
column = "citizenship"
ladder = ["country", "m49-subregion", "m49-region"]
[[rules]]
id = "missed"
metric = "true_positive_rate"
groups = ["gender", "nationality", ["gender", "nationality"]]
margin = 0.1
[[rules]]
metric = "false_positive_rate"
groups = ["gender"]
margin = 0.1
"""
GOOD = """\
[[waivers]]
rule = "missed"
group = { gender = "woman" }
who = "Head of inspection"
why = "Model 2.4 corrects it"
expires = 2027-06-30
"""
RUNGS = ("country", "m49-subregion", "m49-region")
NATIONALITY = SensitiveFeature(
    name="nationality",
    column="citizenship",
    coding="nationality",
    rungs=RUNGS,
    levels=(
        LevelName(rung="country", code="NGA", name="Nigeria", parent="011"),
        LevelName(rung="m49-subregion", code="011", name="Western Africa", parent="002"),
        LevelName(rung="m49-region", code="002", name="Africa"),
        *(LevelName(rung=rung, code="unknown", name="unknown") for rung in RUNGS),
    ),
    given_to_detector=False,
)
FEATURES = (gender(), NATIONALITY)


@pytest.fixture
def plan(tmp_path: Path) -> AuditPlan:
    return parse_plan(PLAN, folder=tmp_path).plan


def read(plan: AuditPlan, folder: Path, text: str) -> list[tuple[str, Group, str]]:
    path = folder / "waivers.toml"
    path.write_text(text, encoding="utf-8")
    return [(waiver.rule, waiver.group, waiver.expires) for waiver in read_waivers(path, plan, FEATURES)]


def of_group(group: str) -> str:
    return GOOD.replace('{ gender = "woman" }', group)


def test_a_waiver_names_rule_group_who_why_and_a_day(plan: AuditPlan, tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text(GOOD, encoding="utf-8")
    (waiver,) = read_waivers(tmp_path / "w.toml", plan, FEATURES)
    assert waiver.model_dump() == {
        "rule": "missed",
        "group": (("gender", "level", "woman"),),
        "who": "Head of inspection",
        "why": "Model 2.4 corrects it",
        "expires": "2027-06-30",
    }
    assert read(plan, tmp_path, "") == []
    assert read(plan, tmp_path, GOOD.replace("2027-06-30", '"2027-06-30"'))[0][2] == "2027-06-30"


@pytest.mark.parametrize(
    ("group", "levels"),
    [
        ('{ nationality = "NGA" }', (("nationality", "country", "NGA"),)),
        ('{ nationality = "011" }', (("nationality", "m49-subregion", "011"),)),
        (
            '{ nationality = { rung = "m49-subregion", code = "011" }, gender = "man" }',
            (("gender", "level", "man"), ("nationality", "m49-subregion", "011")),
        ),
    ],
)
def test_a_group_is_told_by_code_and_stands_in_the_order_of_the_plan(
    plan: AuditPlan, tmp_path: Path, group: str, levels: tuple[tuple[str, str, str], ...]
) -> None:
    ((_, read_group, _),) = read(plan, tmp_path, of_group(group))
    assert read_group == Group(tuple(Level(*level) for level in levels))


def test_one_public_error_for_groups_that_are_not_there_and_for_those_that_are_there_twice(
    plan: AuditPlan, tmp_path: Path
) -> None:
    """Else the error itself says whether somebody whose country is unknown is in the set."""
    said = set()
    for group in ('{ nationality = "unknown" }', '{ nationality = "JPN" }', "{ nationality = 3 }"):
        with pytest.raises(PlanError) as raised, publishable_errors():
            read(plan, tmp_path, of_group(group))
        assert not isinstance(raised.value, WaivedGroupError)
        assert raised.value.slug == "waiver-group"
        said.add(str(raised.value))
        with pytest.raises(WaivedGroupError), publishable_errors(exact=True):
            read(plan, tmp_path, of_group(group))
    assert len(said) == 1


@pytest.mark.parametrize(
    ("text", "slug", "said"),
    [
        (GOOD.replace("why =", "reason ="), "waiver-key", "unknown key in [[waivers]]"),
        (GOOD.replace("expires =", "expire ="), "waiver-key", 'did you mean "expires"?'),
        (GOOD.replace("[[waivers]]", "[[waiver]]"), "waiver-key", 'did you mean "waivers"?'),
        (GOOD.replace('who = "Head of inspection"\n', ""), "waiver-value", "waivers[1].who is missing"),
        (GOOD.replace('"missed"', '"mised"'), "waiver-rule", 'did you mean "missed"?'),
        (of_group('{ gendr = "woman" }'), "waiver-group", 'did you mean "gender"?'),
        (of_group('{ gender = "womam" }'), "waiver-group", 'did you mean "woman"?'),
        (
            of_group('{ gender = "woman", nationality = { rung = "region", code = "002" } }'),
            "waiver-group",
            "m49-region",
        ),
        (of_group('{ nationality = "unknown" }'), "waiver-group", 'rung = "country" or rung = "m49-subregion"'),
        (of_group("{}"), "waiver-value", "is no table"),
        (of_group('"woman"'), "waiver-value", "is no table"),
        (of_group("{ gender = 1 }"), "waiver-group", "nobody in the set is"),
        (
            GOOD.replace('"missed"', '"false_positive_rate"').replace('gender = "woman"', 'nationality = "NGA"'),
            "waiver-group",
            "judges no groups of nationality — it judges: gender",
        ),
        (GOOD + GOOD, "waiver-twice", "line 7: this finding is waived twice"),
        (GOOD.replace("2027-06-30", "2027-06-30T10:00:00"), "waiver-value", "is no day"),
        (GOOD.replace("2027-06-30", '"soon"'), "waiver-value", "is no day"),
        (GOOD.replace("Head of inspection", " — "), "waiver-value", "is blank"),
        (GOOD.replace("Head of inspection", "x" * 201), "waiver-value", "at most 200"),
        (GOOD.replace('"Head of inspection"', "1"), "waiver-value", "is no text"),
        ("waivers = 3", "waiver-value", "is no list of tables"),
        ("x" * (1024 * 1024 + 1), "plan-too-large", "larger than 1 MiB"),
        ("[[waivers]", "plan-syntax", "closing bracket"),
    ],
)
def test_every_mistake_is_one_line_with_what_to_write(
    plan: AuditPlan, tmp_path: Path, text: str, slug: str, said: str
) -> None:
    with pytest.raises(PlanError) as caught:
        read(plan, tmp_path, text)
    assert caught.value.slug == slug
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_name_leads_to_its_code(plan: AuditPlan, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match='did you mean "NGA"'):
        read(plan, tmp_path, of_group('{ nationality = "Nigeria" }'))


def test_there_are_no_more_waivers_than_somebody_can_answer_for(plan: AuditPlan, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="at most 1,000"):
        read(plan, tmp_path, "[[waivers]]\n" * (MAX_WAIVERS + 1))


def test_a_file_that_is_not_there_is_an_error(plan: AuditPlan, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="no file of waivers at"):
        read_waivers(tmp_path / "none.toml", plan, FEATURES)
