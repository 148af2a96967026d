"""What an operator may declare, how mistakes in it read, and that the page about it is true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import PlanError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import LoadedPlan, canonical_plan_sha256, parse_plan
from audit.plan.file.unfinished import toml_text
from audit.plan.governance import GovernanceSection
from audit.plan.second_questions import DecisionsSection
from audit.scoring.provenance import scoring_identity

SMALL = (Path(__file__).with_name("small_plan.toml")).read_text(encoding="utf-8")
PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "governance.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)


def plan_with(governance: str) -> LoadedPlan:
    return parse_plan(f"{SMALL}\n[governance]\n{governance}\n", name="plan.toml", folder=Path())


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('declared_on = "2026-02-30"', "governance.declared_on: no day; write it as YYYY-MM-DD"),
        ('declared_on = "2.11.2026"', "governance.declared_on: no day; write it as YYYY-MM-DD"),
        ('declared_on = "20261102"', "governance.declared_on: no day; write it as YYYY-MM-DD"),
        (
            "valid_until = 2027-11-24",
            "governance.valid_until is a date or time; nothing in a plan is — put it in quotes",
        ),
        ('oversight = ""', "governance.oversight is empty — Who can stop the system, on what ground, and how fast"),
        ('oversight = " . "', "governance.oversight: blank: write it in words, or leave the key out"),
        ("oversight = 3", "governance.oversight must be text in quotes"),
        (f'appeal = "{"a" * 601}"', "governance.appeal must be at most 600 characters long"),
        ("review_rate = 0.5", "governance: review_period goes with review_rate and override_rate"),
        ('review_period = "2026"', "governance: review_period goes with review_rate and override_rate"),
        ('review_rate = 18\nreview_period = "2026"', "governance.review_rate must be at most 1"),
        ('consulted = "a union"', "governance.consulted must be a list in square brackets"),
        ('consulted = ["a", "a"]', "consulted name the same value twice"),
        ('overight = "x"', "governance.overight is not a key of a plan — did you mean oversight?"),
        ('features = { frm = "gender" }', "features: frm; it takes form, period, language, site, legal_status"),
        ('features = { form = "nothing" }', "governance.features.form names no feature of [groups] or"),
        ('forced_criminality = ["x"]', "forced_criminality names levels of the form"),
        ('named_patterns = { "Men" = "no-rule" }', 'governance.named_patterns: "no-rule" is no rule of this plan'),
        ('named_patterns = { " " = "not tested" }', "named_patterns: a pattern is blank"),
        ('declared_on = "2026-11-02"\nvalid_until = "2026-11-01"', "valid_until lies before declared_on"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(written: str, said: str) -> None:
    with pytest.raises(PlanError) as error:
        plan_with(written)
    line = str(error.value)
    assert said in line
    assert re.match(r"plan\.toml, line \d+: ", line)
    assert "\n" not in line


def test_nothing_need_be_declared() -> None:
    plan = parse_plan(SMALL, folder=Path()).plan
    assert plan.governance == GovernanceSection()
    assert not plan.governance.says_something
    assert plan_with('contact = "x"').plan.governance.says_something


@given(text=st.text(min_size=1, max_size=600))
def test_any_text_is_taken_as_it_is_or_refused_in_one_line(text: str) -> None:
    try:
        read = plan_with(f"appeal = {toml_text(text)}").plan.governance.appeal
    except PlanError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - it is right to be refused, or not
        assert not any(character.isalnum() for character in text) or "write here" in text.casefold()
    else:
        assert read == text


def test_it_changes_the_digest_of_the_plan_and_nothing_that_scoring_depends_on() -> None:
    """So that whoever corrects a contact goes on with a run, without the error that it is another one."""
    before, after = (plan_with(f'contact = "{who}"').plan for who in ("A", "B"))
    assert canonical_plan_sha256(before) != canonical_plan_sha256(after)
    assert scoring_identity(before) == scoring_identity(after)
    other = before.model_copy(update={"verdict": before.verdict.model_copy(update={"alpha": 0.01})})
    assert scoring_identity(other) != scoring_identity(before)


def test_the_keys_of_the_page_are_keys_and_all_but_few_are_on_it() -> None:
    first, second = (tomllib.loads(block) for block in BLOCKS)
    example = Path(__file__).parents[2] / "examples" / "people-and-forms" / "plan.toml"
    decided = tomllib.loads(example.read_text(encoding="utf-8"))["decisions"]
    assert set(decided) == set(DecisionsSection.model_fields)
    first, second = first["governance"], second["governance"]
    assert set(first) | set(second) | {"previous_audit"} == set(GovernanceSection.model_fields)
    rules = SMALL.replace("[[rules]]\n", '[[rules]]\nid = "missed"\n', 1)
    read = parse_plan(f"{rules}\n{BLOCKS[0]}", folder=Path()).plan.governance
    assert read.named_patterns["Men are found less often"] == "missed"


def test_the_second_plan_of_the_page_fits_a_plan_with_those_columns() -> None:
    columns = "\n".join(
        f'[control_features.{name}]\ncolumn = "{name}"' for name in ("exploitation", "quarter", "charged")
    )
    plan = parse_plan(f"{SMALL}\n{columns}\n{BLOCKS[1]}", folder=Path()).plan
    assert isinstance(plan, AuditPlan)
    assert plan.governance.features["form"] == "exploitation"


def test_a_draft_of_a_plan_offers_it_as_a_comment() -> None:
    from audit.plan.file.draft import PlanDraft, draft_plan

    text = draft_plan(PlanDraft(path="x.csv"))
    offered = text[text.index("# [governance]") :]
    section = "\n".join(line.removeprefix("# ") for line in offered.splitlines())
    GovernanceSection.model_validate(tomllib.loads(section)["governance"])
