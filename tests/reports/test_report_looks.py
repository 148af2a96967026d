"""The answers to further questions: what each says in a sentence, and that none is silently missing."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

import pytest
from made.pages import find_all, parsed, part_of, section, text
from made.replaced import replaced
from made.second_looks import COUNTRY, further_result

from audit.result.audit_result import AuditResult
from reports.html import HtmlReporter, render_page
from reports.languages import language

SAID = {
    "change": "Compared with the audit of 1 January 2026, there is no group that could be judged for which the system "
    "became worse by the limit set for that.",
    "swaps": "When only the nationality word was changed, 18 of 100 decisions changed (7 of 40). Most often for "
    "Nigerian (NGA): 7 of 20.",
    "sure": "Found: 2 groups would pass, but for people whose group is unknown.",
    "random-sample": "400 cases were drawn at random, of which 390 are labelled; 12,000 were not. 1 of 2 rates",
    "failures": "On 54 of 64,000 rows (0.1%) the system gave no answer that can be used. The plan allows 5%.",
    "asked-again": "Asked 2 times about every case, the system contradicted its first decision on 130 of 63,729: ",
    "several": "40 cases of the set have several nationalities. They are counted as groups of their own.",
    "people": "Of flags that people decided on they dismissed 48 of 400, 12% (9–16%); of cases without a flag they",
    "forms": "forced labour: Found: exceeds the limit: ",
    "first": "Share of each group among the first of the ranking by score",
    "like": "Compared only with cases of the same form, 1 gap vanishes.",
    "together": "They lie furthest apart by nationality in “Found”: typically 5.2 points from their middle.",
    "ranking": "By nationality this is more than in any single group (at most 88%)",
    "calibration": "Of 1 groups, the scores of 1 are clearly not what they say.",
    "thresholds": "some group is surely found less or more often than everyone else at 10 of 19 thresholds tried",
    "deployed": "Where 2% of cases are exploitation (Inspections of 2023), about 130 of 1,000 cases are flagged",
    "patterns": "Of 40 groups: for 1 the system adds to the gap in the labels or turns it round; for 39 the",
    "search": "Of about 10⁹ subgroups by channel and nationality, one is missed clearly more often, and was again",
    "costs": "The plan lets a missed victim cost 10 and a wrong flag 1. Errors surely cost more than among everyone",
    "measures": "Youden’s index: shown for each group as the operator’s code computed it.",
    "opinions": "fairlearn 0.15.0 computed the same rates from the same cases and agree to a thousand-millionth",
}


@pytest.mark.parametrize("anchor", SAID)
def test_each_answer_stands_in_a_sentence_and_mostly_in_a_table(further_html: str, anchor: str) -> None:
    root = parsed(further_html)
    part = section(root, anchor)
    assert SAID[anchor] in text(part)
    assert list(find_all(part, "table")) or anchor in ("together", "thresholds", "opinions")
    links = [link.get("href") for link in find_all(root, "a")]
    assert f"#{anchor}" in links


def test_what_has_no_answer_says_why_in_one_line(passing_html: str) -> None:
    part = part_of(passing_html, "not-looked-at")
    lines = [text(item) for item in find_all(part, "li")]
    own = ("change", "together")  # sections of their own, whether there is an answer or not
    assert len(lines) == len(SAID) - 1 - len(own), "the made-up result has a second opinion and nothing else"
    for line in lines:
        assert re.fullmatch(r".+ (The|This|No|Nobody|Why) .+\.", line)
    assert "Like with like The plan declares no control features." in lines


def test_a_comparison_and_all_groups_at_once_are_sections_with_the_reason_where_there_is_no_answer(
    passing_html: str,
) -> None:
    root = parsed(passing_html)
    change, together = text(section(root, "change")), text(section(root, "together"))
    assert "not shown: this report is not compared with an earlier one. That is no sign that nothing" in change
    assert "Not shown: this result does not compare all groups at once." in together
    links = [link.get("href") for link in find_all(next(find_all(root, "nav")), "a")]
    assert {"#change", "#together"} <= set(links)


def test_nothing_is_said_to_be_missing_where_all_is_there(further_html: str) -> None:
    part = part_of(further_html, "not-looked-at")
    assert not list(find_all(part, "li"))


def rows(part: Element) -> list[list[str]]:
    return [[text(cell) for cell in row] for row in find_all(part, "tr")]


def test_the_same_people_on_several_rungs_stand_once(further_html: str) -> None:
    root = parsed(further_html)
    for anchor in ("sure", "ranking"):
        assert sum(row[0] == "Nationality unknown" for row in rows(section(root, anchor))) == 1


def test_the_least_sure_verdicts_say_what_would_overturn_them(further_html: str) -> None:
    table = rows(part_of(further_html, "sure"))
    ghana = next(row for row in table if row[0] == "Ghana")
    assert ghana == [
        "Ghana",
        "Found",
        "beyond the limit",
        "7 of 480",
        "3.1% of its others",
        "stands whatever they are",
        "—",
    ]
    women = next(row for row in table if row[0] == "Women")
    assert women == ["Women", "Found", "within the limit", "311 of 9,000", "—", "—", "12 of 40"]


def test_the_funnel_has_a_mark_a_group(further: AuditResult, further_html: str) -> None:
    part = part_of(further_html, "together")
    (drawing,) = [svg for svg in find_all(part, "svg") if svg.get("class") == "f"]
    stated = {
        estimate.group: estimate.value for estimate in further.estimates if estimate.metric == "true_positive_rate"
    }
    verdicts = [
        verdict
        for verdict in further.verdicts
        if verdict.rule == further.rules[0].rule
        and verdict.group.family == COUNTRY
        and stated[verdict.group] is not None
    ]
    circles = list(find_all(drawing, "circle"))
    triangles = [path for path in find_all(drawing, "path") if (path.get("d") or "").endswith("l6 11h-12z")]
    assert len(circles) + len(triangles) == len(verdicts) > 100
    assert len(triangles) == sum(verdict.outcome == "fail" for verdict in verdicts)


def test_no_list_of_the_worst_names_whom_a_fail_without_a_name_does_not(
    few: AuditResult, few_further: AuditResult
) -> None:
    from made.second_looks import unnamed_result

    shown = part_of(HtmlReporter().render(further_result(unnamed_result(few))), "together")
    assert "Who stands furthest towards harm" not in text(shown)
    assert few_further.further.between_groups[1].worst


def test_weights_are_used_where_rates_are_compared_with_everyone_else(passing: AuditResult) -> None:
    weighted = passing.model_copy(
        update={
            "estimates": tuple(
                estimate.model_copy(
                    update={
                        "weighted_numerator": 3.0 * estimate.numerator,
                        "weighted_denominator": (4.0 if estimate.group.root else 3.5) * estimate.denominator,
                        "effective_cases": estimate.denominator / 2,
                        "degrees_of_freedom": 2.4,
                    }
                )
                for estimate in passing.estimates
            )
        }
    )
    html = HtmlReporter().render(weighted)
    part = text(part_of(html, "part-1"))
    assert re.search(r"[\d,]+ of [\d,]+; worth [\d,]+, df 2", part)
    assert "df are the degrees of freedom, and below 3 nothing is decided" in part
    women = next(each for each in passing.estimates if each.metric == "true_positive_rate" and each.group.root)
    whole = next(each for each in passing.estimates if each.metric == "true_positive_rate" and not each.group.root)
    rest = 3 * (whole.numerator - women.numerator) / (3.5 * whole.denominator - 4 * women.denominator)
    assert f"{100 * rest:.0f}%" in part


MISSING = {
    "too_few_cases": "Groups with fewer than five victims or five others with a score have no AUC.",
    "bins_too_coarse": "Some AUCs are not given: more than two million cases are ranked in a thousand steps, and these "
    "steps tie too many of their pairs.",
}


@pytest.mark.parametrize("code", ["en", "zh"])
def test_a_group_without_an_auc_is_missing_for_a_reason_that_is_said(few_further: AuditResult, code: str) -> None:
    nothing = {"auc": None, "low": None, "high": None, "binning": None, "status": "not_evaluable"}
    everyone, *groups = few_further.further.aucs
    without = [one.model_copy(update={**nothing, "reason": why}) for one, why in zip(groups, MISSING, strict=False)]
    written = language(code)
    result = replaced(few_further, aucs=(everyone, *without))
    page, before = (text(part_of(render_page(one, written), "ranking")) for one in (result, few_further))
    for sentence in MISSING.values():
        wording = " ".join(written.translations.gettext(sentence).split())
        assert (wording == sentence) == (code == "en")
        assert wording in page
        assert wording not in before


def test_none_is_a_word_where_nothing_was_found(few_further: AuditResult) -> None:
    alike = tuple(each.model_copy(update={"equality_p": 0.4}) for each in few_further.further.between_groups)
    amplification = few_further.further.amplification[0].model_copy(update={"outcomes": {"cannot_tell": 40}})
    steps = tuple(step.model_copy(update={"gaps": ()}) for step in few_further.further.sweeps[0].steps)
    right = tuple(each.model_copy(update={"p_adjusted": 0.9}) for each in few_further.further.calibrations)
    cheap = tuple(each.model_copy(update={"difference_low": -3.0}) for each in few_further.further.costs)
    sweep = few_further.further.sweeps[0].model_copy(update={"steps": steps})
    result = replaced(
        few_further,
        between_groups=alike,
        amplification=(amplification,),
        sweeps=(sweep,),
        calibrations=right,
        costs=cheap,
    )
    root = parsed(HtmlReporter().render(result))
    assert "In none of 2 comparisons below are groups shown to differ" in text(section(root, "together"))
    assert "Who stands furthest towards harm" not in text(section(root, "together"))
    assert "For none of 40 groups do the cases say whether" in text(section(root, "patterns"))
    assert "no group is surely found less or more often" in text(section(root, "thresholds"))
    assert "the scores of none are clearly not what they say" in text(section(root, "calibration"))
    assert "In no group do errors surely cost more" in text(section(root, "costs"))


def test_the_threshold_of_the_audit_is_told_with_the_digits_that_the_plan_gave_it(few_further: AuditResult) -> None:
    for chosen in (0.45, 0.475, 0.9):
        detector = few_further.plan.detector.model_copy(update={"threshold": chosen})
        at = few_further.model_copy(update={"plan": few_further.plan.model_copy(update={"detector": detector})})
        assert f"This audit’s own threshold is {chosen}." in text(part_of(HtmlReporter().render(at), "thresholds"))


@pytest.mark.parametrize(
    ("for_all", "shown"),
    [
        (0.00259, "of no group more than 0.2% are unrecorded."),
        (0.03, "of no group more than 3.0% are unrecorded."),
        (0.0004, "2 groups would pass, but for people whose group is unknown."),
    ],
)
def test_a_share_to_vouch_for_is_never_rounded_up(for_all: float, shown: str, few_further: AuditResult) -> None:
    """Whoever vouches for what a report says must get what it says: the notice of the same page rounds down too."""
    doubts = tuple(
        rule.model_copy(update={"missing_share_for_all": for_all}) for rule in few_further.further.sensitivity
    )
    html = HtmlReporter().render(replaced(few_further, sensitivity=doubts))
    sentence = next(text(line) for line in find_all(part_of(html, "sure"), "p") if "would pass" in text(line))
    assert sentence.endswith(shown)
