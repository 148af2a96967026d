"""A `release.json` that somebody hands on: read as it was written, and refused where it was changed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from made.releases import made_release

from audit.cli.pages.json_schemas import (
    chain_schema,
    design_schema,
    findings_schema,
    plan_schema,
    release_schema,
    result_schema,
)
from audit.disclosure.read import load_release, parse_release
from audit.errors import ResultError
from audit.plan.audit_plan import PLAN_SCHEMA
from audit.plan.sampling_design import DESIGN_SCHEMA
from audit.public.findings_document import FINDINGS_SCHEMA, findings_file
from audit.public.release import METHOD_VERSION, PublicRelease, public_json
from audit.result.audit_result import SCHEMA_VERSION
from audit.verdicts.changes.chain import CHAIN_SCHEMA


def changed(kind: str = "fail", **of_row: Any) -> bytes:
    """A release whose first row with numbers of its own is another one."""
    release = made_release(kind)
    at = next(at for at, row in enumerate(release.rows) if row.parts and row.errors is not None)
    row = release.rows[at].model_copy(update=of_row)
    rows = (*release.rows[:at], row, *release.rows[at + 1 :])
    return public_json(release.model_copy(update={"rows": rows})).encode()


@pytest.mark.parametrize("kind", ["fail", "pass", "inconclusive", "none", "good", "bound", "weighted", "again"])
def test_what_is_written_is_read_back(kind: str, tmp_path: Path) -> None:
    release = made_release(kind)
    path = tmp_path / "release.json"
    path.write_text(public_json(release))
    assert load_release(path) == (release, path.read_bytes())


@pytest.mark.parametrize(
    ("of_row", "wrong"),
    [
        ({"people": 12}, "a number below the floor"),
        ({"errors": 9}, "a number below the floor"),
        ({"errors": 40}, "a rate that its people and errors do not give"),
        ({"people": 6170}, "a rate that its people and errors do not give"),
        ({"rates": ()}, ""),
        ({"as_of": "yesterday"}, "a date"),
        ({"few": "errors"}, "a number below the floor"),
    ],
)
def test_a_number_that_was_changed_by_hand_is_refused(of_row: dict[str, Any], wrong: str) -> None:
    if not wrong:
        assert parse_release(changed(**of_row)).rows  # what follows could have been changed too: nothing is signed
        return
    with pytest.raises(ResultError, match=wrong) as refused:
        parse_release(changed(**of_row))
    assert refused.value.slug == "changed-release"


def test_a_share_beyond_all_is_refused() -> None:
    rate = next(row for row in made_release("fail").rows if row.rates).rates[0].model_copy(update={"value": 1.5})
    with pytest.raises(ResultError, match="a rate is none"):
        parse_release(changed(rates=(rate,)))


def test_a_release_whose_verdict_rules_and_words_disagree_is_refused() -> None:
    release = made_release("fail")
    headline = release.headline.model_copy(update={"outcome": "pass", "fails_on": ()})
    kept_rules = release.model_copy(update={"headline": headline})
    with pytest.raises(ResultError, match="its verdict and a rule that fails"):
        parse_release(public_json(kept_rules).encode())
    rules = tuple(rule.model_copy(update={"outcome": "pass"}) for rule in release.rules)
    with pytest.raises(ResultError, match="a row beyond the limit of a rule that does not fail"):
        parse_release(public_json(kept_rules.model_copy(update={"rules": rules})).encode())


def test_other_bytes_for_the_same_numbers_are_refused() -> None:
    content = json.dumps(json.loads(public_json(made_release("none"))), indent=1).encode()
    with pytest.raises(ResultError, match="bytes"):
        parse_release(content)


def test_a_verdict_that_does_not_fit_what_fails_is_refused() -> None:
    release = made_release("fail")
    headline = release.headline.model_copy(update={"outcome": "pass"})
    with pytest.raises(ResultError, match="verdict"):
        parse_release(public_json(release.model_copy(update={"headline": headline})).encode())


@pytest.mark.parametrize(
    ("document", "slug"),
    [
        ({"table": {"method": {"version": 1}}}, "older-release"),
        ({"method": {"version": 3}}, "newer-release"),
        ({"method": {"version": True}}, "not-a-release"),
        ({}, "not-a-release"),
        ([], "not-a-release"),
    ],
)
def test_other_versions_are_named(document: object, slug: str) -> None:
    with pytest.raises(ResultError) as refused:
        parse_release(json.dumps(document).encode())
    assert refused.value.slug == slug
    if slug == "older-release":
        assert "publish the audit again" in (refused.value.hint or "")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text(public_json(made_release("none")))
    (tmp_path / "release.json").symlink_to(tmp_path / "there.json")
    with pytest.raises(ResultError, match="cannot be read"):
        load_release(tmp_path / "release.json")


def test_the_form_has_no_place_for_an_exact_number() -> None:
    """Whoever adds a field to a row decides that it tells of no person."""
    fields = set(PublicRelease.model_fields["rows"].annotation.__args__[0].model_fields)  # type: ignore[union-attr]
    assert fields == {
        "side", "parts", "total", "people", "errors", "few", "fewer_than", "as_of", "rates", "words",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["none", "fail", "good"])
def test_a_release_follows_the_published_schema(kind: str) -> None:
    schema = release_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(public_json(made_release(kind)))
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "key": "0" * 64}, schema)


@pytest.mark.parametrize("kind", ["none", "fail", "pass"])
def test_findings_follow_the_published_schema_and_are_those_of_the_release(kind: str) -> None:
    schema = findings_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    release = made_release(kind)
    document = json.loads(findings_file(release))
    jsonschema.validate(document, schema)
    assert document["outcome"] == release.headline.outcome
    of_rows = {row.key for row in release.rows}
    assert {entry["who"] for entry in document["findings"] if entry["subject"] == "group"} <= of_rows
    words = Counter(entry["word"] for entry in document["findings"])
    assert {word: count for word, count in document["tally"].items() if word in words} == words
    assert sum(words.values()) == sum(count for word, count in document["tally"].items() if word != "smaller_groups")


def test_the_names_of_schemas_have_their_versions() -> None:
    assert plan_schema()["$id"] == f"urn:audit7k:plan:{PLAN_SCHEMA}"
    assert design_schema()["$id"] == f"urn:audit7k:design:{DESIGN_SCHEMA}"
    assert result_schema()["$id"] == f"urn:audit7k:result:{SCHEMA_VERSION}"
    assert release_schema()["$id"] == f"urn:audit7k:release:{METHOD_VERSION}"
    assert findings_schema()["$id"] == f"urn:audit7k:findings:{FINDINGS_SCHEMA}"
    assert chain_schema()["$id"] == f"urn:audit7k:chain:{CHAIN_SCHEMA}"
