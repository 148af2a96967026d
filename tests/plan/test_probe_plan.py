"""Probes in a plan: what fits together, and one line for what does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from made.probes import PLAN, RUN

from audit.cli.pages.json_schemas import plan_schema
from audit.errors import PlanError
from audit.plan.audit_plan import AuditPlan, Rule
from audit.plan.file.plan_file import canonical_plan_sha256, parse_plan
from audit.plan.probes import ProbeRule, TextProbe

TEXT = '[[probes]]\nid = "words"\nkind = "text"\ncolumn = "text"\nslots = ["demonym"]\n'
COLUMNS = '[[probes]]\nid = "field"\nkind = "columns"\nvalues = { text = ["a", "b"] }\nanchor = { text = "" }\n'
RULE = '[[rules]]\nmetric = "counterfactual_shift"\nmargin = 0.05\n'
PREDICTED = 'kind = "predictions"\nscore = "score"\nthreshold = 0.5'


def plan(more: str, detector: str = RUN) -> AuditPlan:
    return parse_plan(PLAN.format(detector=detector, set_keys="", more=more), folder=Path()).plan


def test_a_rule_on_probes_stands_beside_those_on_rates() -> None:
    read = plan(TEXT + RULE + RULE + COLUMNS)
    assert [type(rule) for rule in read.every_rule] == [Rule, ProbeRule, ProbeRule]
    assert [rule.id for rule in read.named_rules] == ["true_positive_rate"]
    named = read.named_probe_rules
    assert [rule.id for rule in named] == ["counterfactual_shift", "counterfactual_shift-2"]
    assert named[0].probes == ("words", "field")
    assert AuditPlan.model_validate_json(read.model_dump_json(by_alias=True)) == read
    assert canonical_plan_sha256(read) == canonical_plan_sha256(plan(TEXT + RULE + RULE + COLUMNS))
    assert {"TextProbe", "ColumnsProbe", "ProbeRule"} <= set(plan_schema()["$defs"])


def test_a_plan_without_probes_is_what_it_was() -> None:
    read = plan("")
    assert (read.probes, read.named_probe_rules) == ((), ())
    assert len(read.rules) == 1


def test_defaults_are_the_package_s_adverts_in_english() -> None:
    (probe,) = plan(TEXT).probes
    assert isinstance(probe, TextProbe)
    assert (probe.templates, probe.languages, probe.intersections, probe.families) == ("adverts", ("en",), False, 1)
    (other,) = plan(TEXT + 'templates = "texts.toml"\n').probes
    assert isinstance(other, TextProbe)
    assert other.templates == Path("texts.toml")


@pytest.mark.parametrize(
    ("more", "stated"),
    [
        (TEXT.replace('kind = "text"\n', ""), 'probes[1].kind is missing — write kind = "text" or "columns"'),
        (TEXT.replace('"text"\ncol', '"texts"\ncol'), 'probes[1].kind = "texts" is not known'),
        (TEXT.replace("slots", "slot"), "probes[1].slot is not a key of a plan — did you mean slots?"),
        (TEXT.replace('"demonym"', '"demonim"'), 'probes[1].slots[1] = "demonim" is not known'),
        (TEXT.replace('["demonym"]', "[]"), "probes[1].slots is empty"),
        (TEXT.replace('["demonym"]', '["demonym", "demonym"]'), "probes[1]: slots names one twice"),
        (TEXT + 'levels = { country = ["NGA"] }\n', "levels.country: country is not among the slots"),
        (TEXT + 'levels = { demonym = ["NGA", "NGA"] }\n', "levels.demonym names a level twice"),
        (TEXT + 'levels = { demonym = ["NGA"] }\nanchor = { demonym = "NGA" }\n', "no level beside its anchor"),
        (TEXT.replace("demonym", "language"), "name two `languages` or more"),
        (TEXT.replace("demonym", "language") + 'levels = { language = ["es"] }\n', "`languages` says which"),
        (
            TEXT.replace('["demonym"]', '["name", "gender"]') + 'anchor = { name = "fr_FR" }\n',
            "a name says a gender",
        ),
        (TEXT + "names = 11\n", "probes[1].names must be at most 10"),
        (TEXT + 'fixed = { text = "x" }\n', "fixed names the column of the text"),
        (TEXT + 'fixed = { pay = 1 }\n', "fixed names pay, which the detector is not given"),
        (TEXT.replace('column = "text"', 'column = "body"'), "the detector is not given body (its features: text)"),
        (TEXT + 'answers = "a.csv"\n', "`answers` is for one known by its predictions"),
        (TEXT + TEXT, "probes 2: a second probe with the id words"),
        (TEXT + RULE + 'probes = ["word"]\n', "names the probe word (the plan has: words)"),
        (TEXT + RULE + 'probes = ["words", "words"]\n', "a rule on counterfactual_shift names a probe twice"),
        (RULE, "a rule on counterfactual_shift needs a probe"),
        (TEXT + RULE + 'groups = ["gender"]\n', "rules[2].groups is not a key of a plan"),
        (TEXT + RULE.replace("margin = 0.05\n", ""), "rules[2].margin is missing"),
        (TEXT + RULE.replace("0.05", "1.5"), "rules[2].margin must be at most 0.999"),
        (TEXT + RULE + RULE + 'id = "counterfactual_shift"\n', "two rules have the same id"),
        (TEXT + RULE.replace("_shift", "_shiift"), 'did you mean "counterfactual_shift"?'),
        (COLUMNS.replace('anchor = { text = "" }', "anchor = {}"), "anchor names the same columns as `values`"),
        (COLUMNS.replace('["a", "b"]', '["a", "a"]'), "values.text names a value twice"),
        (COLUMNS.replace('["a", "b"]', '[""]'), "values.text has no value beside its anchor"),
        (COLUMNS.replace("text =", "pay ="), "the detector is not given pay: changing it would change nothing"),
        (COLUMNS + 'features = ["text"]\n', "`features` of a probe is for a detector known by its predictions"),
        (COLUMNS + "rows = 9\n", "probes[1].rows must be at least 10"),
    ],
)  # fmt: skip
def test_what_does_not_fit_gets_one_line(more: str, stated: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan(more)
    assert stated in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_other_feature_needs_a_value() -> None:
    detector = RUN.replace('["text"]', '["text", "pay", "channel"]')
    with pytest.raises(PlanError, match=r"also given pay, channel: write fixed = \{ pay = … \}"):
        plan(TEXT, detector)
    assert plan(TEXT + 'fixed = { pay = 1.5, channel = "web" }\n', detector).probes


def test_with_predictions_the_columns_that_are_written_are_named() -> None:
    with pytest.raises(PlanError, match="`features` names what is written, text among it"):
        plan(COLUMNS, PREDICTED)
    assert plan(COLUMNS + 'features = ["text", "pay"]\n', PREDICTED).probes
    assert plan(TEXT + "fixed = { pay = 1 }\n", PREDICTED).probes


def test_a_plan_of_probes_alone_is_told_that_it_needs_a_rate() -> None:
    text = PLAN.format(detector=RUN, set_keys="", more=TEXT + RULE)
    cut = text.replace('[[rules]]\nmetric = "true_positive_rate"\ngroups = ["gender"]\nmargin = 0.2\n', "")
    with pytest.raises(PlanError, match="a plan limits at least one rate"):
        parse_plan(cut, folder=Path())
