"""Recompute an audit published under Local Law 144 of New York City, and name what cannot follow from its own figures.

Sections are those of the rule, 6 RCNY 5-300 to 5-303 (DCWP, Notice of Adoption, April 2023). A figure cannot follow if
no whole numbers of people go with all that is printed, whichever way it was rounded. Where it follows only if decimals
were cut off, or rounded rates divided, nobody can tell whether it is wrong.

Each rate, the ratios of each table, and all sums are checked, and not everything at once: what is named cannot be, and
what is not named may still not be.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple

from audit.errors import ExitCode
from audit.evaluation.counts_table import Between
from audit.evidence.published.margins import MOST, SEVERAL, sums_of
from audit.evidence.published.table import UNKNOWN, Block, Category, Figure, PublishedTable, asked_for, may_miss

_BLOCKS: Final[dict[Block, str]] = {"sex": "By sex", "race": "By race or ethnicity", "both": "By both"}
_SMALL: Final = Fraction(2, 100)
_FOUR_FIFTHS: Final = Fraction(4, 5)
_AMONG: Final = ", which is the rate among the "
_Range = tuple[Fraction, Fraction]


class State(StrEnum):
    """Kind of a finding."""

    WRONG = "does not follow"
    UNTOLD = "cannot be told"
    """Nothing in the table excludes it: what the table lacks, the audit may have elsewhere."""


class Finding(NamedTuple):
    """One thing that does not follow, or that cannot be told."""

    state: State
    code: str
    where: str
    """Name of a category or of a table."""
    text: str


@dataclass(frozen=True, slots=True)
class Rechecked:
    """Findings on a table, and what follows from its own numbers."""

    table: PublishedTable
    findings: tuple[Finding, ...]
    follows: Counter[str]
    """How many rates, ratios and sums follow."""
    left_out: tuple[str, ...]
    """Categories that have no impact ratio, and need none."""
    below: tuple[str, ...]
    """Categories whose impact ratio is below four fifths, however it was rounded."""

    @property
    def exit_code(self) -> ExitCode:
        """Exit code, as that of a gate."""
        states = {finding.state for finding in self.findings}
        return ExitCode.FAIL if State.WRONG in states else ExitCode.INCONCLUSIVE if states else ExitCode.PASS


def recheck(table: PublishedTable, unknown: int | None, audited: dt.date | None, today: dt.date) -> Rechecked:
    """Recompute a published table.

    Parameters
    ----------
    table : PublishedTable
        The table.
    unknown : int, optional
        Number of people of an unknown category; by default that of such rows in the table.
    audited : date, optional
        The date of the audit.
    today : date
        The date at which the audit is relied on.
    """
    people = _unknown_people(table) if unknown is None else unknown
    strict, lenient = (_Reading(table, people, cut=cut) for cut in (False, True))
    findings, still = list(strict.findings()), {finding[:3] for finding in lenient.findings()}
    named, or_else = (
        Counter(finding.code for finding in findings),
        "; it follows if decimals were cut off or rates rounded",
    )
    doubted = [
        finding if finding[:3] in still else Finding(State.UNTOLD, *finding[1:3], finding.text + or_else)
        for finding in findings
    ]
    ordered = sorted(
        [*doubted, *_not_there(table, people, audited, today)], key=lambda finding: finding.state, reverse=True
    )
    follows = Counter({code: many - named[code] for code, many in strict.checked.items()})
    below = [text for block in _BLOCKS for text in _below(table.of(block), strict, lenient)]
    return Rechecked(table, tuple(ordered), follows, tuple(strict.left_out), tuple(below))


class _Reading:
    """The table, read in one way: figures as rounded, or also (`cut`) as cut off or divided after rounding."""

    def __init__(self, table: PublishedTable, unknown: int | None, *, cut: bool):
        self.table, self.unknown, self.cut = table, unknown, cut
        self.most, self.missed = _most_people(table, unknown), may_miss(table)
        self.checked: Counter[str] = Counter()
        self.left_out: list[str] = []

    def findings(self) -> Iterator[Finding]:
        """Yield what does not follow in this reading."""
        for row in self.table.categories:
            if row.rate and row.applicants:
                self.checked["rate"] += 1
                why = self._wrong_rate(row, row.rate, row.applicants)
                state = State.UNTOLD if _AMONG in why else State.WRONG
                yield from [Finding(state, "rate", row.name, why)] if why else []
        for block, where in _BLOCKS.items():
            rows = self.table.of(block)
            yield from self._ratios(block, where, rows)
            yield from self._without_ratio(where, rows)
            above, people = sum(self._selected(row).low for row in rows), sum(self._people(row).high for row in rows)
            if self.table.scores and 2 * above > people + (self.unknown or 0):
                state = State.WRONG if 2 * above > self.most else State.UNTOLD
                yield Finding(state, "median", where, f"{above:,} of {people:,} are above the median of all: over half")
        for check in sums_of(self.table, self._people, self._selected, MOST if self.unknown is None else self.unknown):
            self.checked["sum"] += 1
            state = State.UNTOLD if check.is_open else State.WRONG
            yield from [Finding(state, "sum", check.where, check.why)] if check.why else []

    def _people(self, row: Category) -> Between:
        return row.applicants or Between(0, MOST)

    def _selected(self, row: Category) -> Between:
        """Return how many were selected, as printed, or as the rate allows where any whole number does."""
        people = self._people(row)
        if row.selected is None and row.rate and row.applicants:
            low, high = row.rate.bounds(cut=self.cut)
            fits = Between(max(math.ceil(low * people.low), 0), min(math.floor(high * people.high), people.high))
            return fits if fits.low <= fits.high else Between(0, people.high)
        return row.selected or Between(0, people.high)

    def rate(self, row: Category) -> _Range | None:
        """Return the rates that counts allow, or else the printed one."""
        people, selected = self._people(row), self._selected(row)
        if not people.high or (row.rate is None and row.selected is None):
            return None
        printed = row.rate.bounds(cut=self.cut) if row.rate else (Fraction(0), Fraction(1))
        if people.high == MOST or selected == (0, people.high):
            return printed
        computed = Fraction(selected.low, people.high), min(Fraction(selected.high, max(people.low, 1)), Fraction(1))
        return (
            (min(computed[0], row.rate.value), max(computed[1], row.rate.value)) if self.cut and row.rate else computed
        )

    def _wrong_rate(self, category: Category, rate: Figure, people: Between) -> str:
        """Say why a printed rate cannot be."""
        low, high = rate.bounds(cut=self.cut)
        if category.selected is None:
            fits = low <= 1 and math.ceil(low * people.low) <= math.floor(high * people.high)
            return "" if fits else f"no whole number of {people.high:,} makes {rate.text}"
        if category.selected.low > people.high:
            return f"{category.selected.low:,} of {people.high:,} cannot be"
        if low * people.low <= category.selected.high and category.selected.low <= high * people.high:
            return ""
        percent = _percent(category.selected.high, people.high)
        blocks = [self.table.of(block) for block in _BLOCKS] if category.block == "all" else []
        known = [sum(self._people(row).high for row in rows) for rows in blocks]
        among = next((many for many in known if low * many <= category.selected.high <= high * many), None)
        why = "" if among is None else f"{_AMONG}{among:,} of known category"
        return f"{category.selected.high:,} of {people.high:,} are {percent}, not {rate.text}{why}"

    def _ratios(self, block: Block, where: str, rows: Sequence[Category]) -> Iterator[Finding]:
        rates = {row: rate for row in rows if (rate := self.rate(row)) is not None}
        bounds = {row: row.ratio.bounds(cut=self.cut) for row in rates if row.ratio}
        self.checked["ratio"] += len(bounds)
        # The rule leaves open whether a category without a ratio may be the highest: either way will do.
        if bounds:
            findings = min((_beyond(where, rates, bounds, list(among)) for among in (rates, bounds)), key=len)
            # somebody of several races may stand in each row: then rows may add up to more people than there are
            twice = block != "sex" and SEVERAL not in {row.race for row in self.table.categories}
            is_full = not twice and sum(self._people(row).low for row in rows) >= self.most
            is_open = not is_full and ((block == "both" and self.missed) or block in self.missed)
            explains = is_open and _are_to_one_above(rates, bounds)
            others = "; it follows if the highest rate is of a category that is not listed"
            yield from (
                (Finding(State.UNTOLD, *finding[1:3], finding.text + others) for finding in findings)
                if explains
                else findings
            )

    def _without_ratio(self, where: str, rows: Sequence[Category]) -> Iterator[Finding]:
        """Look for categories left out of the impact ratios though they are no less than 2 % of the data: 5-301(d)."""
        missing = [row for row in rows if row.ratio is None and self._people(row).high]
        if missing == rows:
            is_one_selected = any(rate[1] for row in rows if (rate := self.rate(row)))
            yield from [_lacks("ratios", where, "no impact ratio is printed (5-301)")] if is_one_selected else []
            return
        least = sum(self._people(row).low for row in rows)
        for row in missing:
            people = self._people(row)
            if row.applicants is None or row.rate is None:
                yield _lacks("left out", row.name, "without impact ratio, where number and rate must be (5-301(d))")
            elif people.low >= _SMALL * self.most:
                text = f"without impact ratio, though {_percent(people.low, self.most)} of the data or more (5-301(d))"
                yield _wrong("left out", row.name, text)
            elif people.high >= _SMALL * least:
                yield Finding(State.UNTOLD, "left out", row.name, "without impact ratio; it may be 2 % of the data")
            else:
                self.left_out.append(row.name)


def _are_to_one_above(rates: Mapping[Category, _Range], bounds: Mapping[Category, _Range]) -> bool:
    """Say whether all impact ratios are to one rate that is no lower than any of the table."""
    least = max(low for low, _ in rates.values())
    most = Fraction(1)
    for row, (low, high) in bounds.items():
        least = max(least, rates[row][0] / high if high > 0 else Fraction(2))
        most = min(most, rates[row][1] / low if low > 0 else most)
    return least <= most


def _beyond(
    where: str, rates: dict[Category, _Range], bounds: dict[Category, _Range], among: Sequence[Category]
) -> list[Finding]:
    """Return the impact ratios that the highest rate `among` these cannot make.

    A printed ratio holds for a range of highest rates. It cannot be where that misses all that the highest rate can be;
    all cannot be together where no highest rate is in every range, of a category whose own ratio may be 1.
    """
    least, most = (max(rates[row][end] for row in among) for end in (0, 1))
    to = {
        row: (rates[row][0] / above, rates[row][1] / below if below > 0 else most)
        for row, (below, above) in bounds.items()
    }
    if not most:
        return []
    top = max(among, key=lambda row: rates[row]).name
    tops = (row.name for row in to if all(low <= rates[row][1] and rates[row][0] <= high for low, high in to.values()))
    hint = next((f"; all of the table are to the rate of {name}" for name in tops), "")
    findings = []
    for row, (low, high) in to.items():
        if low > most or high < least or bounds[row][0] > 1:
            possible_ratios = rates[row][0] / most, min(rates[row][1] / (least or most), Fraction(1))
            ratio_text = " to ".join(dict.fromkeys(f"{float(ratio):.3f}" for ratio in possible_ratios))
            text = f"{ratio_text} to the highest rate, {top}, not {row.ratio and row.ratio.text}{hint}"
            findings.append(_wrong("ratio", row.name, text))
    highest = max((rates[row][1] for row in among if row not in bounds or bounds[row][1] >= 1), default=Fraction(0))
    if not findings and max(least, *(low for low, _ in to.values())) > min(highest, *(high for _, high in to.values())):
        return [_wrong("reference", where, "each impact ratio follows, and no one highest rate makes all of them")]
    return findings


def _below(rows: Sequence[Category], strict: _Reading, lenient: _Reading) -> Iterator[str]:
    """Yield categories below four fifths: by numbers of people, or by what is printed as far as rates allow it."""
    rates = {row: rate for row in rows if (rate := (strict if row.selected else lenient).rate(row))}
    top = max((rate[0] for row, rate in rates.items() if row.ratio), default=Fraction(0))
    over_all = max((rate[1] for rate in rates.values()), default=Fraction(0))
    for row in rows:
        if row.ratio is None:
            continue
        low, high = row.ratio.bounds(cut=False)
        least, most = (rates[row][0] / over_all, rates[row][1] / top) if row in rates and top else (low, high)
        if high < _FOUR_FIFTHS and low <= most and least <= high:
            yield f"{row.name} {row.ratio.text}"
        elif most < _FOUR_FIFTHS:
            yield f"{row.name} {row.ratio.text} (recomputed: at most {float(most):.6g})"


def _not_there(
    table: PublishedTable, unknown: int | None, audited: dt.date | None, today: dt.date
) -> Iterator[Finding]:
    """Name what the rule asks for and is not there: 5-301(a), (b)(3), (b)(5), (c)(4) and 5-303(a)(1)."""
    sexes, races = asked_for()
    intersections = tuple(f"{sex}, {race}" for race in races for sex in sexes)
    for (block, where), listed in zip(_BLOCKS.items(), (sexes, races, intersections), strict=True):
        rows = table.of(block)
        missing = [name for name in listed if name not in {row.name for row in rows}]
        if not rows:
            yield _lacks("block", where, "no such categories are there (5-301); one file holds all tables")
        elif missing:
            text = f"not listed, because nobody was of them or else left out: {'; '.join(missing)}"
            yield Finding(State.UNTOLD, "categories", where, text)
        for what, lacks in (
            ("number of applicants", [row for row in rows if row.applicants is None]),
            ("rate", [row for row in rows if row.rate is None and row.ratio]),
        ):
            if lacks:
                yield _lacks("numbers", where, f"no {what} for {len(lacks)} of {len(rows)} (5-303(a)(1))")
    if unknown is None:
        yield Finding(State.UNTOLD, "unknown", "Unknown", "how many people are of an unknown category: add --unknown")
    if audited is None:
        yield Finding(State.UNTOLD, "age", "Age", "when the audit was made: add --audited")
    elif (
        not (today.year - 1, today.month, today.day)
        <= (audited.year, audited.month, audited.day)
        <= today.timetuple()[:3]
    ):
        yield _wrong("age", "Age", f"made on {audited}, not in the year before {today} (5-301(a))")


def _most_people(table: PublishedTable, unknown: int | None) -> int:
    """Return the most people that the data can be of, with those who stand in no category; `MOST` if nothing tells."""
    missed = may_miss(table)
    wholes = [table.of("sex")] * ("sex" not in missed) + [table.of("race")] * ("race" not in missed)
    sums = (sum(row.applicants.high if row.applicants else MOST for row in rows) for rows in wholes)
    total = (row.applicants.high for row in table.of("all") if row.applicants)
    return min((*sums, *total), default=MOST) + (MOST if unknown is None else unknown)


def _unknown_people(table: PublishedTable) -> int | None:
    """Return the most people that rows of an unknown category hold; None where those do not tell sex and race."""
    rows = {row: (row.sex == UNKNOWN, row.race == UNKNOWN) for row in table.of("unknown") if row.applicants}
    follows = (True, True) in rows.values() or {(True, False), (False, True)} <= set(rows.values())
    return sum(row.applicants.high for row in rows if row.applicants) if follows else None


def _lacks(code: str, where: str, text: str) -> Finding:
    return Finding(State.UNTOLD, code, where, text)


def _wrong(code: str, where: str, text: str) -> Finding:
    return Finding(State.WRONG, code, where, text)


def _percent(part: int, total: int) -> str:
    return f"{100 * part / total:.2f} %"
