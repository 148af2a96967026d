"""Every number on the public page follows from its row, its rule or `about`, in six languages.

The roundings are worked out here again from docs/how-to/report.md, without the code of the page: errors in whole
numbers of 100, in tenths below 5; people apart and errors to the limit rounded up to two digits.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from xml.etree.ElementTree import Element

import pytest
from made.pages import find_all, parsed, section, tag
from made.public import UNITED, in_languages, rare
from made.releases import made_release

from audit.public.finding_list import findings_of
from audit.public.names import RowNames
from audit.public.release import PublicRate, PublicRelease, PublicRow, PublicRule
from audit.vocabulary.finding import tally_of
from reports.languages import language
from reports.public.html.document import html_file

GOOD = ("true_positive_rate", "true_negative_rate", "precision", "accuracy")
STEPS = (50, 100, 200, 500, 1000, 2000, 5000)
"""Sizes from which rows stand on the page."""
AXES = (2, 5, 10, 20, 30, 40, 50, 60, 80, 100)


def error(metric: str, share: float) -> Decimal:
    exact = Decimal(str(round(share, 9)))
    return 1 - exact if metric in GOOD else exact


def hundred(share: Decimal) -> str:
    exact = share * 100
    rounded = exact.quantize(Decimal("0.1") if exact < 5 else Decimal(1), ROUND_HALF_UP)
    if rounded == 0 < exact:
        return "0.1"
    if rounded == 100 and exact < 100:
        return "99"
    return f"{rounded.normalize():f}"


def two_digits_up(number: Decimal) -> str:
    whole = math.ceil(round(float(number), 6))
    step = 10 ** max(len(str(whole)) - 2, 0)
    return str(-(-whole // step) * step)


def limits(rate: PublicRate, rule: PublicRule) -> Iterator[Decimal]:
    """The row's own limits, as errors."""
    assert rate.rest is not None
    rest, limit = Decimal(str(rate.rest)), Decimal(str(rule.limit))
    ends = {"low": rest - limit, "high": rest + limit}
    if rule.scale == "ratio":
        ends = {"low": rest * limit, "high": rest / limit}
    for side in rule.worse:
        yield error(rate.metric, float(min(max(ends[side], Decimal(0)), Decimal(1))))


def numbers_of_row(release: PublicRelease, row: PublicRow) -> Iterator[str]:
    """Every number that a page may print of a row."""
    yield str(row.people)
    yield str(row.fewer_than)
    yield str(row.errors)
    for rate in row.rates:
        statements = (rate.value, rate.rest, rate.low, rate.high, rate.at_most, rate.at_least)
        yield from (hundred(error(rate.metric, share)) for share in statements if share is not None)
        if rate.rest is None:
            continue
        rules = [rule for rule in release.rules if rule.metric == rate.metric]
        ends = [end for rule in rules for end in limits(rate, rule)]
        yield from map(hundred, ends)
        yield from (f"{number:.12g}" for rule in rules for number in (rule.limit * 100, 1 / rule.limit))
        if rate.value is not None:
            own, rest = error(rate.metric, rate.value), error(rate.metric, rate.rest)
            yield two_digits_up(abs(own - rest) * row.people)
            yield from (two_digits_up(abs(own - end) * row.people) for end in ends)


def numbers_of_release(release: PublicRelease) -> Iterator[str]:
    """Every other number: of everyone, of the method, of rules, of tallies, and days."""
    method, about = release.method, release.about
    yield from map(str, (0, 100, method.floor, method.row, method.largest_change, about.probe_rules))
    yield from map(str, (*AXES, *STEPS))
    yield from (str(count) for count in (release.unscored, release.unlabelled) if count is not None)
    everyone = [row for row in release.rows if not row.parts]
    for row in everyone:
        yield from numbers_of_row(release, row)
    for rule in release.rules:
        for number in (rule.limit * 100, rule.limit, 1 / rule.limit):
            yield f"{number:.12g}"
    for state in ("measured", "declared", "not_shown"):
        yield str(sum(each.state == state for each in about.safeguards))
    words = [word for row in release.rows if not row.total for word in row.words]
    tally = tally_of(findings_of(release))
    yield from map(str, (tally.total, *dataclasses.astuple(tally)))
    yield str(sum(word.because == "unknown_people" for row in release.rows for word in row.words))
    for rule in release.rules:
        yield str(sum(word.word == "beyond" and word.rule == rule.rule for word in words))
    yield from days(release)
    cases = sum(row.people for row in everyone if row.side != "both")
    if cases:
        yield f"{float(f'{cases:.2g}'):.0f}" if cases >= 100 else str(cases)
        own = sum(
            row.people
            for row in release.rows
            if len(row.parts) == 1
            and not row.total
            and row.parts[0].feature == "nationality"
            and row.parts[0].kind == "level"
            and row.parts[0].codes != ("unknown",)
        )
        yield str(100 * min(own, cases - 1) // cases)


def days(release: PublicRelease) -> Iterator[str]:
    change = release.headline.change
    statements: tuple[str, ...] = (
        release.about.finished,
        release.about.valid_until or "",
        change.baseline_finished if change else "",
    )
    statements += tuple(row.as_of for row in release.rows) + (release.about.period or ())
    for day in (*statements, *(waiver.expires for waiver in release.waivers)):
        yield from (str(int(part)) for part in day.split("-") if part)


def said(element: Element, skip: Sequence[Element] = ()) -> Iterator[str]:
    """Text of an element, drawings' titles too, without what others wrote and what stands apart."""
    if element in skip or tag(element) in ("bdi", "code", "blockquote", "style", "head"):
        return
    yield element.text or ""
    for child in element:
        yield from said(child, skip)
        yield " "
        yield child.tail or ""


def numbers_in(text: str, code: str) -> set[str]:
    """Numbers of a text, without the signs that set thousands apart."""
    style = language(code).numbers
    found = re.findall(r"\d+(?:[.,\u00a0\u202f]\d+)*", text)
    return {each.replace(style.group, "").replace(style.decimal, ".") for each in found}


def apart(root: Element) -> list[Element]:
    """What is no number of an audit: the title of the draft, and formulas."""
    folds = [*find_all(section(root, "safeguards"), "details"), *find_all(section(root, "check"), "details")]
    return [*folds, *find_all(root, "dl")]


@pytest.mark.parametrize("code", UNITED)
@pytest.mark.parametrize("kind", ["rare", "inconclusive", "none"])
def test_every_number_follows_from_its_row(kind: str, code: str) -> None:
    release = in_languages(rare() if kind == "rare" else made_release(kind), code)
    root = parsed(html_file(release))
    names = RowNames(release, language(code).translations, language(code).places)
    allowed: dict[str, set[str]] = {}
    for each in release.rows:
        name = "".join(names.row(each.parts).split())
        allowed.setdefault(name, set()).update(numbers_of_row(release, each), {"100"})
    rows = [row for body in find_all(root, "tbody") for row in find_all(body, "tr") if row[0].tag == "th"]
    called = {row: "".join("".join(said(row[0], list(find_all(row[0], "small")))).split()) for row in rows}
    answered = list(find_all(section(root, "waivers"), "tr")) if release.waivers else []
    seen = [row for row in rows if row not in answered and called[row] in allowed]
    for row in seen:
        name = called[row]
        extra = numbers_in(" ".join(said(row)), code) - allowed[name] - numbers_in(name, code)
        assert not extra, (name, extra)
    assert len(seen) >= (len(release.rows) / 3 if release.rows else 0)
    lines = [line for part in find_all(section(root, "affected"), "ul") for line in find_all(part, "li")]
    if "overturn" in {each.get("aria-labelledby") for each in find_all(root, "section")}:
        lines += list(find_all(section(root, "overturn"), "li"))
    for line in lines:
        statements = " ".join(said(line))
        whose = [name for name in allowed if "".join(statements.split()).replace("\u2066", "").startswith(name)]
        own = set().union(*(allowed[name] for name in whose), {"100"}, set(numbers_of_release(release)))
        assert numbers_in(statements, code) <= own, statements
    rest = " ".join(said(root, [*seen, *lines, *apart(root)]))
    untranslated = str(language(code).untranslated)
    assert numbers_in(rest, code) <= {*numbers_of_release(release), untranslated}, kind


def test_the_check_sees_a_number_of_another_row() -> None:
    """A number that is not its row's is found: the check is not satisfied by everything."""
    release = made_release("inconclusive")
    men = next(row for row in release.rows if row.key == "gender:level=man")
    assert str(men.people + 1) not in set(numbers_of_row(release, men))
    assert len(set(numbers_of_release(release))) < 60
