"""Waivers in public files: a finding is named where its words name it and nowhere else, and every gate passes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from xml.etree import ElementTree as ET

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from made.formats import sarif_schema
from made.public import made

from audit.disclosure.explain import blank, unexplained
from audit.disclosure.read import parse_release
from audit.disclosure.waived import with_waivers
from audit.errors import ResultError
from audit.public.table import PublicRelease, PublicWaiver, group_key, public_json
from audit.result.audit_result import Waiver
from audit.vocabulary.groups import Group
from reports.public.badge_file import PublicBadgeReporter
from reports.public.csv_file import PublicCsvReporter
from reports.public.github_annotations_file import PublicGithubAnnotationsReporter
from reports.public.github_summary_file import PublicGithubSummaryReporter
from reports.public.gitlab_codequality_file import PublicGitlabCodequalityReporter
from reports.public.gitlab_metrics_file import PublicGitlabMetricsReporter
from reports.public.html import PublicHtmlReporter
from reports.public.json_file import PublicJsonReporter
from reports.public.junit_file import PublicJunitReporter
from reports.public.markdown_file import PublicMarkdownReporter
from reports.public.sarif_file import PublicSarifReporter

REPORTERS = (
    PublicBadgeReporter(), PublicCsvReporter(), PublicGithubAnnotationsReporter(), PublicGithubSummaryReporter(),
    PublicGitlabCodequalityReporter(), PublicGitlabMetricsReporter(), PublicHtmlReporter(), PublicJsonReporter(),
    PublicJunitReporter(), PublicMarkdownReporter(), PublicSarifReporter(),
)  # fmt: skip
WITHOUT_WORDS = ("badge.svg", "metrics.txt", "annotations.txt", "comment.md", "summary.md")
"""Files that show no reason of a waiver, or not of each: a picture, labels, and lists that end at ten or twenty."""


def files_of(release: PublicRelease) -> Mapping[str, bytes]:
    return {reporter.filename: str(reporter.render(release)).encode() for reporter in REPORTERS}


PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking: an example renders every file twice."""
CASES = st.tuples(
    st.sampled_from(["small", "unnamed"]),
    st.lists(st.tuples(st.booleans(), st.integers(0, 39), st.booleans()), max_size=12),
)
"""A release, and for each waiver: of a group that it names if it does, which one, and whether it has expired."""


def waived(kind: str, chosen: list[tuple[bool, int, bool]]) -> tuple[PublicRelease, tuple[Waiver, ...]]:
    """A release, and waivers for some groups that it names and some that it does not."""
    release = made(kind)
    below = [word for word in release.words if word.word == "below"]
    others = [word for word in release.words if word.word != "below"]
    waivers: dict[tuple[str, Group], Waiver] = {}
    for number, (is_named, place, has_expired) in enumerate(chosen):
        words = below if is_named and below else others
        word = words[place % len(words)]
        waivers[word.rule, word.group] = Waiver(
            rule=word.rule,
            group=word.group,
            who=f"Office {place}",
            why=f"Reason R{number}x, 4.{place}",
            expires="2020-02-29" if has_expired else "2031-12-01",
        )
    return with_waivers(release, waivers.values()), tuple(waivers.values())


@given(CASES)
@settings(max_examples=6, deadline=None, phases=PHASES)
def test_a_waived_finding_is_named_where_its_word_is_below_and_every_number_is_explained(
    case: tuple[str, list[tuple[bool, int, bool]]],
) -> None:
    release, waivers = waived(*case)
    below = {(word.rule, word.group) for word in release.words if word.word == "below"}
    named = [waiver for waiver in waivers if (waiver.rule, waiver.group) in below]
    unnamed = [waiver for waiver in waivers if waiver not in named]
    assert [waiver.group for waiver in release.waivers] == [*(each.group for each in named), *(None for _ in unnamed)]
    assert parse_release(public_json(release).encode()) == release

    files = files_of(release)
    assert unexplained(files, files_of(blank(release)), release) == []
    for name, content in files.items():
        text = content.decode("utf-8")
        assert not any(waiver.why.split(",")[0] in text for waiver in unnamed), name
        if name not in WITHOUT_WORDS:
            assert all(waiver.why.split(",")[0] in text for waiver in named), name
        if name not in ("badge.svg", "annotations.txt"):
            assert all(waiver.who in text for waiver in waivers), name


@given(CASES)
@settings(max_examples=6, deadline=None, phases=PHASES)
def test_a_waiver_changes_no_word_and_no_figure(case: tuple[str, list[tuple[bool, int, bool]]]) -> None:
    release, _ = waived(*case)
    plain = release.model_copy(update={"waivers": ()})
    assert (plain.headline, plain.words, plain.rates) == (release.headline, release.words, release.rates)
    said = " Findings are waived: somebody answers for each of them until a day, and no verdict changes by it."
    assert PublicBadgeReporter().render(plain) == PublicBadgeReporter().render(release).replace(said, "")
    for reporter, mark in ((PublicJunitReporter(), "<failure "), (PublicSarifReporter(), '"ruleId"')):
        assert str(reporter.render(plain)).count(mark) == str(reporter.render(release)).count(mark)


@pytest.mark.parametrize("change", ["rule", "why", "group"])
def test_a_release_that_says_half_a_name_is_not_read(change: str) -> None:
    release = made("unnamed")
    said: dict[str, object] = {"rule": "", "group": None, "who": "Office", "why": "", "expires": "2031-12-01"}
    said[change] = release.words[0].group if change == "group" else "x"
    shown = release.model_copy(update={"waivers": (PublicWaiver.model_validate(said),)})
    with pytest.raises(ResultError, match="a waiver names what its words do not"):
        parse_release(public_json(shown).encode())


def on_every_rung() -> tuple[PublicRelease, str, list[Group]]:
    """A release in which people of unknown nationality are below a limit on each rung, and their groups."""
    release = made("small")
    rule = release.rules[0].rule
    groups = [row.group for row in release.table.groups if row.group.people == frozenset({("nationality", "unknown")})]
    assert len(groups) == 3
    below = {"word": "below", "why": "beyond_limit"}
    words = tuple(
        word.model_copy(update=below) if word.rule == rule and word.group in groups else word for word in release.words
    )
    headline = release.headline.model_copy(update={"outcome": "fail", "fails_on": ("groups",)})
    return release.model_copy(update={"words": words, "headline": headline}), rule, groups


@pytest.mark.parametrize("waived_rungs", [mask for mask in product((False, True), repeat=3) if any(mask)])
@pytest.mark.parametrize("expired", [False, True])
def test_people_of_one_code_on_every_rung_are_waived_where_a_gate_sets_them_aside(
    waived_rungs: tuple[bool, ...], expired: bool
) -> None:
    """Named once, on one rung; a gate goes on failing until they are waived on each on which they fail."""
    release, rule, groups = on_every_rung()
    days = ["2020-02-29" if expired else "2031-12-01", *["2031-12-01"] * 2]
    waivers = [
        Waiver(rule=rule, group=group, who=f"Office {place}", why=f"Reason R{place}x", expires=day)
        for place, (group, day, is_waived) in enumerate(zip(groups, days, waived_rungs, strict=True), start=3)
        if is_waived
    ]
    shown = with_waivers(release, waivers)
    (row,) = [
        one
        for one in json.loads(PublicSarifReporter().render(shown))["runs"][0]["results"]
        if one["ruleId"] == rule and one["message"].get("properties", {}).get("group", "").endswith("=unknown")
        and one["message"]["properties"]["group"].startswith("nationality:")
    ]  # fmt: skip
    assert [each["properties"]["group"] for each in row["suppressions"]] == [group_key(each.group) for each in waivers]
    assert [each["justification"].split(":")[-1].strip() for each in row["suppressions"]] == [
        each.why for each in waivers
    ]
    holds = "accepted" if all(waived_rungs) and not expired else "underReview"
    assert [each["status"] for each in row["suppressions"]] == [
        "rejected" if each.expires == "2020-02-29" else holds for each in waivers
    ]
    sarif_schema().validate(json.loads(PublicSarifReporter().render(shown)))
    cases = ET.fromstring(PublicJunitReporter().render(shown)).iter("testcase")
    (failure,) = [
        case.find("failure")
        for case in cases
        if case.get("classname") == rule and case.get("name") in list(map(group_key, groups))
    ]
    assert failure is not None
    assert str(failure.get("message")).startswith(("waived", "waiver")) == (all(waived_rungs) and not expired)
    summary = PublicGithubSummaryReporter().render(shown)
    (row_of_summary,) = [
        line
        for line in str(summary).splitlines()
        if line.startswith("|") and line.endswith(tuple(f"`{group_key(group)}` |" for group in groups))
    ]
    assert ("(waived)" in row_of_summary) == (all(waived_rungs) and not expired)
    if waived_rungs in ((True, False, False), (True, True, True)):  # every file twice takes half a second
        assert unexplained(files_of(shown), files_of(blank(shown)), shown) == []


def test_a_finding_whose_waiver_is_over_is_not_called_waived() -> None:
    """The restricted summary says that it has expired, and a gate fails: the public one must not say otherwise."""
    release = made("small")
    word = next(word for word in release.words if word.word == "below")
    for day, mark in (("2020-02-29", " (its waiver has expired) |"), ("2031-12-01", " (waived) |")):
        waiver = Waiver(rule=word.rule, group=word.group, who="Office", why="Reason", expires=day)
        summary = str(PublicGithubSummaryReporter().render(with_waivers(release, [waiver])))
        (row,) = [line for line in summary.splitlines() if line.endswith(f"`{group_key(word.group)}` |")]
        assert mark in row
