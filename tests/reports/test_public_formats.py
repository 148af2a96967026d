"""Files for pipelines: they agree with the headline, pass the gates, and let nobody else's text do anything."""

from __future__ import annotations

import json
import re
from typing import Any, Literal
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made.disclosure import changed_text
from made.formats import REPORTERS, format_files, sarif_schema, text_of
from made.pages import find_all, parsed, text
from made.public import bands, hostile, made, sizes_alone
from made.tallies import surfaces_agree
from markdown_it import MarkdownIt

from audit.disclosure.explain import blank, refuse_unexplained, unexplained
from audit.disclosure.gates import refuse_unless_rendered_again
from audit.errors import RefusedReleaseError
from audit.public.figures import STATES, each_people_once
from audit.public.sentences import NO_WORDS, SENTENCES
from audit.public.table import PublicRelease, PublicWord, group_key, has_words, why_no_rates
from audit.vocabulary.groups import LevelName
from reports.public.csv_file import PublicCsvReporter
from reports.public.html import PublicHtmlReporter
from reports.public.junit_file import PublicJunitReporter
from reports.public.pipeline_reading import PipelineReading

KINDS = ("small", "unnamed", "undecided", "passing", "refused")
WRONG_WORDS = re.compile(r"\b(un)?(fair|biased|compliant)", re.IGNORECASE)
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
)


def run_of(release: PublicRelease) -> dict[str, Any]:
    log = json.loads(text_of("report.sarif.json", release))
    sarif_schema().validate(log)
    (run,) = log["runs"]
    return dict(run)


def lined(release: PublicRelease) -> PublicRelease:
    """The same, of a plan whose place is known, and with rules whose ids have numbers."""
    new = {rule.rule: f"{rule.rule}-{place}" for place, rule in enumerate(release.rules, start=71)}
    rules = tuple(
        rule.model_copy(update={"rule": new[rule.rule], "line": line})
        for rule, line in zip(release.rules, (6413, 8527), strict=True)
    )
    words = tuple(word.model_copy(update={"rule": new[word.rule]}) for word in release.words)
    about = release.about.model_copy(update={"plan_file": "audits/plan-93.toml", "formats": ("json",)})
    return release.model_copy(update={"rules": rules, "words": words, "about": about})


def renamed(release: PublicRelease, ending: str) -> PublicRelease:
    """The same with an ending on the name of each level."""

    def of(level: LevelName) -> LevelName:
        return level.model_copy(update={"name": level.name + ending})

    features = tuple(
        feature.model_copy(update={"levels": tuple(map(of, feature.levels))}) for feature in release.table.features
    )
    return release.model_copy(update={"table": release.table.model_copy(update={"features": features})})


def all_below(release: PublicRelease) -> PublicRelease:
    words = tuple(word.model_copy(update={"word": "below", "why": "beyond_limit"}) for word in release.words)
    headline = release.headline.model_copy(update={"outcome": "fail", "fails_on": ("groups",)})
    return release.model_copy(update={"words": words, "headline": headline})


def expired(release: PublicRelease) -> PublicRelease:
    return release.model_copy(update={"about": release.about.model_copy(update={"valid_until": "2026-01-31"})})


@pytest.mark.parametrize(
    ("kind", "past"),
    [*((kind, False) for kind in (*KINDS, "sparse", "sizes alone")), ("passing", True), ("small", True)],
)
def test_what_comes_next_is_said_in_the_words_of_the_page(kind: str, past: bool) -> None:
    release = sizes_alone("fail", "weighted") if kind == "sizes alone" else made(kind)
    release = expired(release) if past else release
    (line,) = [
        each for each in find_all(parsed(PublicHtmlReporter().render(release)), "p") if each.get("class") == "next"
    ]
    said = text(line).removeprefix("What comes next. ")
    assert f"**What comes next.** {said}\n" in text_of("summary.md", release)
    assert text_of("comment.md", release).splitlines()[0].endswith(f".** {said}")
    passes_expired = past and release.headline.outcome == "pass"
    assert said.endswith("this audit is past its expiry.") == passes_expired


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_is_explained(kind: str) -> None:
    release = lined(made(kind))
    refuse_unexplained(format_files(release), format_files(blank(release)), release)


ENDINGS = ("", " 18-29", " 2.5", " 1,000", " a7", " \u202e", " \u200f", "\u200b9", "\ufeff", " \u0663", "[U+202E]")


@pytest.mark.parametrize("ending", ENDINGS, ids=ascii)
def test_names_with_numbers_are_explained_or_not_printed(ending: str) -> None:
    release = lined(all_below(renamed(made("small"), ending)))
    files = format_files(release)
    assert unexplained(files, format_files(blank(release)), release) == []
    assert (b"Nepal" in files["summary.md"]) == (ending in ("", " 18-29", " \u0663"))


def for_people(release: PublicRelease) -> dict[str, bytes]:
    """Page, table and suites, by their names."""
    reporters = (PublicHtmlReporter(), PublicCsvReporter(), PublicJunitReporter())
    return {one.filename: one.render(release).encode() for one in reporters}


@pytest.mark.parametrize("ending", [" 18-29", " a7", " \u200f", "\u200b9", " \u0663", "[U+202E]"], ids=ascii)
def test_so_are_those_of_page_table_and_suites(ending: str) -> None:
    """A level as a plan writes it is both name and code, and the code stands in the key of each row."""
    bands_of = bands().model_dump_json().replace("18-29", json.dumps(f"north{ending}")[1:-1])
    release = all_below(PublicRelease.model_validate_json(bands_of))
    files = {**for_people(release), **format_files(release)}
    assert unexplained(files, {**for_people(blank(release)), **format_files(blank(release))}, release) == []
    text = "".join(content.decode() for content in files.values())
    assert not re.search("[\u200b\u200e\u200f\u202a-\u202e\ufeff]", text)
    links = unquote(files["report.html"].decode())
    assert not re.search("[\u200b\u200e\u200f\u202a-\u202e\ufeff]", links)


def test_bands_of_age_are_named() -> None:
    release = all_below(bands())
    files = format_files(release)
    refuse_unexplained(files, format_files(blank(release)), release)
    assert b"18-29, woman" in files["report.sarif.json"]


def test_a_fresh_process_makes_the_same_bytes() -> None:
    release = lined(made("small"))
    refuse_unless_rendered_again(format_files(release), release, "made.formats:format_files")


def planted_at() -> list[tuple[str, str, str]]:
    run = run_of(made("small"))
    text = run["results"][0]["message"]["text"]
    line = next(line for line in text_of("metrics.txt", made("small")).splitlines() if 'figure="rate"' in line)
    return [
        ("report.sarif.json", text, f"{text} of 4711"),
        ("report.sarif.json", '"startLine": 1\n', '"startLine": 4711\n'),
        ("gl-code-quality.json", text, f"{text} of 4711"),
        ("gl-code-quality.json", '"begin": 1\n', '"begin": 4711\n'),
        ("summary.md", "| Nepal, woman |", "| Nepal, woman 4711 |"),
        ("comment.md", "| Nepal, woman |", "| Nepal, woman 4711 |"),
        ("annotations.txt", "In this test", "4711 in this test"),
        ("metrics.txt", line, line + "4711"),
        ("badge.svg", "<title", '<title data-n="4711"'),
    ]


@pytest.mark.parametrize("place", range(9))
def test_an_exact_number_is_refused_wherever_it_is_planted(place: int) -> None:
    name, old, new = planted_at()[place]
    release = made("small")
    files = changed_text(format_files(release), name, old, new)
    with pytest.raises(RefusedReleaseError, match=re.escape(name)):
        refuse_unexplained(files, format_files(blank(release)), release)


def test_the_number_of_another_group_is_refused() -> None:
    """A rate that is right in one row is wrong in another: the property bag names the row in SARIF."""
    release = made("small")
    results = run_of(release)["results"]
    one, other = (result["message"]["text"] for result in results[:2])
    theirs = re.search(r"rate \d+% .*", other)
    assert theirs is not None
    mixed = one[: one.index("rate")] + theirs[0]
    for name in ("report.sarif.json", "gl-code-quality.json"):
        with pytest.raises(RefusedReleaseError, match=re.escape(results[0]["message"]["properties"]["group"])):
            refuse_unexplained(
                changed_text(format_files(release), name, one, mixed), format_files(blank(release)), release
            )


OUTCOMES: tuple[Literal["pass", "fail", "inconclusive"], ...] = ("pass", "fail", "inconclusive")


@settings(max_examples=settings().max_examples // 4)  # each half a second: every form of a release
@given(data=st.data())
def test_all_of_them_say_what_the_headline_says(data: st.DataObject) -> None:
    base = made("tiny")
    outcome = data.draw(st.sampled_from(OUTCOMES))
    kinds = STATES if outcome == "fail" else STATES[1:]
    drawn = data.draw(st.lists(st.sampled_from(kinds), min_size=len(base.words), max_size=len(base.words)))
    words = tuple(in_state(word, state) for word, state in zip(base.words, drawn, strict=True))
    fails_on = data.draw(st.sampled_from([("groups",), ("probes",), ("groups", "probes")])) if outcome == "fail" else ()
    if "groups" not in fails_on:
        words = tuple(in_state(word, "cannot_tell") if word.word == "below" else word for word in words)
    below = {(word.rule, group_key(word.group)) for word in each_people_once(words) if word.word == "below"}
    headline = base.headline.model_copy(
        update={"outcome": outcome, "fails_on": fails_on, "no_group_named": "groups" in fails_on and not below}
    )
    release = base.model_copy(update={"words": words, "headline": headline})
    agree(expired(release) if data.draw(st.booleans()) else release, below)


WHY = {"below": "beyond_limit", "meets": "within_limit", "cannot_tell": "limit_not_excluded"}


def in_state(word: PublicWord, state: str) -> PublicWord:
    """The word of a group in another state."""
    said = {"word": state, "why": WHY[state]} if state in WHY else {"word": "cannot_tell", "why": "rate_not_shown"}
    return word.model_copy(update=said)


def agree(release: PublicRelease, below: set[tuple[str, str]]) -> None:
    """Every file says the same verdict and the same groups, and counts as many of them in each state."""
    surfaces_agree(release)
    outcome = release.headline.outcome
    is_expired = PipelineReading(release).is_expired
    junit = ET.fromstring(PublicJunitReporter().render(release))
    cases = {
        (case.get("classname"), case.get("name")) for case in junit.iter("testcase") if case.find("failure") is not None
    }
    run, entries = run_of(release), json.loads(text_of("gl-code-quality.json", release))
    sarif = {
        (one["ruleId"], one["message"]["properties"]["group"])
        for one in run["results"]
        if "properties" in one["message"]
    }
    assert {case for case in cases if case[0] != "verdict"} == below == sarif
    assert {(entry["check_name"], entry["group"]) for entry in entries if "group" in entry} == below
    fails = outcome == "fail"
    assert ("verdict", "verdict over the whole set") in cases if fails else not cases
    assert any(one["level"] == "error" for one in run["results"]) == fails
    assert any(entry["severity"] in ("blocker", "critical") for entry in entries) == fails
    annotations = text_of("annotations.txt", release)
    assert ("\n::error " in annotations) == fails
    assert f'audit_verdict{{audit_verdict="{outcome}"}} 1' in text_of("metrics.txt", release)
    first = [text_of(name, release).splitlines()[0] for name in ("summary.md", "comment.md")]
    said = {"fail": "Exceeds the limit", "pass": "Within the limit", "inconclusive": "cannot tell"}
    badge = text_of("badge.svg", release)
    for one in OUTCOMES:
        assert all((said[one] in line) == (one == outcome) for line in first)
    for line in (*first, badge):
        assert ("Past its expiry" in line) == is_expired
    quiet = (not run["results"], entries == [], "\n::" not in annotations, ">within the limit<" in badge)
    assert quiet == ((outcome == "pass" and not is_expired),) * 4, "nothing but a pass is quiet"


def test_a_fail_without_a_name_a_refusal_and_a_probe_are_said() -> None:
    probes = made("small").headline.model_copy(update={"fails_on": ("probes",), "no_group_named": False})
    of_probes = blank(made("small")).model_copy(update={"headline": probes})
    nobody = made("small").headline.model_copy(update={"no_group_named": True})
    unnamed = blank(made("small")).model_copy(update={"headline": nobody})
    for release, sentence in (
        (unnamed, SENTENCES["no_group_named"]),
        (made("refused"), SENTENCES["figures_refused"]),
        (of_probes, SENTENCES["fails_on_probes"]),
    ):
        files = format_files(release)
        for name in set(files) - {"metrics.txt"}:
            assert sentence in files[name].decode(), name
        agree(release, set())
    assert 'audit_figures{audit_figures="refused"} 1' in text_of("metrics.txt", made("refused"))


@pytest.mark.parametrize("flags", ["weighted", "clustered", "weighted clustered", "weighted clustered once"])
def test_sizes_without_words_are_told_as_such_and_counted_nowhere(flags: str) -> None:
    """ "0 beyond the limit" under a fail would read like a finding, and the figures do not hide a name: there are none.

    What is said in its place has no number, so that the gate has nothing to explain.
    """
    release = sizes_alone("fail", *flags.split())
    assert release.headline.no_group_named
    assert not has_words(release)
    files = format_files(release)
    refuse_unexplained(files, format_files(blank(release)), release)
    why = [SENTENCES[name] for name in why_no_rates(release)]
    for name, content in {**files, "junit.xml": PublicJunitReporter().render(release).encode()}.items():
        text = content.decode()
        assert SENTENCES["no_group_named"] not in text, name
        assert name == "metrics.txt" or all(sentence in text for sentence in why), name
    for name in ("summary.md", "comment.md"):
        text = files[name].decode()
        assert text.count(f" | {NO_WORDS} |") == len(release.rules)
        assert "beyond the limit" not in text
        assert "| 0 |" not in text
    assert "audit_group" not in files["metrics.txt"].decode()
    assert "audit_protected_rate" not in files["metrics.txt"].decode()
    agree(release, set())


def test_a_rule_without_words_is_one_skipped_case() -> None:
    for release in (sizes_alone("fail", "weighted"), made("refused")):
        verdict, *suites = ET.fromstring(PublicJunitReporter().render(release)).iter("testsuite")
        assert verdict.get("failures") == "1"
        assert [suite.get("name") for suite in suites] == [rule.rule for rule in release.rules]
        for suite in suites:
            assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("1", "0", "1")
            assert [case.get("message") for case in suite.iter("skipped")] == [NO_WORDS]


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_that_judges_more_than_was_measured(kind: str) -> None:
    for name, content in format_files(made(kind)).items():
        assert not WRONG_WORDS.search(content.decode()), name
        if name not in ("metrics.txt", "gl-code-quality.json") or kind != "passing":
            assert "in this test" in content.decode().lower(), name


def test_a_finding_keeps_its_fingerprint_and_its_place() -> None:
    release = lined(made("small"))
    later = release.model_copy(
        update={
            "about": release.about.model_copy(update={"finished": "2026-12-24", "plan_sha256": "11" * 32}),
            "words": tuple(reversed(release.words)),
        }
    )
    prints = [
        {
            (one["ruleId"], one["message"]["text"]): one["partialFingerprints"]["primaryLocationLineHash"]
            for one in run_of(each)["results"]
        }
        for each in (release, later)
    ]
    assert prints[0] == prints[1]
    assert len(set(prints[0].values())) == len(prints[0]) == 6
    assert not any(re.search(r"\d", one) for one in prints[0].values())
    other = release.model_copy(update={"about": release.about.model_copy(update={"system": "another"})})
    assert not set(prints[0].values()) & {
        one["partialFingerprints"]["auditFinding"] for one in run_of(other)["results"]
    }
    places = {one["ruleId"]: one["locations"][0]["physicalLocation"] for one in run_of(release)["results"]}
    assert places["true_positive_rate-71"] == {
        "artifactLocation": {"uri": "audits/plan-93.toml"},
        "region": {"startLine": 6413},
    }
    entries = json.loads(text_of("gl-code-quality.json", release))
    assert {entry["location"]["lines"]["begin"] for entry in entries} == {1, 6413, 8527}
    assert "::error file=audits/plan-93.toml,line=8527," in text_of("annotations.txt", release)


@pytest.mark.parametrize(
    "path", ["/srv/x/plan.toml", "../plan.toml", "a/../../b.toml", "C:\\plan.toml", "pl an", "a//b"]
)
def test_no_path_of_a_machine_is_repeated(path: str) -> None:
    release = made("small")
    release = release.model_copy(update={"about": release.about.model_copy(update={"plan_file": path})})
    for name, content in format_files(release).items():
        assert path not in content.decode(), name


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_what_others_wrote_does_nothing(payload: str) -> None:
    release = all_below(hostile(payload, "tiny"))
    named = release.about.model_copy(update={"without_figures": (payload,)})
    release = release.model_copy(update={"about": named})
    made_files = format_files(release)
    refuse_unexplained(made_files, format_files(blank(release)), release)
    files = {name: content.decode() for name, content in made_files.items()}
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", "".join(files.values()))
    run_of(release)
    for name in ("summary.md", "comment.md"):
        check_markdown(files[name], payload)
    commands = [line for line in files["annotations.txt"].splitlines() if line.startswith("::")]
    assert len(files["annotations.txt"].splitlines()) == len(commands) + 1
    for line in commands:
        assert re.fullmatch(r"::(?:error|notice) file=plan\.toml,line=1,title=[^:,]*::.*", line)
    assert "##[" not in files["annotations.txt"]
    label = r'[a-z_]+="(?:[^"\\\n]|\\["\\])*"'
    for line in files["metrics.txt"].splitlines():
        assert re.fullmatch(rf"# (TYPE|HELP|EOF).*|audit_[a-z_]+(?:\{{{label}(?:,{label})*\}})? [0-9.]+", line), line
    badge = ET.fromstring(files["badge.svg"])
    assert [child.tag.partition("}")[2] for child in badge] == ["title", "rect", "rect", "path", "text", "text"]
    texts = [one["message"]["text"] for one in run_of(release)["results"]]
    assert not any(set("[]{}") & set(text) for text in texts)


def check_markdown(text: str, payload: str) -> None:
    """No markup but ours: read with links found in bare text too, and with HTML let through."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inner} <= {"text", "code_inline", "strong_open", "strong_close", "softbreak"}
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    for table in tables:
        assert {line.count("|") for line in table} == {6 if "cannot tell" in table[0] else 5}, "as many cells a row"
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert blocks in ([], ["<details><summary>Groups and limits</summary>", "</details>"])
    assert [token.type for token in tokens].count("heading_open") == int(text.startswith("##"))
    plain = "".join(child.content for child in inner if child.type == "text")
    assert not re.search(r"https?:|www\.|@|:tada:|#\d", plain)
    assert payload not in plain


def test_what_a_line_cannot_hold_is_not_named() -> None:
    """A key with spaces names no row of a line: then neither its name nor its numbers stand there."""
    release = bands()
    words = tuple(word for word in release.words if "18-29" in group_key(word.group))
    release = all_below(release.model_copy(update={"words": words}))
    changed = PublicRelease.model_validate_json(release.model_dump_json().replace("18-29", "18 to | 29"))
    files = format_files(changed)
    refuse_unexplained(files, format_files(blank(changed)), changed)
    assert "cannot be shown here" in files["summary.md"].decode()


def test_they_stay_small_over_many_groups() -> None:
    release = made("small")
    rules = (release.rules[0],) * 1
    groups = [word.group for word in release.words if word.rule == rules[0].rule]
    many = groups * (1_500 // len(groups) + 1)
    words = tuple(
        PublicWord(rule=rules[0].rule, group=group, word="below", why="beyond_limit") for group in many[:1_500]
    )
    files = format_files(all_below(release.model_copy(update={"rules": rules, "words": words})))
    sizes = {name: len(content) for name, content in files.items()}
    assert sizes["summary.md"] < 60_000
    assert sizes["comment.md"] < 10_000
    assert files["summary.md"].count(b"=") <= 10 + 5
    assert sizes["badge.svg"] < 4_000
    assert max(sizes.values()) < 4_000_000


def test_many_rules_give_ten_annotations() -> None:
    release = made("tiny")
    rules = tuple(release.rules[0].model_copy(update={"rule": f"rule-{n}"}) for n in range(30))
    group = release.words[0].group
    words = tuple(PublicWord(rule=rule.rule, group=group, word="below", why="beyond_limit") for rule in rules)
    release = all_below(release.model_copy(update={"rules": rules, "words": words}))
    lines = text_of("annotations.txt", release).splitlines()
    assert len(lines) == 11
    assert "Further rules" in lines[-1]
    assert len(text_of("summary.md", release)) < 60_000
    refuse_unexplained(format_files(release), format_files(blank(release)), release)


def test_they_have_names_of_their_own() -> None:
    assert len({one.name for one in REPORTERS} | {"html", "json", "csv", "junit", "pdf"}) == len(REPORTERS) + 5


@pytest.mark.parametrize("kind", ["small", "passing", "undecided"])
def test_past_its_expiry_no_surface_says_on_what_to_rely(kind: str) -> None:
    release = expired(made(kind))
    page = PublicHtmlReporter().render(release)
    assert "This audit expired on" in page
    assert "This audit expires on" not in page
    for said in (page, text_of("comment.md", release), text_of("summary.md", release)):
        assert ("audited again: this audit is past its expiry." in said) is (kind == "passing")
        assert ("explain these gaps, correct them" in said) is (kind == "small")
        assert ("nobody should rely on it as if it had passed" in said) is (kind == "undecided")
        assert "relies on this result" not in said


@pytest.mark.parametrize("kind", ["small", "unnamed", "undecided"])
def test_what_comes_next_is_that_of_the_page(kind: str) -> None:
    """Undecided may be for want of answers, of a known gender or of cases, and the release does not say of which."""
    release = made(kind)
    page = PublicHtmlReporter().render(release)
    shown = {"small": "explain these gaps, correct them", "unnamed": "who holds the exact figures, where it fails"}
    said = shown.get(kind, "should ask the auditor, who holds the exact figures, why, put that right")
    for surface in (page, text_of("comment.md", release), text_of("summary.md", release)):
        assert said in surface
        assert "labelled cases are needed" not in surface
