"""What public files say beside their counts: cells, ranges, days, what stands first, and the three large numbers."""

from __future__ import annotations

import csv
import io
import json
from xml.etree.ElementTree import Element

import pytest
from made.disclosure import ABOUT, RULE
from made.formats import text_of
from made.pages import find_all, parsed, section, text
from made.public import FLAGGED, every_limit, made, row_names, sizes_alone
from made.tallies import surfaces_agree

from audit.disclosure.words import public_release
from audit.public.figures import people_apart, state_of
from audit.public.sentences import SENTENCES
from audit.public.table import PublicChange, PublicRelease, PublicWord, group_key
from audit.vocabulary.groups import Group
from reports.public.csv_file import PublicCsvReporter
from reports.public.html import PublicHtmlReporter
from reports.public.junit_file import PublicJunitReporter
from reports.public.pipeline_reading import PipelineReading

ENDS = ("low", "high", "at_least", "at_most")


def test_every_cell_of_the_table_of_groups_is_that_of_its_column() -> None:
    release = every_limit()
    first, second, *others = release.table.groups
    counted = second.model_copy(update={"unscored": 41, "unlabelled": 53})
    release = release.model_copy(
        update={"table": release.table.model_copy(update={"groups": (first, counted, *others)})}
    )
    rows = {row["group"]: row for row in csv.DictReader(io.StringIO(PublicCsvReporter().render(release)))}
    assert (rows[group_key(second.group)]["unscored"], rows[group_key(second.group)]["unlabelled"]) == ("41", "53")
    seen = dict.fromkeys(ENDS, 0)
    for rate in release.rates:
        row = rows[group_key(rate.group)]
        for end in ENDS:
            share = getattr(rate, end)
            assert row[f"{rate.metric}_{end}_percent"] == ("" if share is None else str(round(share * 100)))
            seen[end] += share is not None
        assert row[f"{rate.metric}_why_not"] == ("" if rate.why is None else SENTENCES[rate.why])
    assert min(seen.values()) > 3, seen
    for group in release.table.groups:
        row = rows[group_key(group.group)]
        assert row["negatives"] == ("" if group.negatives.cases is None else str(group.negatives.cases))
        assert row["wrongly_flagged"] == ("" if group.negatives.errors is None else str(group.negatives.errors))


def about(release: PublicRelease, **changes: object) -> PublicRelease:
    return release.model_copy(update={"about": release.about.model_copy(update=changes)})


def test_the_run_of_sarif_says_days_verdict_and_notes() -> None:
    release = about(made("small"), finished="2026-03-04", valid_until="2027-05-06", without_figures=("language",))
    reading = PipelineReading(release)
    (run,) = json.loads(text_of("report.sarif.json", release))["runs"]
    shown = run["properties"]
    assert (shown["finished"], shown["validUntil"], shown["outcome"]) == ("2026-03-04", "2027-05-06", "fail")
    assert shown["notes"] == reading.notes
    assert any("language" in note for note in shown["notes"])
    assert any("at most 5" in note and "fewer than 10 people" in note for note in shown["notes"])
    (late,) = json.loads(text_of("report.sarif.json", about(made("passing"), valid_until="2026-01-01")))["runs"]
    assert late["properties"]["outcome"] == "pass"
    undeclared = about(release, valid_until=None)
    (other,) = json.loads(text_of("report.sarif.json", undeclared))["runs"]
    assert other["properties"]["validUntil"] == "not declared"
    for rule, of in zip(run["tool"]["driver"]["rules"][1:], release.rules, strict=True):
        said = f"{of.metric}: limit on the {of.scale} between a group and everyone else: {of.limit:g}"
        assert rule["shortDescription"]["text"] == said
    for one in run["results"]:
        (place,) = one["locations"][0]["logicalLocations"]
        assert place["fullyQualifiedName"] == place["properties"]["group"] == one["message"]["properties"]["group"]


DAYS = {"the day before": "2026-11-19", "that day": "2026-11-20", "the day after": "2026-11-21"}


@pytest.mark.parametrize("ended", DAYS)
@pytest.mark.parametrize("kind", ["small", "passing", "undecided"])
def test_an_audit_has_expired_from_the_day_after(kind: str, ended: str) -> None:
    release = about(made(kind), finished=DAYS[ended], valid_until="2026-11-20")
    expired, outcome = ended == "the day after", release.headline.outcome
    reading = PipelineReading(release)
    assert reading.is_expired == expired
    assert reading.look == ("expired" if expired and outcome == "pass" else outcome)
    assert ("It ended later: do not rely on it." in PublicJunitReporter().render(release)) == expired
    assert (f"audit_past_expiry {int(expired)}\n") in text_of("metrics.txt", release)
    next_steps = {
        "fail": "its operator should explain these gaps, correct them, and have it audited again.",
        "pass": "this audit is past its expiry." if expired else "the operator should have it audited again.",
        "inconclusive": "until then nobody should rely on it as if it had passed.",
    }
    assert reading.next_step.endswith(next_steps[outcome])
    assert reading.next_step in text_of("summary.md", release)
    assert reading.next_step in text_of("comment.md", release)
    (run,) = json.loads(text_of("report.sarif.json", release))["runs"]
    alone = [one["level"] for one in run["results"] if one["ruleId"] == "audit/verdict"]
    assert alone == ["warning"] * (expired + (outcome == "inconclusive"))


CHANGE = PublicChange(outcome="fail", paired=False, baseline_finished="2025-02-03")


def test_a_change_for_the_worse_stands_alone_only_where_it_does() -> None:
    table, rules = made("small").table, (RULE, FLAGGED)
    for paired in (False, True):
        change = CHANGE.model_copy(update={"paired": paired})
        for fails_on in (("change",), ("groups", "change")):
            release = public_release(table, "fail", rules, ABOUT, fails_on=fails_on, change=change)
            reading = PipelineReading(release)
            assert (reading.verdict == "Worse than in the earlier audit in this test") == (fails_on == ("change",))
            (shown,) = [note for note in reading.notes if note.startswith("The earlier audit ended on 2025-02-03")]
            assert ("both versions were tested on the same cases" in shown) == paired
            screen = text(section(parsed(PublicHtmlReporter().render(release)), "verdict"))
            assert "The earlier audit ended on 3 February 2025" in screen
            assert ("both versions were tested on the same cases" in screen) == paired
            (run,) = json.loads(text_of("report.sarif.json", release))["runs"]
            assert [one["level"] for one in run["results"] if one["ruleId"] == "audit/verdict"] == ["error"]
    still = public_release(
        table, "inconclusive", rules, ABOUT, change=CHANGE.model_copy(update={"outcome": "inconclusive"})
    )
    screen = text(section(parsed(PublicHtmlReporter().render(still)), "verdict"))
    assert SENTENCES["change_inconclusive"] in screen
    assert screen.count(SENTENCES["change_inconclusive"]) == 1


def numbers_of(release: PublicRelease) -> list[tuple[str, str | None]]:
    root = parsed(PublicHtmlReporter().render(release))
    three = next(each for each in section(root, "verdict").iter() if each.get("class") == "three")
    short = {name: key for key, name in row_names(release).items()}
    return [(text(each), short.get(str(each.get("data-g")))) for each in find_all(three, "li")]


def rate_of(release: PublicRelease, metric: str, key: str) -> tuple[str, str]:
    rate = next(each for each in release.rates if each.metric == metric and group_key(each.group) == key)
    assert rate.value is not None
    assert rate.low is not None
    assert rate.high is not None
    return f"{rate.value:.0%} ", f"likely range {round(rate.low * 100)}–{round(rate.high * 100)}%"


def once(release: PublicRelease, rule: str) -> dict[str, int]:
    """How many groups of a rule are in which state; `tiny` and `small` have people with one code on several rungs."""
    worst = ("below", "cannot_tell", "not_shown", "meets")
    people: dict[object, str] = {}
    for word in release.words:
        if word.rule == rule:
            states = [state_of(word), *([people[word.group.people]] if word.group.people in people else [])]
            people[word.group.people] = min(states, key=worst.index)
    return {state: list(people.values()).count(state) for state in worst}


@pytest.mark.parametrize("kind", ["small", "tiny"])
def test_the_three_numbers_of_a_fail_are_everyone_the_most_affected_and_how_many(kind: str) -> None:
    release = made(kind)
    everyone = release.table.groups[0]
    rows = {row.group: row for row in release.table.groups}
    rates = {(rate.metric, rate.group): rate for rate in release.rates}
    metrics = {rule.rule: rule.metric for rule in release.rules}

    def apart(word: PublicWord) -> int:
        return people_apart(everyone, rows[word.group], rates[metrics[word.rule], word.group]) or 0

    below = [word for word in release.words if word.word == "below"]
    most = max(map(apart, below))
    whole, worst, many = numbers_of(release)
    assert worst[1] in {group_key(word.group) for word in below if apart(word) == most}
    rule = next(word.rule for word in below if group_key(word.group) == worst[1] and apart(word) == most)
    for shown, key in (whole, worst):
        value, span = rate_of(release, metrics[rule], str(key))
        assert shown.startswith(value)
        assert shown.endswith(span)
    assert whole[1] == "everyone"
    counted = once(release, rule)
    judged = sum(counted.values()) - counted["not_shown"]
    assert many[0].startswith(f"{counted['below']} groups beyond the limit of {judged} groups with public figures")


@pytest.mark.parametrize(
    ("kind", "order"), [("passing", ("meets", "cannot_tell")), ("undecided", ("cannot_tell", "meets"))]
)
def test_the_numbers_of_the_others_are_everyone_and_how_the_groups_stand(kind: str, order: tuple[str, str]) -> None:
    release = made(kind)
    whole, *groups = numbers_of(release)
    value, span = rate_of(release, release.rules[0].metric, "everyone")
    assert whole[0].startswith(value)
    assert whole[0].endswith(span)
    counted = once(release, release.rules[0].rule)
    words = {"meets": "within the limit", "cannot_tell": "for which the public figures cannot tell"}
    judged = sum(counted.values()) - counted["not_shown"]
    for (shown, _), state in zip(groups, order, strict=True):
        assert shown.startswith(f"{counted[state]} group")
        assert f"{words[state]} of {judged} groups with public figures on this rate" in shown


def test_everyone_below_and_probes_are_each_said() -> None:
    release = public_release(made("small").table, "fail", (RULE, FLAGGED), ABOUT, fails_on=("groups", "probes"))
    screen: Element = section(parsed(PublicHtmlReporter().render(release)), "verdict")
    assert SENTENCES["fails_on_probes"] in text(screen)
    lone = [each for each in screen.iter() if each.get("class") == "lead-more" and each.get("data-g")]
    assert [each.get("data-g") for each in lone] == [row_names(release)[str(numbers_of(release)[1][1])]]


def test_a_rule_on_two_features_judges_neither_alone() -> None:
    table = made("small").table
    crossed = RULE.model_copy(update={"groups": (("gender", "nationality"),)})
    judged = {word.group for word in public_release(table, "pass", (crossed,), ABOUT).words}
    assert judged == {row.group for row in table.groups if len(row.group.levels) == 2}
    alone = RULE.model_copy(update={"groups": (("gender",),)})
    judged = {word.group for word in public_release(table, "pass", (alone,), ABOUT).words}
    assert judged == {row.group for row in table.groups if [level.feature for level in row.group.levels] == ["gender"]}
    assert Group(()) not in judged


def test_a_state_of_one_group_is_told_as_well() -> None:
    """Of few groups in a state a bar, a table or a line is the easiest to lose."""
    release = made("tiny")
    reasons = {"below": "beyond_limit", "meets": "within_limit", "cannot_tell": "limit_not_excluded"}
    words, shown = [], dict.fromkeys((rule.rule for rule in release.rules), 0)
    for word in release.words:
        state = list(reasons)[shown[word.rule]] if shown[word.rule] < len(reasons) else ""
        is_one = bool(state) and len({level.code for level in word.group.levels} & {"unknown", "unlisted"}) == 0
        shown[word.rule] += is_one
        said = {"word": state, "why": reasons[state]} if is_one else {"word": "cannot_tell", "why": "rate_not_shown"}
        words.append(word.model_copy(update=said))
    surfaces_agree(release.model_copy(update={"words": tuple(words)}))


def test_each_square_has_the_state_of_its_nationality_over_all_limits() -> None:
    release = made("small")
    places = {
        level.name: level.code
        for feature in release.table.features
        for level in feature.levels
        if feature.name == "nationality" and level.rung == "country"
    }
    states: dict[str, set[str]] = {}
    for word in release.words:
        (first, *others) = word.group.levels
        if not others and (first.feature, first.rung) == ("nationality", "country"):
            states.setdefault(first.code, set()).add(state_of(word))
    looks = {"below": "fail", "meets": "pass", "cannot_tell": "inconclusive", "not_shown": "not_evaluable"}
    seen = set()
    squares = section(parsed(PublicHtmlReporter().render(release)), "nationality")
    for part in find_all(squares, "ul"):
        for name in (text(each) for each in find_all(part, "li")):
            if name in places:
                found = states[places[name]]
                one = "below" if "below" in found else found.pop() if len(found) == 1 else "cannot_tell"
                assert part.get("class") == f"q-{looks[one]}", name
                seen.add(one)
    assert {"below", "cannot_tell"} <= seen


@pytest.mark.parametrize("flag", ["weighted", "clustered"])
def test_a_release_of_sizes_alone_holds_no_rate_and_no_word_itself(flag: str) -> None:
    """Files leave them out, but whoever reads `release.json` would find them."""
    release = sizes_alone("fail", flag)
    ends = ("value", *ENDS)
    assert not any(getattr(rate, end) is not None for rate in release.rates for end in ends)
    assert {state_of(word) for word in release.words} == {"not_shown"}


def test_that_nobody_is_named_is_no_news_where_no_figures_were_made() -> None:
    assert not made("refused").headline.no_group_named
