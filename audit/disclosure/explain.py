"""The second gate, first half: each number of a public file is one that the protected table gives in that very row.

What a file prints with nothing in its table is its furniture: styles, sizes, limits of the plan. The files are
rendered once more from a release in which nothing is shown, and the numbers found there, row by row, are furniture.
Every other one must follow from the row that it stands in, to the digits that are printed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from audit.disclosure.printed import Number, read_numbers
from audit.errors import RefusedReleaseError
from audit.public_table import PublicGroup, PublicMethod, PublicRate, PublicRelease, PublicSide, group_key

__all__ = ["blank", "refuse_unexplained", "unexplained"]

_HUNDRED: Final = Decimal(100)
_WHOLE: Final = re.compile(r"\d+")


def blank(release: PublicRelease) -> PublicRelease:
    """The same release with nothing in it: every group of the lists, and no number of any."""
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
    known = {(number.file, number.row, number.value, number.digits) for number in read_numbers(furniture, keys)}
    rows = _Rows(release, keys)
    return [
        number
        for number in read_numbers(files, keys)
        if (number.file, number.row, number.value, number.digits) not in known and not rows.gives(number)
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
    shares: tuple[Decimal, ...]
    """Per cents, which may be printed with any digits that are right, and as shares of 1."""


class _Rows:
    """What every row gives."""

    def __init__(self, release: PublicRelease, keys: list[str]) -> None:
        rates: dict[str, list[PublicRate]] = {key: [] for key in keys}
        for rate in release.rates:
            rates[group_key(rate.group)].append(rate)
        self._rows = {
            key: _Gives(
                frozenset(Decimal(n) for n in (*_counts(row, release.table.method), *_classes(rates[key]))),
                tuple(_shares(rates[key])),
            )
            for key, row in zip(keys, release.table.groups, strict=True)
        }
        self._totals = frozenset(Decimal(n) for n in _tallies(release))

    def gives(self, number: Number) -> bool:
        """Whether the row of a number gives it. Outside of all rows it may be everyone's, or a number of groups."""
        gives = self._rows[number.row or "everyone"]
        if number.digits == 0 and (
            number.value in gives.counts or (number.row is None and number.value in self._totals)
        ):
            return True
        return any(_printed_as(share, number) or _printed_as(share / _HUNDRED, number) for share in gives.shares)


def _printed_as(value: Decimal, number: Number) -> bool:
    """Whether rounding to the digits printed gives the number; a half may go either way."""
    return abs(value - number.value) * 2 <= Decimal(1).scaleb(-number.digits)


def _counts(row: PublicGroup, method: PublicMethod) -> Iterator[int]:
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


def _shares(rates: list[PublicRate]) -> Iterator[Decimal]:
    """Per cents of a row: rates with all their digits, ends in whole per cents, and the lengths that charts draw."""
    for rate in rates:
        ends = [_per_cent(end) for end in (rate.low, rate.high, rate.at_most, rate.at_least) if end is not None]
        yield from ends
        yield from (_HUNDRED - end for end in ends)
        if rate.low is not None and rate.high is not None:
            yield _per_cent(rate.high) - _per_cent(rate.low)
        if rate.value is not None:
            yield Decimal(str(rate.value)) * _HUNDRED


def _per_cent(share: float) -> Decimal:
    return Decimal(round(share * 100))


def _tallies(release: PublicRelease) -> Iterator[int]:
    """How many groups have which word, under each rule and in all."""
    yield from Counter((word.rule, word.word) for word in release.words).values()
    yield from Counter(word.word for word in release.words).values()
    yield len(release.table.groups)
