"""What descriptions of a set have spent: a file in its restricted folder, and the refusal to spend more than declared.

Epsilon adds up over everything that was ever released of the same people. So the whole folder has one budget, whatever
the digest of the file: a set with one row more, or in another format, holds the same people.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from audit.errors import RefusedReleaseError, ResultError
from audit.plan.answers import Strict
from audit.storage import locked, storage, write_durably

__all__ = ["DEFAULT_BUDGET", "LEDGER", "Ledger", "Spending", "TableSpending", "open_ledger"]

LEDGER: Final = "dp-ledger.json"
DEFAULT_BUDGET: Final = Decimal(3)
_LARGEST: Final = 16 * 1024 * 1024

Epsilon = Annotated[Decimal, Field(gt=0, le=1000, decimal_places=6)]
"""Written as text: `"0.333333"`. Sums of these are exact."""


class TableSpending(Strict):
    """What one table cost."""

    table: str
    epsilon: Epsilon


class Spending(Strict):
    """What one description cost. It holds no count."""

    number: Annotated[int, Field(ge=1)]
    """From 1."""
    made_on: str
    """The day."""
    set_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of which file."""
    rows_per_unit: Annotated[int, Field(ge=1)]
    """Rows of a unit that counted at most."""
    tables: Annotated[tuple[TableSpending, ...], Field(min_length=1)]
    """By table."""

    @property
    def epsilon(self) -> Decimal:
        """The sum."""
        return sum((table.epsilon for table in self.tables), Decimal(0))


class _Book(Strict):
    kind: Literal["audit7k-dp-ledger"]
    schema_version: Literal[1]
    budget: Epsilon
    unit: Literal["row", "cluster"]
    cluster: str | None
    entries: tuple[Spending, ...]


class Ledger:
    """An open ledger: nobody else spends meanwhile. Made by `open_ledger`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LEDGER
        self._book = self._read()

    @property
    def is_new(self) -> bool:
        """Whether nothing was spent here before."""
        return self._book is None or not self._book.entries

    @property
    def spent(self) -> Decimal:
        """The sum over all entries."""
        entries = () if self._book is None else self._book.entries
        return sum((entry.epsilon for entry in entries), Decimal(0))

    @property
    def budget(self) -> Decimal:
        """What may be spent at most; after `settle`."""
        assert self._book is not None  # noqa: S101 - settled before
        return self._book.budget

    def settle(self, budget: Decimal | None, cluster: str | None) -> None:
        """Hold this description to the budget and the unit that the first one declared; None: the same, or 3.

        Raises
        ------
        RefusedReleaseError
            If another budget was declared, or another unit: epsilons of different units do not add up.
        """
        if self._book is None:
            self._book = _Book(
                kind="audit7k-dp-ledger",
                schema_version=1,
                budget=DEFAULT_BUDGET if budget is None else budget,
                unit="row" if cluster is None else "cluster",
                cluster=cluster,
                entries=(),
            )
        if budget is not None and budget != self._book.budget:
            raise RefusedReleaseError(
                f"the first description of this set declared a budget of {plain(self._book.budget)}",
                slug="dp-other-budget",
                hint="leave --budget out: a budget that can be raised is none",
            )
        if cluster != self._book.cluster:
            raise RefusedReleaseError(
                "earlier descriptions protected another unit than this plan names",
                slug="dp-other-unit",
                hint="name the same column as `cluster` in [evaluation_set], or none if there was none",
            )

    def check(self, epsilon: Decimal) -> None:
        """Raise RefusedReleaseError where so much more is beyond the budget."""
        if self.spent + epsilon > self.budget:
            left = self.budget - self.spent
            raise RefusedReleaseError(
                f"epsilon {plain(epsilon)} is more than is left: {plain(self.spent)} of {plain(self.budget)} was spent",
                slug="dp-budget",
                hint=f"ask for at most {plain(left)}" if left > 0 else "publish the descriptions that there are",
            )

    def append(self, made_on: str, sha256: str, rows_per_unit: int, tables: tuple[TableSpending, ...]) -> None:
        """Write down what is spent, before anybody sees what it bought.

        Raises
        ------
        RefusedReleaseError
            If it is beyond the budget.
        StorageError
            If it cannot be written: then nothing may be shown.
        """
        book = self._book
        assert book is not None  # noqa: S101 - settled before
        entry = Spending(
            number=len(book.entries) + 1,
            made_on=made_on,
            set_sha256=sha256,
            rows_per_unit=rows_per_unit,
            tables=tables,
        )
        self.check(entry.epsilon)
        self._book = book.model_copy(update={"entries": (*book.entries, entry)})
        with storage(self._path):
            write_durably(self._path, (self._book.model_dump_json(indent=2) + "\n").encode())

    def _read(self) -> _Book | None:
        if not self._path.exists():
            return None
        if self._path.stat().st_size > _LARGEST:
            raise _damaged()
        try:
            book = _Book.model_validate_json(self._path.read_bytes())
        except (ValidationError, RecursionError):
            raise _damaged() from None
        if [entry.number for entry in book.entries] != list(range(1, len(book.entries) + 1)):
            raise _damaged()
        if (book.unit == "row") != (book.cluster is None):
            raise _damaged()
        return book


@contextmanager
def open_ledger(folder: Path) -> Iterator[Ledger]:
    """Open the ledger of a restricted folder, which is made (0700) where it is not there.

    Raises
    ------
    FolderInUseError
        If somebody else has the folder open.
    ResultError
        If the ledger is not as it was written.
    StorageError
        If it cannot be read or written.
    """
    with locked(folder):
        with storage(folder):
            ledger = Ledger(folder)
        yield ledger


def plain(epsilon: Decimal) -> str:
    """As in 0.5, without zeros at the end and without an exponent."""
    return f"{epsilon.normalize():f}"


def _damaged() -> ResultError:
    return ResultError(
        f"{LEDGER} of the restricted folder is not as it was written",
        slug="dp-ledger-damaged",
        hint="put it back from a copy: without it nobody knows what was spent",
    )
