"""The design of a drawn set is read as strictly as a plan, and in its own words."""

from __future__ import annotations

import tomllib
import typing
from pathlib import Path

import jsonschema
import pytest
from pydantic import BaseModel

from audit.cli.pages.json_schemas import design_schema
from audit.errors import PlanError
from audit.plan.file.known_keys import DESIGN, known_keys, known_values
from audit.plan.file.plan_file import canonical_plan_sha256, load_design, parse_design
from audit.plan.sampling_design import SamplingDesign
from audit.plan.sections import feature_rungs
from audit.vocabulary.documented import field_docstrings

DESIGN_TEXT = """\
schema = 1
[pool]
id = "case_id"
label = "exploited"
label_source = "made"
[draw]
allocation = "decidable"
size = 500
seed = 7
[groups.gender]
column = "sex"
[groups.nationality]
column = "nationality"
ladder = ["country", "m49-region"]
[[rules]]
metric = "true_positive_rate"
groups = ["gender", "nationality"]
margin = 0.1
[[quotas]]
of = { gender = "woman" }
label = "positive"
cases = 20
[duplicates]
columns = ["advert"]
copies = "out"
"""
MODELS: list[type[BaseModel]] = [SamplingDesign, *DESIGN.repeated.values(), *DESIGN.tables.values()]


def test_a_whole_design_is_read() -> None:
    design = parse_design(DESIGN_TEXT)
    assert design.draw.size == 500
    assert design.quotas[0].of == {"gender": "woman"}
    assert feature_rungs(design.as_plan().groups, "nationality") == ("country", "m49-region")


def test_every_table_of_a_design_is_known() -> None:
    names = {field.alias or name for name, field in SamplingDesign.model_fields.items()}
    assert names == {"schema", *DESIGN.repeated, *DESIGN.tables}
    for name, model in DESIGN.tables.items():
        assert SamplingDesign.model_fields[name].annotation in (model, model | None)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_has_words_that_an_error_can_use(model: type[BaseModel]) -> None:
    texts = field_docstrings(model)
    assert [name for name in model.model_fields if not texts.get(name, "").endswith(".")] == []


def test_keys_and_values_are_those_of_the_place() -> None:
    assert "least_per_cell" in known_keys(("draw",), {}, DESIGN)
    assert known_keys(("evaluation_set",), {}, DESIGN) == []
    assert known_values(("draw", "allocation"), {}, DESIGN) == ["equal", "proportional", "decidable"]
    assert known_values(("quotas", 0, "label"), {}, DESIGN) == list(
        typing.get_args(typing.Literal["positive", "negative"])
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed = 7", "sead = 7", "line 9: draw.sead is not a key of a design — did you mean seed?"),
        ("seed = 7", "", "line 6: draw.seed is missing — write seed = …: Decides which cases are drawn"),
        ("size = 500", 'size = "500"', "line 8: draw.size must be a whole number — Cases to draw in all"),
        ("size = 500", "size = 0", "line 8: draw.size must be at least 1 — "),
        ('"decidable"', '"decideable"', 'line 7: draw.allocation = "decideable" is not known — did you'),
        ("[pool]", "[pol]", "line 2: pol is not a key of a design — did you mean pool?"),
        ("[pool]", "[evaluation_set]", "line 2: evaluation_set is not a key of a design"),
        ("[[quotas]]", "[quotas]", "line 19: quotas is not a list of quotas — write [[quotas]] in double brackets"),
        ("cases = 20", "cases = 20\nsize = 3", "line 23: quotas[1].size is not a key of a design — it belongs"),
        ("of = { gender", "of = { sex", "line 19: quotas 1: no [groups.sex] (there is: gender, nationality)"),
        ('copies = "out"', "", 'line 23: duplicates.copies is missing — write copies = "out" or "together"'),
        ('groups = ["gender", "nationality"]', 'groups = ["sex"]', "line 15: rule 1: no [groups.sex] in this design"),
        ('"true_positive_rate"', '"precision"', "line 15: rule 1: cases of precision are known only after"),
        ("margin = 0.1", "", "write exactly one of `margin` (a difference) and `ratio`"),
        ('id = "case_id"', 'id = "exploited"', "line 3: pool.id and pool.label name the same column"),
        ('label = "exploited"\n', 'label = "exploited"\ncluster = "case_id"\n', "line 5: pool.cluster is also the id"),
        ('column = "sex"', 'column = "case_id"', "line 11: groups.gender.column is also the id or the label of a case"),
        ('columns = ["advert"]', 'columns = ["case_id"]', "line 24: duplicates.columns names the id or the label"),
        ('column = "sex"', 'column = "sex"\ncountry = "ITA"', "groups.gender: a relation, and nothing else, needs"),
        ('allocation = "decidable"', 'allocation = "equal"', None),
        ('allocation = "decidable"\nsize = 500', 'allocation = "equal"', "draw.size is missing: allocation ="),
        ('allocation = "decidable"\n', "", "line 7: draw.size: without an allocation the quotas say how"),
        ("schema = 1", "schema = 2", "line 1: schema is 2, which this version cannot read — "),
        ("schema = 1\n", "", "no schema in this design — write schema = 1 at the top"),
        ('label_source = "made"', 'label_source = "write here"', 'line 5: pool.label_source still says "write here"'),
        ("seed = 7", "seed = 2026-11-25", "line 9: draw.seed is a date or time; nothing in a design is"),
        ("seed = 7", "seed = ", "line 9, column 8: not valid TOML: what follows `=` is not"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_place(old: str, new: str, said: str | None) -> None:
    assert old in DESIGN_TEXT
    text = DESIGN_TEXT.replace(old, new, 1)
    if said is None:
        parse_design(text)
        return
    with pytest.raises(PlanError) as caught:
        parse_design(text, name="design.toml")
    message = str(caught.value)
    assert said in message
    assert message.startswith("design.toml")
    assert "\n" not in message
    assert "a plan" not in message


def test_without_allocation_and_quotas_nothing_says_what_to_draw() -> None:
    text = DESIGN_TEXT.replace('allocation = "decidable"\nsize = 500\n', "").partition("[[quotas]]")[0]
    with pytest.raises(PlanError, match=r"draw\.allocation is missing: write equal, proportional or decidable"):
        parse_design(text)


def test_decidable_needs_rules_and_other_allocations_do_not() -> None:
    head, _, rest = DESIGN_TEXT.partition("[[rules]]")
    text = head + "[[quotas]]" + rest.partition("[[quotas]]")[2]
    with pytest.raises(PlanError, match=r'draw.allocation: "decidable" needs \[\[rules\]\]'):
        parse_design(text)
    assert parse_design(text.replace('"decidable"', '"equal"')).rules == ()


def test_a_design_that_is_not_there_or_no_text_is_said_in_its_words(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="no design at"):
        load_design(tmp_path / "absent.toml")
    (tmp_path / "design.toml").write_bytes(b"schema = 1\n\xff")
    with pytest.raises(PlanError, match="line 2: not UTF-8"):
        load_design(tmp_path / "design.toml")


def test_a_design_fits_its_json_schema() -> None:
    schema = design_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(tomllib.loads(DESIGN_TEXT))
    assert not validator.is_valid(tomllib.loads(DESIGN_TEXT.replace("seed = 7", "seed = -1")))


def test_the_digest_is_of_what_a_design_says_and_not_of_how_it_is_written() -> None:
    one = canonical_plan_sha256(parse_design(DESIGN_TEXT))
    same = canonical_plan_sha256(parse_design("# a comment\n" + DESIGN_TEXT.replace("size = 500", "size=500")))
    other = canonical_plan_sha256(parse_design(DESIGN_TEXT.replace("seed = 7", "seed = 8")))
    assert one == same != other
