"""The second gate, first half: each number of a public file is one that the protected table gives in that very row.

What a file prints with nothing in its table is its furniture: styles, sizes, limits of the plan. The files are
rendered once more from a release in which nothing is shown, and the numbers found there, row by row, are furniture.
Every other one must follow from the row that it stands in, to the digits that are printed. What follows is listed here:
protected counts, rates and ends of intervals, and what the functions of `audit.public.figures` make of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from audit.disclosure.printed import Number, numbers_in, read_numbers
from audit.errors import RefusedReleaseError
from audit.public.figures import (
    FUNNEL_DEVIATIONS,
    Place,
    below_by_harm,
    each_people_once,
    everyone_else,
    funnel_curve,
    funnel_place,
    groups_open,
    limits_beside,
    natural,
    people_apart,
    per_cent,
    short_names,
    size_of,
    spans_of,
    state_tally,
    whole_per_cent,
)
from audit.public.table import PublicGroup, PublicMethod, PublicRate, PublicRelease, PublicRule, PublicSide, group_key
from audit.vocabulary.groups import Level
from audit.vocabulary.metrics import MetricName
from audit.vocabulary.numbers import Frequency
from audit.vocabulary.text import harmless

_HUNDRED: Final = Decimal(100)
_WHOLE: Final = re.compile(r"\d+")


def blank(release: PublicRelease) -> PublicRelease:
    """Return the release with nothing in it: every group of the lists, and no number of any."""
    nothing = PublicSide(cases=None, shown="not_shown", errors=None, why="small_or_withheld")
    groups = tuple(
        row.model_copy(update={"positives": nothing, "negatives": nothing, "unscored": None, "unlabelled": None})
        for row in release.table.groups
    )
    no_rate = {"value": None, "low": None, "high": None, "at_most": None, "at_least": None, "size": None}
    return release.model_copy(
        update={
            "table": release.table.model_copy(update={"groups": groups}),
            "rates": tuple(
                rate.model_copy(update={**no_rate, "why": rate.why or "small_or_withheld"}) for rate in release.rates
            ),
            "words": tuple(
                word.model_copy(update={"word": "cannot_tell", "why": "rate_not_shown"}) for word in release.words
            ),
        }
    )


def unexplained(files: Mapping[str, bytes], furniture: Mapping[str, bytes], release: PublicRelease) -> list[Number]:
    """Numbers of the files that neither the furniture has nor the row gives in which they stand.

    Parameters
    ----------
    files : mapping of str to bytes
        The public files.
    furniture : mapping of str to bytes
        The same files rendered from `blank(release)`.
    """
    keys = [group_key(row.group) for row in release.table.groups]
    short = {name: key for key, name in short_names(keys).items()}
    known = {number.kind for number in read_numbers(furniture, keys, short)}
    rows = _Rows(release, keys)
    return [
        number for number in read_numbers(files, keys, short) if number.kind not in known and not rows.gives(number)
    ]


def refuse_unexplained(files: Mapping[str, bytes], furniture: Mapping[str, bytes], release: PublicRelease) -> None:
    """The gate.

    Raises
    ------
    DataError
        If a number is not explained: the file and its row are named, and the number is not.
    """
    found = unexplained(files, furniture, release)
    if found:
        where = f"{found[0].file}, row of {found[0].row}" if found[0].row else found[0].file
        raise RefusedReleaseError(
            f"{len(found)} numbers of the public files do not come from the protected table, the first in {where}",
            slug="unexplained-number",
            hint="nothing was released; a public file may only hold what is computed from the public release",
        )


@dataclass(frozen=True, slots=True)
class _Gives:
    counts: frozenset[Decimal]
    """Whole numbers, printed as such."""
    names: frozenset[tuple[Decimal, int]]
    """Numbers in what the group is called, with their decimals."""
    shares: tuple[Decimal, ...]
    """Per cents, which may be printed with any digits that are right, and as shares of 1."""
    places: frozenset[Decimal]
    """Coordinates of drawings, as they are."""


class _Rows:
    """What every row gives."""

    def __init__(self, release: PublicRelease, keys: list[str]) -> None:
        self._release = release
        self._names = {
            Level(feature.name, level.rung, level.code): level.name
            for feature in release.table.features
            for level in feature.levels
        }
        rates: dict[str, list[PublicRate]] = {key: [] for key in keys}
        for rate in release.rates:
            rates[group_key(rate.group)].append(rate)
        self._rows = {key: self._gives(row, rates[key]) for key, row in zip(keys, release.table.groups, strict=True)}
        self._totals = frozenset(Decimal(n) for n in tallies_of(release))
        self._spans = frozenset(_spans(release))

    def gives(self, number: Number) -> bool:
        """Whether the row of a number gives it. Outside of all rows it may be everyone's, or a number of groups."""
        gives = self._rows[number.row or "everyone"]
        whole = number.digits == 0
        if (number.value, number.digits) in gives.names:
            return True
        if whole and (number.value in gives.counts or (number.row is None and number.value in self._totals)):
            return True
        if number.is_word:
            return False  # neither a per cent nor a place is printed so
        in_drawing = number.value in gives.places or (number.row is None and number.value in self._spans)
        if in_drawing and number.digits <= 1:
            return True  # with more digits it is no place, and may be a share that a place happens to equal
        return any(printed_as(share, number) or printed_as(share / _HUNDRED, number) for share in gives.shares)

    def _gives(self, row: PublicGroup, rates: list[PublicRate]) -> _Gives:
        everyone, method = self._release.table.groups[0], self._release.table.method
        beside = {rate.metric: everyone_else(everyone, row, rate.metric) for rate in rates}
        counts = [*counts_of(row, method), *_classes(rates), *_made_of_rates(everyone, row, rates, beside)]
        return _Gives(
            frozenset(map(Decimal, counts)),
            frozenset(numbers_of_names(self._called(row))),
            (*shares_of(rates), *_shares_beside(beside, self._release.rules, rates)),
            frozenset(_places(row, rates, method)),
        )

    def _called(self, row: PublicGroup) -> Iterator[str]:
        for level in row.group.levels:
            yield from (self._names.get(level, ""), level.feature, level.feature.replace("_", " "))


def numbers_of_names(names: Iterable[str]) -> Iterator[tuple[Decimal, int]]:
    """Numbers in what levels and features are called, with their decimals: "18-29" is nobody's number in its row.

    As others wrote the names and as reports do, with `[U+200F]` for what nobody sees. A word such as "once" is a number
    in another language alone.
    """
    for name in names:
        for written in {name, harmless(name)}:
            for language in ("", "es"):
                yield from ((number.value, number.digits) for number in numbers_in(written, language))


def printed_as(value: Decimal, number: Number) -> bool:
    """Whether rounding to the digits printed gives the number; a half may go either way."""
    return abs(value - number.value) * 2 <= Decimal(1).scaleb(-number.digits)


def counts_of(row: PublicGroup, method: PublicMethod) -> Iterator[int]:
    """Whole numbers of a row."""
    k, most = method.floor, method.largest_change
    yield from (k, most, method.few_errors, method.few_correct)
    sides = (row.positives, row.negatives)
    for side in sides:
        if side.cases is not None:
            yield side.cases
        if side.cases is not None and side.errors is not None:
            yield from (side.errors, side.cases - side.errors)
    yield from (count for count in (row.unscored, row.unlabelled) if count is not None)
    if sides[0].cases is not None and sides[1].cases is not None:
        yield sides[0].cases + sides[1].cases


def _classes(rates: list[PublicRate]) -> Iterator[int]:
    """The ends of the size classes of a row: they say how large a protected denominator is."""
    for rate in rates:
        if rate.size is not None:
            yield from (int(end) for end in _WHOLE.findall(rate.size))


def shares_of(rates: list[PublicRate]) -> Iterator[Decimal]:
    """Per cents of a row: rates with all their digits, ends in whole per cents, and the lengths that charts draw."""
    for rate in rates:
        known = (rate.low, rate.high, rate.at_most, rate.at_least)
        ends = [Decimal(whole_per_cent(end)) for end in known if end is not None]
        yield from ends
        yield from (_HUNDRED - end for end in ends)
        if rate.low is not None and rate.high is not None:
            yield Decimal(whole_per_cent(rate.high) - whole_per_cent(rate.low))
        if rate.value is not None:
            yield per_cent(rate.value)


def _made_of_rates(
    everyone: PublicGroup, row: PublicGroup, rates: list[PublicRate], beside: Mapping[MetricName, float | None]
) -> Iterator[int]:
    """Denominators and natural frequencies of each rate, alone and beside everyone else; people apart; "<1", ">99"."""
    for rate in rates:
        size = size_of(row, rate.metric)
        if size is None:
            continue
        yield size
        if rate.value is None:
            continue
        rest = beside[rate.metric]
        told = natural(rate.metric, rate.value, None) if rest is None else natural(rate.metric, rate.value, rest)
        yield from (number for one in told if isinstance(one, Frequency) for number in (one.count, one.base))
        apart = people_apart(everyone, row, rate)
        if apart is not None:
            yield apart
        for share in (rate.value, rate.value if rest is None else rest):
            yield from (said for said, true in ((1, share < 0.005), (99, share >= 0.995)) if true)


def _shares_beside(
    beside: Mapping[MetricName, float | None], rules: tuple[PublicRule, ...], rates: list[PublicRate]
) -> Iterator[Decimal]:
    """Per cents of everyone else, and of the limits beside them; for everyone, of the limits beside the rate itself."""
    for rest in beside.values():
        if rest is not None:
            yield per_cent(rest)
    values = {rate.metric: rate.value for rate in rates if not rate.group.levels}
    for rule in rules:
        against = beside.get(rule.metric)
        against = values.get(rule.metric) if against is None else against
        if against is not None:
            for end in limits_beside(against, rule):
                if end is not None:
                    yield from (per_cent(end), _HUNDRED - per_cent(end))


def _places(row: PublicGroup, rates: list[PublicRate], method: PublicMethod) -> Iterator[Decimal]:
    """Where a group stands in the funnel of each rate; for everyone, the curves as well."""
    for rate in rates:
        size = size_of(row, rate.metric)
        if rate.value is not None and size is not None:
            yield from funnel_place(size, rate.value)
        if not row.group.levels:
            places: list[Place] = []
            for deviations in FUNNEL_DEVIATIONS:
                lower, upper = funnel_curve(rate, method.variance, deviations)
                places += [*lower, *upper]
            yield from (coordinate for place in places for coordinate in place)


def tallies_of(release: PublicRelease) -> Iterator[int]:
    """How many groups have which word or state, under each rule and in all; how many have it under any rule."""
    once = each_people_once(release.words)
    for words in (release.words, once):
        yield from Counter((word.rule, word.word) for word in words).values()
        yield from Counter(word.word for word in words).values()
    yield from state_tally(release.words).values()
    yield len(release.table.groups)
    for rule in release.rules:
        told = state_tally([word for word in release.words if word.rule == rule.rule])
        yield from told.values()
        yield sum(count for state, count in told.items() if state != "not_shown")
    yield from below_by_harm(release).values()
    yield groups_open(release)
    for kind in ("below", "meets"):
        yield len({word.group for word in release.words if word.word == kind})
        yield len({word.group for word in once if word.word == kind})


def _spans(release: PublicRelease) -> Iterator[Decimal]:
    """The bars of states, rule by rule."""
    for rule in release.rules:
        told = spans_of(state_tally([word for word in release.words if word.rule == rule.rule]))
        yield from (end for span in told.values() for end in span)
