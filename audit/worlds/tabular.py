"""Turn drawn rows into columns: signs of referrals, and amounts, times and counts of transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from audit.stats.arrays import BoolArray, IntArray
from audit.worlds.draws import Draws
from audit.worlds.mechanism import GENDERS
from audit.worlds.rows import FORMS, Rows
from audit.worlds.world import World

Columns = dict[str, Sequence[str | None]]
"""By column: the texts of its cells; None for an empty cell."""

DUAL: Final = ("BRA", "PRT", 0.06)
"""Nationality, second nationality, and the share of the first who have both; the first is the primary one."""


def people_columns(world: World, rows: Rows) -> Columns:
    """The columns of every world: id, label, gender, nationality, source and channel."""
    nationalities, sources = list(world.nationalities), list(world.sources)
    return {
        world.id: [f"{world.prefix}-{number:07d}" for number in rows.number.tolist()],
        "exploited": _named(("0", "1"), rows.label),
        "gender": _named(GENDERS, rows.gender),
        "nationality": _named(nationalities, rows.nationality),
        "source": _named(sources, rows.source),
        world.channel: _named(world.channels, rows.channel),
    }


def referral_columns(world: World, rows: Rows, draws: Draws) -> Columns:
    """The columns of referrals: people, age, form, and each sign as 1, 0, or empty if nobody asked."""
    columns = people_columns(world, rows)
    first, second, share = DUAL
    also = draws.happens(share, len(rows.number))
    columns["nationality"] = [
        f"{code}/{second}" if code == first and is_dual else code
        for code, is_dual in zip(columns["nationality"], also.tolist(), strict=True)
    ]
    columns["age_band"] = _named(("adult", "child"), rows.child)
    columns["form"] = _named(FORMS, rows.form)
    for number, sign in enumerate(world.signs):
        columns[sign.name] = _named(("0", "1"), np.where(rows.recorded[:, number], rows.shown[:, number], -1))
    return columns


def transaction_columns(world: World, rows: Rows, draws: Draws) -> Columns:
    """The columns of transactions: account, amount, and the numbers in which signs show (`BOUNDS` of the detector)."""
    columns = people_columns(world, rows)
    size = len(rows.number)
    columns["account"] = [f"account-{number:07d}" for number in rows.cluster.tolist()]
    columns["amount"] = [f"{10 + euros}.{cents:02d}" for euros, cents in _pairs(draws, size)]
    for number, sign in enumerate(world.signs):
        name, numbers = _NUMBERS[sign.name]
        value = np.where(rows.recorded[:, number], numbers(rows.shown[:, number], draws), -1)
        columns[name] = [None if cell < 0 else str(cell) for cell in value.tolist()]
    return columns


def _pairs(draws: Draws, size: int) -> list[tuple[int, int]]:
    return list(zip(draws.below(900, size).tolist(), draws.below(100, size).tolist(), strict=True))


def _split(low: tuple[int, int], high: tuple[int, int]) -> Callable[[BoolArray, Draws], IntArray]:
    """Draw whole numbers within `low` if a sign shows, and within `high` if not; both ends are included."""

    def numbers(shown: BoolArray, draws: Draws) -> IntArray:
        yes = low[0] + draws.below(low[1] - low[0] + 1, len(shown))
        no = high[0] + draws.below(high[1] - high[0] + 1, len(shown))
        return np.where(shown, yes, no)

    return numbers


_NUMBERS: Final[dict[str, tuple[str, Callable[[BoolArray, Draws], IntArray]]]] = {
    "cash_out_soon": ("minutes_to_cash_out", _split((1, 59), (60, 9_000))),
    "many_senders": ("senders_30_days", _split((8, 30), (0, 7))),
    "shared_device": ("accounts_on_device", _split((3, 9), (1, 2))),
    "same_reference": ("same_reference_30_days", _split((5, 25), (0, 4))),
    "at_night": ("hour", _split((0, 4), (5, 23))),
    "emptied": ("balance_after", _split((0, 9), (10, 4_000))),
    "new_payee": ("days_payee_known", _split((0, 6), (7, 900))),
}
"""By sign: the column in which it shows, and how to draw its numbers. The detector knows the same bounds."""


def number_column(sign: str) -> str:
    """The column of numbers in which a sign of a transaction shows."""
    return _NUMBERS[sign][0]


def _named(names: Sequence[str], places: IntArray) -> list[str | None]:
    known: list[str | None] = [*names, None]
    return [known[index] for index in places.tolist()]
