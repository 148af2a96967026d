"""Files in forms of other standards: valid there, and every word and number follows from the public release."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from made.formats import cyclonedx_schema, in_states, text_of
from made.printed import NUMBER, expired, follows, hostile, told_of, waived
from made.releases import made_release, made_result

from audit.errors import AuditError
from audit.public.about import PublicAbout, PublicGovernance
from audit.public.cases import PublicCases
from audit.public.finding_list import findings_of, tally_of_rule
from audit.public.release import PublicRelease, public_json
from audit.vocabulary.finding import tally_of
from reports.standards import mapping as mappings
from reports.standards.mapped_files import STATEMENTS, mapped_file

ROOT = Path(__file__).parents[2]
KINDS = ("fail", "pass", "inconclusive", "none", "good", "bound", "weighted", "again")
STANDARD = (
    "test-result.intoto.json",
    "model.cdx.json",
    "croissant.json",
    "atrs.csv",
    "algoritmeregister.csv",
    "fria.csv",
)
GOVERNANCE = PublicGovernance(
    declared_on="2026-01-02",
    office="Office of one",
    role="Head",
    oversight="Two people look at each case.",
    contact="office@example.org",
    appeal="Appeals board",
    consulted=("Survivors",),
    downstream="Police",
    group_data="Kept apart",
    named_patterns=("a pattern",),
    patterns_not_tested=("another",),
    limits_set_on="2026-01-01",
    baseline="none",
    previous_audit="In 2025",
)
CROISSANT = {"@context", "@type", "conformsTo", "description", "name", "distribution"}
"""Properties that Croissant 1.1 requires, but those that no audit knows."""
TO_ADD = {"url", "license", "creator", "datePublished"}
RAI = {
    "dataCollection", "dataCollectionType", "dataCollectionMissingData", "dataCollectionRawData",
    "dataCollectionTimeframe", "dataImputationProtocol", "dataManipulationProtocol", "dataPreprocessingProtocol",
    "dataAnnotationProtocol", "dataAnnotationPlatform", "dataAnnotationAnalysis", "dataReleaseMaintenancePlan",
    "personalSensitiveInformation", "dataSocialImpact", "dataBiases", "dataLimitations", "dataUseCases",
    "annotationsPerItem", "annotatorDemographics", "machineAnnotationTools",
}  # fmt: skip
"""Properties of the Croissant RAI specification 1.0."""
REGISTER = (
    "name", "description_short", "organization", "category", "status", "begin_date", "end_date", "contact_email",
    "website", "publication_category", "url", "goal", "proportionality", "human_intervention", "risks", "lawful_basis",
    "lawful_basis_grouping", "process_index_url", "impacttoetsen_grouping", "impacttoetsen", "source_data",
    "source_data_grouping", "methods_and_models", "provider", "publiccode", "lang", "standard_version", "source_id",
    "tags",
)  # fmt: skip
"""Keys of the configuration 1.0 of the Algoritmeregister that an organisation fills in, in its order."""


def document(name: str, release: PublicRelease) -> Any:
    return json.loads(text_of(name, release))


def lines(name: str, release: PublicRelease) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(name, release))))


def with_about(release: PublicRelease, **values: object) -> PublicRelease:
    return release.model_copy(update={"about": release.about.model_copy(update=values)})


@pytest.mark.parametrize("kind", KINDS)
def test_a_bill_of_materials_is_as_the_published_schema_wants_it(kind: str) -> None:
    cyclonedx_schema().validate(document("model.cdx.json", made_release(kind)))


def test_it_stays_so_whatever_others_wrote() -> None:
    """Waivers and names that are hostile, of an audit past its expiry."""
    cyclonedx_schema().validate(document("model.cdx.json", expired(hostile("\u202e<b>{x}"))))


def test_the_schema_refuses_what_is_none() -> None:
    made = document("model.cdx.json", made_release("fail"))
    made["components"][0]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]["rate"] = "0.5"
    assert list(cyclonedx_schema().iter_errors(made))


@pytest.mark.parametrize("kind", KINDS)
def test_each_rate_in_a_model_card_is_that_of_its_row(kind: str) -> None:
    release = made_release(kind)
    rows = {f"{row.side}: {row.key}": row for row in release.rows}
    card = document("model.cdx.json", release)["components"][0]["modelCard"]
    metrics = card["quantitativeAnalysis"]["performanceMetrics"]
    printed = [
        (f"{row.side}: {row.key}", rate.metric)
        for row in release.rows
        for rate in row.rates
        if {rate.value, rate.at_least, rate.at_most} != {None}
    ]
    assert [(metric["slice"], metric["type"]) for metric in metrics] == printed
    for metric in metrics:
        row = rows[metric["slice"]]
        shares = told_of(release, row, None)[1]
        for number in NUMBER.findall(f"{metric['value']} {metric.get('confidenceInterval', '')}"):
            assert follows(f"{float(number) * 100:.1f}", (), shares), (metric, row)
    assessed = card["considerations"]["fairnessAssessments"]
    failing = PublicCases(release).failing
    assert [one["harms"] for one in assessed[len(release.rules) :]] == [
        f"{case.rule.rule}: {case.message}" for case in failing
    ]
    assert len(assessed) == len(release.rules) + len(failing), "a rule that nobody fails is told of too"


@pytest.mark.parametrize(
    ("kind", "result"), [("fail", "FAILED"), ("pass", "PASSED"), ("inconclusive", "WARNED"), ("none", "WARNED")]
)
def test_a_test_result_has_the_fields_of_its_predicate_and_every_case(kind: str, result: str) -> None:
    release = made_release(kind)
    statement = document("test-result.intoto.json", release)
    assert set(statement) == {"_type", "subject", "predicateType", "predicate"}
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    digest = hashlib.sha256(public_json(release).encode()).hexdigest()
    assert statement["subject"] == [{"name": "release.json", "digest": {"sha256": digest}}]
    predicate = statement["predicate"]
    assert predicate["result"] == result
    assert predicate["configuration"][0]["digest"] == {"sha256": release.about.plan_sha256}
    lists = {"pass": "passedTests", "inconclusive": "warnedTests", "fail": "failedTests"}
    assert set(predicate) == {"result", "configuration", *lists.values()}
    cases = PublicCases(release).by_rule
    for outcome, name in lists.items():
        expected = ["verdict"] if release.headline.outcome == outcome else []
        for rule in release.rules:
            expected += [rule.rule] if rule.outcome == outcome else []
            expected += [f"{rule.rule}: {case.row.key}" for case in cases[rule.rule] if case.outcome == outcome]
        assert sorted(predicate[name]) == sorted(expected)


def test_only_a_pass_that_still_holds_is_passed() -> None:
    late = document("test-result.intoto.json", expired(made_release("pass")))["predicate"]
    assert late["result"] == "WARNED"
    assert "verdict" in late["warnedTests"]
    assert document("test-result.intoto.json", expired(made_release("fail")))["predicate"]["result"] == "FAILED"
    probes = made_release("pass")
    headline = probes.headline.model_copy(update={"outcome": "fail", "fails_on": ("probes",)})
    said = document("test-result.intoto.json", probes.model_copy(update={"headline": headline}))["predicate"]
    assert (said["result"], said["failedTests"]) == ("FAILED", ["verdict", "probes", "probes: a changed word or field"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_set_is_described_in_published_terms_and_leads_to_no_case(kind: str) -> None:
    release = with_about(made_release(kind), period=("2024-01-01", "2025-06-30"))
    made = document("croissant.json", release)
    assert set(made) >= CROISSANT
    assert {name for name in made if name not in CROISSANT} <= {f"rai:{name}" for name in RAI}
    assert made["distribution"] == []
    assert made["rai:dataCollectionTimeframe"] == "2024-01-01/2025-06-30"
    people = {row.people for row in release.rows}
    method = {release.method.row, release.method.floor, release.method.largest_change}
    for number in NUMBER.findall(" ".join(made["rai:dataLimitations"])):
        assert int(number) in people | method
    counted_so = [text for text in made["rai:dataLimitations"] if re.search(": about [0-9]+ (victims|others)$", text)]
    assert len(counted_so) == sum(len(row.parts) < 2 and row.side != "both" for row in release.rows)
    assert made["rai:dataBiases"].startswith("To be filled in by the operator: ")
    assert made["rai:dataUseCases"] == ["Testing: an audit of a system for identifying victims"]
    page = (ROOT / "docs" / "how-to" / "evidence.md").read_text(encoding="utf-8")
    assert not TO_ADD & set(made), "no sentence where a reader expects an address or a day"
    assert all(f"`{name}`" in page for name in TO_ADD), "whoever edits it reads what to add"


def test_a_register_has_the_fields_that_it_publishes() -> None:
    release = made_release("fail")
    assert tuple(line["field"] for line in lines("algoritmeregister.csv", release)[2:]) == REGISTER
    points = [line["field"] for line in lines("fria.csv", release)[2:]]
    assert points == [f"27(1)({letter})" for letter in "abcdef"]
    assert [line["field"] for line in lines("atrs.csv", release)[2:]][:8] == [
        "1",
        "2",
        "3",
        "4",
        "1.1",
        "1.2",
        "1.3",
        "1.4",
    ]


@pytest.mark.parametrize("name", mappings.NAMES)
def test_what_the_audit_does_not_know_says_so_and_whose_duty_it_is(name: str) -> None:
    about, source, *fields = lines(f"{name}.csv", made_release("fail"))
    assert "Duties under the law are the operator's, and nothing here says that they are met." in about["text"]
    assert "http" not in source["text"]
    known = mappings.read_mapping(mappings.mapping_text(name), name)
    for asked, line in zip(known.field, fields, strict=True):
        assert line["text"], "no cell is empty"
        assert (line["text"] == known.nothing) == (not asked.text or asked.text.strip("{}") in {
            "governance.contact", "governance.office", "governance.role", "governance.appeal"
        })  # fmt: skip
        assert line["to be filled in"] == (f"{known.to_fill}: {asked.operator}" if asked.operator else "")
        assert "{" not in line["text"]


@pytest.mark.parametrize("name", mappings.NAMES)
def test_what_is_declared_stands_in_its_field(name: str) -> None:
    release = with_about(waived(made_release("fail"), "2099-12-31"), governance=GOVERNANCE, valid_until="2027-12-31")
    said = text_of(f"{name}.csv", release)
    known = mappings.mapping_text(name).decode()
    for key, value in GOVERNANCE.model_dump().items():
        if f"{{governance.{key}}}" in known:
            assert (", ".join(value) if isinstance(value, tuple) else value) in said
    assert "Two people look at each case." in said


@pytest.mark.parametrize("name", mappings.NAMES)
def test_a_lawyer_reads_words_and_no_codes(name: str) -> None:
    """No name of a metric, a use or a harm as a plan writes it."""
    release = made_release("fail")
    said = "\n".join(line["text"] for line in lines(f"{name}.csv", release)[2:])
    assert not re.search(r"\b((?<!is )missed|hotline-triage|victim-identification)$|_rate\b", said, re.MULTILINE)
    tally = tally_of_rule(findings_of(release), "true_positive_rate")
    assert (
        "share of victims found: at most 10 percentage points below everyone else; in this test at least one group is"
        " beyond it. Rows that are public, each a group or several small ones:"
        f" {tally}."
    ) in said
    assert "share of non-victims wrongly flagged: at most 1.25 times the rate of everyone else; in this test" in said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", mappings.NAMES)
def test_each_number_in_a_register_follows_from_a_row_a_rule_or_the_method(name: str, kind: str) -> None:
    release = made_release(kind)
    cases, method = PublicCases(release), release.method
    messages = {f"{case.name}: {case.message}" for case in cases.failing}
    findings = findings_of(release)
    tallies = {count for rule in release.rules for count in dataclasses.astuple(tally_of_rule(findings, rule.rule))}
    people = {row.people for row in release.rows if not row.parts}
    further = {max(len(messages) - 10, 0)}
    known = {method.row, method.floor, method.largest_change, *tallies, *people, *further}
    known |= {rule.judged for rule in release.rules}
    limits = [end for rule in release.rules for end in (rule.limit, 1 / rule.limit)]
    template = " ".join(
        f"{one.text} {one.name}" for one in mappings.read_mapping(mappings.mapping_text(name), "").field
    )
    seen = 0
    for line in lines(f"{name}.csv", release)[2:]:
        for said in _without(line["text"], release.about.finished, release.about.decision).split("\n"):
            if (
                said.removesuffix(f" and {max(further)} more") in messages
            ):  # its numbers are tested beside those of JUnit
                seen += 1
                continue
            for number in NUMBER.findall(said):
                assert number in template or follows(number, known, limits) or float(number) in limits, said
    assert seen == (min(len(messages), 10) if "{groups}" in template else 0)


def _without(text: str, *declared: str) -> str:
    for each in declared:
        text = text.replace(each, "")
    return text


@pytest.mark.parametrize("kind", ["fail", "good", "bound"])
def test_no_exact_number_is_in_any_of_them(kind: str) -> None:
    """Three digits and more, of every group there is, that no printed number happens to be."""
    release, exact = (
        made_release(kind),
        set(map(int, re.findall(r"\b\d{3,}\b", json.dumps(_counts(made_result(kind)))))),
    )
    tally = str(tally_of(findings_of(release)))
    public = set(map(int, re.findall(r"\d{3,}", public_json(release) + tally)))
    forms = " ".join(mappings.mapping_text(name).decode() for name in mappings.NAMES)
    hidden = exact - public - set(map(int, re.findall(r"\d{3,}", forms)))
    assert len(hidden) > 20
    for name in STANDARD:
        text = re.sub(r"\b[0-9a-f]{64}\b|urn:uuid:[0-9a-f-]+", "", text_of(name, release))
        found = set(map(int, re.findall(r"(?<![\d.])\d{3,}(?![\d.])", text)))
        assert not found & hidden, name


def _counts(result: Any) -> Any:
    return json.loads(result.model_dump_json())["counts"]


@pytest.mark.parametrize("name", STANDARD)
def test_the_same_release_makes_the_same_bytes_and_no_clock_enters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    release = made_release("fail")
    first = text_of(name, release)
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert text_of(name, PublicRelease.model_validate_json(public_json(release))) == first


def test_places_are_texts_of_the_release_or_statements_and_each_is_filled() -> None:
    assert set(STATEMENTS) == set(mappings.STATED)
    assert "about.plan_file" not in mappings.PLACES
    release = with_about(waived(made_release("fail"), "2099-12-31"), governance=GOVERNANCE, system="S", auditor="A")
    release = with_about(
        release,
        limits_set_by="B",
        valid_until="2027-01-01",
        respond_by="2027-02-01",
        period=("2024-01-01", "2025-01-01"),
        without_figures=("x",),
    )
    release = with_about(release, features=("x",), sensitive_features_used=("y",), asked=("z",), formats=("json",))
    written = "\n".join(f'[[field]]\nfield = "x"\nname = "{place}"\ntext = "{{{place}}}"' for place in mappings.PLACES)
    own = mappings.read_mapping(
        f'standard = "s"\nsource = "s"\nchecked = "c"\nnothing = "NIL"\n{written}'.encode(), "own"
    )
    said = {line["name"]: line["text"] for line in csv.DictReader(io.StringIO(mapped_file(release, own)))}
    assert not [place for place, text in said.items() if text == "NIL"]
    assert set(mappings.PLACES) <= set(said)
    parts = {f"about.{name}" for name in PublicAbout.model_fields} | {
        f"governance.{n}" for n in PublicGovernance.model_fields
    }
    assert parts >= set(mappings.PLACES) - set(mappings.STATED)


HEAD = b'standard = "s"\nsource = "s"\nchecked = "c"\n'
FIELD = b'[[field]]\nfield = "1"\nname = "Name"\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "own.toml is no mapping at standard"),
        (b"\xff", "own.toml is no mapping"),
        (b"a" * 70_000, "own.toml is no mapping"),
        (b".".join([b"a"] * 30_000) + b"=1", "own.toml is no mapping"),
        (b"[" * 5_000, "own.toml is no mapping"),
        (HEAD, "own.toml is no mapping at field"),
        (HEAD + b"field = []", "own.toml is no mapping at field"),
        (HEAD + FIELD + b'text = "x"\noperatr = "y"', "own.toml is no mapping at field.1.operatr"),
        (HEAD + FIELD + b'text = "x"\n' + FIELD + b"text = 1", "own.toml is no mapping at field.2.text"),
        (HEAD + FIELD, "own.toml: the field Name has neither text nor operator"),
        (HEAD + FIELD + b'text = "{about.ownr}"', 'own.toml: the field Name names "about.ownr", which is no place'),
        (HEAD + FIELD + b'text = "{about.plan_file}"', 'names "about.plan_file"'),
        (HEAD + FIELD + b'text = "{about.__class__}"', 'names "about.__class__"'),
        (HEAD + FIELD + b'text = "{}"', 'names ""'),
        (HEAD + FIELD + b'text = "{counts}"', 'names "counts"'),
    ],
)
def test_a_mapping_that_is_none_is_one_line(content: bytes, said: str) -> None:
    with pytest.raises(AuditError) as caught:
        mappings.read_mapping(content, "own.toml")
    assert said in caught.value.message
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("state", ["cannot_tell", "smaller_beyond"])
def test_where_nobody_can_tell_no_file_reads_like_a_pass(state: Any) -> None:
    release = in_states(made_release("fail"), lambda: state)
    said = {name: text_of(name, release) for name in STANDARD}
    words = {"cannot_tell": "cannot tell", "smaller_beyond": "beyond the limit"}[state]
    for name in ("model.cdx.json", "fria.csv", "atrs.csv", "algoritmeregister.csv"):
        assert words in said[name]
    assert '"result": "PASSED"' not in said["test-result.intoto.json"]


def cells(texts: Iterable[Mapping[str, str]]) -> list[str]:
    return [cell for line in texts for cell in line.values()]


def test_no_cell_is_a_formula() -> None:
    for name in mappings.NAMES:
        release = hostile('=HYPERLINK("http://x.invalid")')
        release = with_about(release, owner="+1", governance=GOVERNANCE.model_copy(update={"contact": "@x\n=1"}))
        for cell in cells(lines(f"{name}.csv", release)):
            assert not any(part.startswith(("=", "+", "-", "@", "\t", "\r")) for part in cell.split("\n"))


def test_none_is_told_from_not_known() -> None:
    """A model whose columns are known has none that is sensitive; of answers in a file nobody knows."""
    own = mappings.read_mapping(
        HEAD + b"".join(FIELD + b'text = "{%s}"\n' % place for place in (b"given", b"patterns", b"waivers")), "own.toml"
    )

    def said(**values: object) -> list[str]:
        written = csv.DictReader(io.StringIO(mapped_file(with_about(made_release("fail"), **values), own)))
        return [line["text"] for line in written][2:]

    empty = own.nothing
    assert said(features=(), governance=None) == [empty, empty, "none"]
    some = GOVERNANCE.model_copy(update={"patterns_not_tested": ()})
    assert said(features=("age", "sex"), sensitive_features_used=("sex",), governance=some) == [
        "age, sex; sensitive among them: sex", "a pattern; no limit is about: none", "none",
    ]  # fmt: skip
    assert said(features=("age",), governance=GOVERNANCE)[:2] == [
        "age; sensitive among them: none", "a pattern; no limit is about: another",
    ]  # fmt: skip
