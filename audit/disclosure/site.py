"""The gate of a portal: every number on its pages is one that the release of its row prints, or the change to the next.

As in `explain`, what pages print where releases show nothing is furniture: days, limits, links, style. Every other
number stands in an element, an object or an entry that names an audit, or a group of one, and must follow from the
protected figures of exactly that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from audit.disclosure.explain import blank, counts_of, numbers_of_names, printed_as, shares_of, tallies_of
from audit.disclosure.printed import Number, read_numbers
from audit.errors import DataError
from audit.public.figures import per_cent
from audit.public.site import PublicAudit, PublicSite, site_row
from audit.public.table import PublicRate, clear_change, group_key
from audit.vocabulary.groups import Level

_HUNDRED: Final = Decimal(100)


def blank_site(site: PublicSite) -> PublicSite:
    """Return the portal over releases in which nothing is shown."""
    audits = tuple(audit.model_copy(update={"release": blank(audit.release)}) for audit in site.audits)
    return site.model_copy(update={"audits": audits})


def unexplained_in_site(files: Mapping[str, bytes], furniture: Mapping[str, bytes], site: PublicSite) -> list[Number]:
    """Numbers of a portal's files that are no furniture and that the release of their row does not print.

    Parameters
    ----------
    files : mapping of str to bytes
        The files of the portal, by their path in it.
    furniture : mapping of str to bytes
        The same rendered from `blank_site(site)`.
    site : PublicSite
        The releases.
    """
    rows = _rows(site)
    known = {number.kind for number in read_numbers(furniture, rows)}
    return [
        number
        for number in read_numbers(files, rows)
        if number.kind not in known and not (number.row is not None and rows[number.row].gives(number))
    ]


def refuse_unexplained_site(files: Mapping[str, bytes], furniture: Mapping[str, bytes], site: PublicSite) -> None:
    """The gate.

    Raises
    ------
    DataError
        If a number is not explained: its file is named, and the number is not.
    """
    found = unexplained_in_site(files, furniture, site)
    if found:
        raise DataError(
            f"{len(found)} numbers of the portal do not come from the public releases, the first in {found[0].file}",
            slug="unexplained-number",
            hint="nothing was written; a portal may only hold what public releases print",
        )


@dataclass(frozen=True, slots=True)
class _Row:
    counts: frozenset[Decimal]
    names: frozenset[tuple[Decimal, int]]
    shares: tuple[Decimal, ...]

    def gives(self, number: Number) -> bool:
        if (number.digits == 0 and number.value in self.counts) or (number.value, number.digits) in self.names:
            return True
        return not number.is_word and any(
            printed_as(share, number) or printed_as(share / _HUNDRED, number) for share in self.shares
        )


def _rows(site: PublicSite) -> dict[str, _Row]:
    """What every audit and every group of one gives, by the row that names it."""
    rows = {}
    before: PublicAudit | None = None
    for audit in site.audits:
        release = audit.release
        of: dict[str, list[PublicRate]] = {}
        for rate in release.rates:
            of.setdefault(group_key(rate.group), []).append(rate)
        features = release.table.features
        names = {Level(each.name, level.rung, level.code): level.name for each in features for level in each.levels}
        for place, row in enumerate(release.table.groups):
            key = group_key(row.group)
            counts = [*counts_of(row, release.table.method)]
            if place == 0:
                counts += [0, *tallies_of(release), *_changes(before, audit)]
            levels = [each for level in row.group.levels for each in (level.rung, level.code, names.get(level, ""))]
            called = frozenset(numbers_of_names(levels))
            made = _Row(frozenset(map(Decimal, counts)), called, tuple(_shares(of.get(key, []))))
            rows[site_row(audit.name) if place == 0 else site_row(audit.name, key)] = made
        before = audit
    return rows


def _shares(rates: list[PublicRate]) -> Iterator[Decimal]:
    """Numbers of `explain`, places on an axis that runs the other way, and the bound in "<1%" and ">99%"."""
    yield from shares_of(rates)
    for value in (per_cent(rate.value) for rate in rates if rate.value is not None):
        yield _HUNDRED - value
        if 0 < value < 1:
            yield Decimal(1)
        if _HUNDRED - 1 < value < _HUNDRED:
            yield _HUNDRED - 1


def _changes(before: PublicAudit | None, after: PublicAudit) -> Iterator[int]:
    """The clear changes of everyone's errors since the audit of the same system before this one."""
    if before is None or _identity(before) != _identity(after):
        return
    method = after.release.table.method
    first, then = before.release.table.groups[0], after.release.table.groups[0]
    for was, now in ((first.positives, then.positives), (first.negatives, then.negatives)):
        yield from (abs(number) for number in clear_change(was.errors, now.errors, method) or ())


def _identity(audit: PublicAudit) -> tuple[str, str]:
    return audit.release.about.owner, audit.system
