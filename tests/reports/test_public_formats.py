"""Files for pipelines: each number follows from its row, all say the same, and nobody else's text does anything."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections import Counter
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made.formats import REPORTERS, format_files, in_states, sarif_schema, text_of
from made.printed import NUMBER, expired, follows, hostile, told_of, waived
from made.releases import made_release
from markdown_it import MarkdownIt

from audit.cli.testing.cases import AuditCase
from audit.cli.testing.public_cases import public_cases
from audit.disclosure.public_files import REPORTERS as REGISTERED
from audit.public.cases import PublicCases, RowCase, limit_words
from audit.public.figures import STATES, state_of
from audit.public.finding_list import findings_of, tally_of_rule
from audit.public.names import RowNames
from audit.public.release import PublicChange, PublicRelease, PublicRow, PublicRule
from audit.public.sentences import SENTENCES
from audit.vocabulary.finding import Tally, tally_of
from reports.language import ENGLISH
from reports.rate_words import RateWords

KINDS = ("fail", "pass", "inconclusive", "none", "good", "weighted", "again")
WRONG_WORDS = re.compile(r"\b(un)?(fair|biased|compliant)|not.shown|protected figures", re.IGNORECASE)


def unexplained(text: str, release: PublicRelease, row: PublicRow, rule: PublicRule | None) -> list[str]:
    numbers, shares = told_of(release, row, rule)
    return [number for number in NUMBER.findall(text.replace(row.as_of, "")) if not follows(number, numbers, shares)]


def all_cases(release: PublicRelease) -> list[RowCase]:
    return [case for cases in PublicCases(release).by_rule.values() for case in cases]


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_of_a_case_follows_from_its_row_and_rule(kind: str) -> None:
    release = made_release(kind)
    suites = {suite.get("name"): list(suite.iter("testcase"))[1:] for suite in junit_of(release)}
    for rule_id, cases in PublicCases(release).by_rule.items():
        for case, written in zip(cases, suites[rule_id], strict=True):
            said = [each.get("message", "") for each in written]
            assert said == ([] if case.outcome == "pass" else [case.message])
            assert written.get("name") == case.name
            assert unexplained(case.message, release, case.row, case.rule) == []
            rate = case.rate
            assert rate is not None
            assert "limit " in case.message
            assert (f"numbers of {case.row.as_of}" in case.message) == (kind == "again")
            assert ("; everyone else" in case.numbers) == (rate.rest is not None)
    tests = [case for case in public_cases(release) if case.group is not None]
    for test, case in zip(tests, all_cases(release), strict=True):
        assert test.outcome == case.outcome
        assert unexplained(limit_aside(test, case.rule), release, case.row, case.rule) == []


def all_tallies(release: PublicRelease) -> list[Tally]:
    findings = findings_of(release)
    return [tally_of(findings), *(tally_of_rule(findings, rule.rule) for rule in release.rules)]


def limit_aside(test: AuditCase, rule: PublicRule) -> str:
    """A test's text without names, places in the plan and the margin of the plan."""
    lines = [line for line in test.text.splitlines() if not re.match(r"  (group|plan|limit) ", line)]
    return "\n".join(lines).replace(str(test.group), "").replace(f"{rule.limit * 100:g} points", "")


def test_rows_have_names_that_a_reader_knows() -> None:
    release = made_release("fail")
    names = {row.key: RowNames(release).row(row.parts) for row in release.rows}
    known = {
        "everyone": "Everyone",
        "gender:level=woman": "Women",
        "gender:level=unknown": "Gender unknown",
        "nationality:country=NGA": "Nigeria",
    }
    assert {key: names[key] for key in known} == known
    assert names["gender:level=woman,nationality:country=NGA"] == "Nigeria, women"
    others = {key: name for key, name in names.items() if key.startswith("nationality:") and "=others of " in key}
    assert others
    assert all(name.startswith("Others of ") or name == "Other nationalities" for name in others.values())


def test_a_number_of_another_row_is_found_out() -> None:
    release = made_release("fail")
    case, other = PublicCases(release).failing[:2]
    assert unexplained(other.message, release, case.row, case.rule)


@pytest.mark.parametrize("kind", KINDS)
def test_every_line_of_the_table_is_its_row(kind: str) -> None:
    release = made_release(kind)
    names = RowNames(release)
    lines = list(csv.DictReader(io.StringIO(text_of("groups.csv", release))))
    for row, line in zip(release.rows, lines, strict=True):
        assert (line["side"], line["group"], line["name"]) == (row.side, row.key, names.row(row.parts))
        assert (line["people"], line["errors"]) == (str(row.people), "" if row.errors is None else str(row.errors))
        assert (line["fewer_than"] == "") == (row.fewer_than is None)
        rest = [value for head, value in line.items() if head.endswith("percent")]
        assert unexplained(" ".join(rest), release, row, None) == []
        words = {word.rule: state_of(word) for word in row.words}
        told = {rule.rule: line[f"word under {rule.rule}"] for rule in release.rules if rule.rule in words}
        assert told == {rule: word if told[rule] or word != "not_judged" else "" for rule, word in words.items()}
    for rule in release.rules:
        counted = Counter(line[f"word under {rule.rule}"] for line in lines)
        assert counted["not_judged"] == tally_of_rule(findings_of(release), rule.rule).not_judged_alone


@pytest.mark.parametrize("kind", KINDS)
def test_every_line_of_the_metrics_and_of_the_tables_of_markdown_is_of_its_row(kind: str) -> None:
    release = made_release(kind)
    rows: dict[tuple[str, str], PublicRow] = {(row.side, row.key): row for row in release.rows}
    seen = 0
    for line in text_of("metrics.txt", release).splitlines():
        found = re.match(r'audit_rate\{side="(\w+)",metric="\w+",group="(.*)",figure="\w+"\} ([0-9.]+)$', line)
        if found:
            row, seen = rows[found[1], found[2]], seen + 1
            assert unexplained(f"{Decimal(found[3]) * 100:.1f}", release, row, None) == []
    assert seen == sum(len(told_of(release, row, None)[1]) for row in release.rows)
    failing = PublicCases(release).failing
    for name in ("summary.md", "comment.md"):
        lines = [line for line in text_of(name, release).splitlines() if line.count("|") == 6]
        of_rows = [line for line in lines if "---" not in line and not line.startswith("| Group |")]
        assert len(of_rows) == min(len(failing), 10)
        for line in of_rows:
            named = re.sub(r" \(numbers of [0-9-]+\)$", "", line.removeprefix("| ").partition(" |")[0])
            (case,) = [case for case in failing if case.name == named]
            assert unexplained(line, release, case.row, case.rule) == []


@pytest.mark.parametrize("kind", KINDS)
def test_other_numbers_are_of_the_method_the_rules_or_how_many_rows_there_are(kind: str) -> None:
    release = made_release(kind)
    method = release.method
    tallies = {count for tally in all_tallies(release) for count in dataclasses.astuple(tally)}
    known = {method.row, method.floor, method.largest_change, *tallies, *(rule.judged for rule in release.rules)}
    limits = [rule.limit for rule in release.rules]
    limits += [1 / rule.limit for rule in release.rules if rule.scale == "ratio"]
    for suite in junit_of(release):
        whole = next(suite.iter("testcase"))
        texts = [each.get("message", "") for each in whole]
        texts += [
            each.get("value", "")
            for each in suite.iter("property")
            if each.get("name") not in ("audited", "exact figures")
        ]
        for number in NUMBER.findall(" ".join(texts)):
            assert follows(number, known, limits) or Decimal(number) in {Decimal(str(limit)) for limit in limits}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_a_rule_are_as_many_as_those_beyond_within_and_open(kind: str) -> None:
    lines = [line.split("|") for line in text_of("summary.md", made_release(kind)).splitlines()]
    counted = [[int(cell) for cell in line[3:-1]] for line in lines if len(line) == 9 and line[3].strip().isdecimal()]
    assert len(counted) == len(made_release(kind).rules)
    assert all(rows == sum(states) for rows, *states in counted)


def test_a_ratio_limit_is_read_in_pipelines_as_in_the_reports() -> None:
    rule = next(rule for rule in made_release("fail").rules if rule.scale == "ratio")
    for worse, side in ((("low",), "low"), (("high",), "high"), (("low", "high"), "both")):
        for limit in (0.8, 0.9, 0.75):
            one = rule.model_copy(update={"worse": worse, "limit": limit})
            assert limit_words(one) == RateWords(ENGLISH).limit_of("ratio", limit, side)


def junit_of(release: PublicRelease) -> ET.Element:
    return ET.fromstring(text_of("junit.xml", release))


def run_of(release: PublicRelease) -> dict[str, Any]:
    log = json.loads(text_of("report.sarif.json", release))
    sarif_schema().validate(log)
    (run,) = log["runs"]
    return dict(run)


@settings(max_examples=settings().max_examples // 4)  # each a third of a second: every form of a release
@given(data=st.data())
def test_all_of_them_say_the_same(data: st.DataObject) -> None:
    outcome = data.draw(st.sampled_from(["pass", "inconclusive"]))
    states = data.draw(st.lists(st.sampled_from(STATES), min_size=1, unique=True))
    rng = data.draw(st.randoms(use_true_random=False))
    release = in_states(made_release("inconclusive"), lambda: rng.choice(states), outcome)
    agree(expired(release) if data.draw(st.booleans()) else release)


@pytest.mark.parametrize("kind", KINDS)
def test_those_of_real_audits_say_the_same(kind: str) -> None:
    agree(made_release(kind))
    agree(expired(made_release(kind)))


def agree(release: PublicRelease) -> None:
    """Every file says the same verdict, the same rows beyond a limit, and counts as many of them in each state."""
    outcome, cases = release.headline.outcome, PublicCases(release)
    failing = {(case.rule.rule, case.name) for case in cases.failing}
    findings = findings_of(release)
    verdict, *suites = junit_of(release)
    for suite, rule in zip(suites, release.rules, strict=False):
        of_rule = [one for one in findings if one.rule == rule.rule and one.subject in ("group", "together")]
        counted = Counter(str(one.outcome) for one in of_rule) + Counter([rule.outcome])
        head = [int(suite.get(name, "")) for name in ("tests", "failures", "skipped")]
        assert head == [counted.total(), counted["fail"], counted["inconclusive"]]
        first = list(suite.iter("testcase"))[1 : 1 + sum(case.rule is rule for case in cases.failing)]
        assert all(case.find("failure") is not None for case in first), "what fails comes first"
    fails, past = outcome == "fail", expired_in(release)
    assert (verdict.get("failures") == "1") == fails
    assert (verdict.get("skipped") == "1") == (outcome == "inconclusive" or (outcome == "pass" and past))
    messages = {f"{case.name}: {case.message}".translate(str.maketrans("[]{}", "()()")) for case in cases.failing}
    run, entries = run_of(release), json.loads(text_of("gl-code-quality.json", release))
    assert {one["message"]["text"] for one in run["results"]} >= messages
    critical = {entry["description"] for entry in entries if entry["severity"] == "critical"}
    assert critical >= {f"{case.name}: {case.message}" for case in cases.failing}
    unlike_rows = {
        one.subject for one in findings if one.word == "beyond" and one.subject in ("together", "changed_word")
    }
    assert len(critical) == len({f"{case.name}: {case.message}" for case in cases.failing}) + len(unlike_rows)
    assert any(one["level"] == "error" for one in run["results"]) == fails
    annotations = text_of("annotations.txt", release)
    assert ("\n::error " in annotations) == fails
    metrics = text_of("metrics.txt", release)
    assert f'audit_verdict{{audit_verdict="{outcome}"}} 1' in metrics
    for state in STATES:
        shown = len(re.findall(rf'^audit_group{{.*word="{state}"}} 1$', metrics, re.MULTILINE))
        unnamed = sum(one.subject == "together" for one in findings) * (state == "beyond")
        assert shown == sum(case.state == state for case in all_cases(release)) + unnamed
    tests = public_cases(release)
    assert {(case.rule, case.text.count("beyond the limit") > 0) for case in tests if case.outcome == "fail"} >= {
        (rule, True) for rule, _ in failing
    }
    assert [case.outcome for case in tests if case.rule and case.group is None] == [
        rule.outcome for rule in release.rules
    ]
    assert Counter(case.outcome for case in tests if case.group) == Counter(one.outcome for one in findings)
    written = [prop.get("value") for prop in verdict.iter("property") if prop.get("name") == "findings, row by row"]
    assert written == [str(tally_of(findings))]
    badge = text_of("badge.svg", release)
    for line in (*(text_of(name, release).splitlines()[0] for name in ("summary.md", "comment.md")), badge):
        assert ("Past its expiry" in line) == past
    quiet = (not run["results"], entries == [], "\n::" not in annotations, ">within the limit<" in badge)
    assert quiet == (outcome == "pass" and not past,) * 4, "nothing but a pass is quiet"


def expired_in(release: PublicRelease) -> bool:
    until = release.about.valid_until
    return until is not None and release.about.finished > until


def test_a_fail_without_a_row_a_probe_and_a_change_are_said() -> None:
    base = in_states(made_release("inconclusive"), lambda: "cannot_tell")
    change = PublicChange(outcome="fail", paired=True, baseline_finished="2026-01-02", differs=("scoring",))
    for update, rule_fails, sentence in (
        ({"fails_on": ("groups",), "no_group_named": True}, True, SENTENCES["no_group_named"]),
        ({"fails_on": ("probes",)}, False, SENTENCES["fails_on_probes"]),
        ({"fails_on": ("change",), "change": change}, False, SENTENCES["change_fail"]),
    ):
        rules = tuple(
            rule.model_copy(update={"outcome": "fail" if rule_fails else "inconclusive"}) for rule in base.rules
        )
        headline = base.headline.model_copy(update={"outcome": "fail", **update})
        release = base.model_copy(update={"headline": headline, "rules": rules})
        agree(release)
        for name, content in format_files(release).items():
            if name in ("junit.xml", "comment.md", "summary.md"):
                assert sentence in content.decode(), name


def test_cases_without_an_answer_or_a_label_stand_in_every_form_with_notes() -> None:
    release = made_release("pass").model_copy(update={"unscored": 98, "unlabelled": 1_450})
    for name in ("junit.xml", "report.sarif.json", "summary.md", "comment.md"):
        content = format_files(release)[name].decode()
        assert SENTENCES["unscored"].format(count=98) in content, name
        assert SENTENCES["unlabelled"].format(count=1_450) in content, name
    assert b"usable answer" not in b"".join(format_files(made_release("pass")).values())


def test_without_figures_nothing_is_listed_and_nothing_passes_for_it() -> None:
    release = made_release("none")
    assert release.rows == ()
    verdict, *suites = junit_of(release)
    assert (verdict.get("failures"), verdict.get("skipped")) == ("0", "1")
    assert [(suite.get("tests"), suite.get("skipped")) for suite in suites] == [("1", "1")] * len(release.rules)
    assert SENTENCES["figures_none"] in text_of("comment.md", release)
    assert text_of("groups.csv", release).count("\n") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_that_judges_more_than_was_measured(kind: str) -> None:
    for name, content in format_files(made_release(kind)).items():
        said = content.decode().replace('"fairnessAssessments": ', "")  # a key of CycloneDX
        said = re.sub(r"<style>.*?</style>", "", said, flags=re.DOTALL)  # classes of a letter
        assert not WRONG_WORDS.search(said), name


@pytest.mark.parametrize(("expires", "status"), [("2099-12-31", "accepted"), ("2000-01-01", "rejected")])
def test_a_waiver_is_told_of_beside_its_finding_and_hides_nothing(expires: str, status: str) -> None:
    release = waived(made_release("fail"), expires)
    (found,) = [one["suppressions"] for one in run_of(release)["results"] if "suppressions" in one]
    assert [(one["kind"], one["status"]) for one in found] == [("external", status)]
    said = f"waived by The owner until {expires}"
    for name in (
        "junit.xml",
        "gl-code-quality.json",
        "groups.csv",
        "comment.md",
        "annotations.txt",
        "report.sarif.json",
    ):
        assert said in text_of(name, release), name
    failures = [each.get("failures") for each in junit_of(release)]
    assert failures == [each.get("failures") for each in junit_of(made_release("fail"))]
    mark = " (waived)" if status == "accepted" else " (its waiver has expired)"
    assert text_of("comment.md", release).count(mark) == 1


def placed(release: PublicRelease) -> PublicRelease:
    """The same, of a plan whose place is known."""
    rules = tuple(rule.model_copy(update={"line": 6413 + 10 * at}) for at, rule in enumerate(release.rules))
    about = release.about.model_copy(update={"plan_file": "audits/plan-93.toml"})
    return release.model_copy(update={"rules": rules, "about": about})


def test_a_finding_keeps_its_fingerprint_and_its_place() -> None:
    release = placed(made_release("fail"))
    about = release.about.model_copy(update={"finished": "2026-12-24", "plan_sha256": "11" * 32})
    later = release.model_copy(update={"about": about, "rows": tuple(reversed(release.rows))})
    prints = [
        {
            (one["ruleId"], one["message"]["text"].partition("; numbers of ")[0]): one["partialFingerprints"][
                "auditFinding"
            ]
            for one in run["results"]
        }
        for run in map(run_of, (release, later))
    ]
    assert prints[0] == prints[1]
    assert len(set(prints[0].values())) == len(prints[0]) == len(PublicCases(release).failing)
    other = release.model_copy(update={"about": release.about.model_copy(update={"system": "another"})})
    assert not set(prints[0].values()) & {
        one["partialFingerprints"]["auditFinding"] for one in run_of(other)["results"]
    }
    places = {one["ruleId"]: one["locations"][0]["physicalLocation"] for one in run_of(release)["results"]}
    uri = {"uri": "audits/plan-93.toml"}
    assert places["true_positive_rate"] == {"artifactLocation": uri, "region": {"startLine": 6413}}
    entries = json.loads(text_of("gl-code-quality.json", release))
    assert {entry["location"]["lines"]["begin"] for entry in entries} == {6413, 6423}
    assert "::error file=audits/plan-93.toml,line=6423," in text_of("annotations.txt", release)


@pytest.mark.parametrize(
    "path", ["/srv/x/plan.toml", "../plan.toml", "a/../../b.toml", "C:\\plan.toml", "pl an", "a//b"]
)
def test_no_path_of_a_machine_is_repeated(path: str) -> None:
    release = made_release("fail")
    release = release.model_copy(update={"about": release.about.model_copy(update={"plan_file": path})})
    for name, content in format_files(release).items():
        assert path not in content.decode(), name


PAYLOADS = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</details></summary></svg></title>",
    "[click](http://x.invalid) ![p](http://x.invalid/p.png) <http://x.invalid>",
    "http://x.invalid www.x.invalid x@x.invalid @everyone #1 !2 :tada: $x$",
    "`` ` ``` | a | b |",
    "` [click](http://x.invalid) <b>x</b> `",
    "\n\n# head\n| a |\n|---|\n::error::x\r\n##[error]x",
    "%0A::set-output name=x::y,line=3:",
    '"} 1\naudit_verdict{x="pass"} 1 \\" \\',
    "{0} {{1}} ${{ secrets.X }} [[x]](1)",
    "\u202ereversed\u2066\x00\x1b[31m",
    "&lt;b&gt;&#60; *b* _i_ ~s~ \\",
    '=HYPERLINK("http://x.invalid")',
)


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_what_others_wrote_does_nothing(payload: str) -> None:
    release = hostile(payload)
    files = {name: content.decode() for name, content in format_files(release).items()}
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", "".join(files.values()))
    for name in ("summary.md", "comment.md"):
        check_markdown(files[name], payload)
    commands = [line for line in files["annotations.txt"].splitlines() if line.startswith("::")]
    first, *_, last = files["annotations.txt"].splitlines()
    assert first.startswith("audit: ")
    assert (
        last == "audit: Exact figures, for those who may see the cases: audit7k run plan.toml --restricted --out exact"
    )
    assert len(files["annotations.txt"].splitlines()) == len(commands) + 2
    for line in commands:
        assert re.fullmatch(r"::(?:error|warning|notice) file=plan\.toml,line=\d+,title=[^:,]*::.*", line)
    assert "##[" not in files["annotations.txt"]
    label = r'[a-z_]+="(?:[^"\\\n]|\\["\\])*"'
    for line in files["metrics.txt"].splitlines():
        assert re.fullmatch(rf"# (TYPE|HELP|EOF).*|audit_[a-z_]+(?:\{{{label}(?:,{label})*\}})? [0-9.]+", line), line
    badge = ET.fromstring(files["badge.svg"])
    assert [child.tag.partition("}")[2] for child in badge] == ["title", "rect", "rect", "path", "text", "text"]
    assert not any(set("[]{}") & set(one["message"]["text"]) for one in run_of(release)["results"])
    cells = [cell for row in csv.reader(io.StringIO(files["groups.csv"])) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)
    assert len(junit_of(release)) == 1 + len(release.rules)


def check_markdown(text: str, payload: str) -> None:
    """No markup but ours: read with links found in bare text too, and with HTML let through."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inner} <= {"text", "code_inline", "strong_open", "strong_close", "softbreak"}
    for table in [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]:
        assert {line.count("|") for line in table} == {8 if "Cannot tell" in table[0] else 6}, "as many cells a row"
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert blocks in ([], ["<details><summary>Groups and limits</summary>", "</details>"])
    assert [token.type for token in tokens].count("heading_open") == int(text.startswith("##"))
    plain = "".join(child.content for child in inner if child.type == "text")
    assert not re.search(r"https?:|www\.|@|:tada:|#\d", plain)
    assert payload not in plain


def test_they_stay_small_over_many_rows_and_rules() -> None:
    base = made_release("fail")
    beyond = in_states(base, lambda: "beyond")
    sizes = {name: len(content) for name, content in format_files(beyond).items()}
    assert sizes["summary.md"] < 10_000
    assert sizes["comment.md"] < 10_000
    assert sizes["badge.svg"] < 4_000
    assert max(sizes.values()) < 1_000_000
    rules = tuple(beyond.rules[0].model_copy(update={"rule": f"rule-{n}"}) for n in range(30))
    words = {row: row.words[:1] for row in beyond.rows}
    rows = tuple(
        row.model_copy(
            update={
                "words": tuple(word.model_copy(update={"rule": rule.rule}) for rule in rules for word in words[row])
            }
        )
        for row in beyond.rows
        if row.side == "positives"
    )
    many = beyond.model_copy(update={"rules": rules, "rows": rows})
    lines = text_of("annotations.txt", many).splitlines()
    assert len(lines) == 12
    assert "Further rules" in lines[-2]
    assert len(text_of("summary.md", many)) < 20_000


def test_a_set_of_few_strata_has_few_cases() -> None:
    """At most as many as rows that a rule judges, a case a rule, and the verdict: 24 strata had 1,701."""
    release = made_release("pass")
    assert len({row.key for row in release.rows}) > 24
    cases = int(junit_of(release).get("tests", ""))
    assert cases == 1 + len(release.rules) + sum(map(len, PublicCases(release).by_rule.values()))
    assert cases <= 150


def test_a_row_without_a_word_and_a_rate_is_listed_as_not_judged_alone_as_on_the_page() -> None:
    release = in_states(made_release("inconclusive"), lambda: "not_judged")
    empty = {"value": None, "low": None, "high": None, "at_least": None, "at_most": None, "rest": None}
    rows = tuple(
        row.model_copy(update={"rates": tuple(rate.model_copy(update=empty) for rate in row.rates)})
        for row in release.rows
    )
    without = release.model_copy(update={"rows": rows})
    assert junit_of(without).get("tests") == junit_of(release).get("tests")
    tally = tally_of(findings_of(without))
    assert tally.total == tally.not_judged_alone == int(junit_of(without).get("tests", "")) - 1 - len(release.rules)
    judged = in_states(without, lambda: "beyond")
    assert all(", and no rate in public" in case.message for case in PublicCases(judged).failing if not case.row.few)


def test_they_are_registered_under_names_and_files_of_their_own() -> None:
    files, places = zip(*REGISTERED.values(), strict=True)
    assert len(set(files)) == len(set(places)) == len(REGISTERED)
    release = made_release()
    for form in REPORTERS:
        assert form.content(release), form.name
        assert f"`{form.filename}`" in (form.render.__doc__ or ""), form.name
