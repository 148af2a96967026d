"""Write the rows of a world to a file, block by block: CSV with the same bytes everywhere, or Parquet.

Turn drawn rows into adverts: a text in one of three languages, and the people whom it addresses.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audit.worlds import phrases
from audit.worlds.as_typed import as_people_type
from audit.worlds.draws import Draws
from audit.worlds.mechanism import GENDERS, Mechanism
from audit.worlds.rows import Rows, drawn_rows
from audit.worlds.tabular import Columns, people_columns, referral_columns, transaction_columns
from audit.worlds.world import World, WorldName

_CHOICES: Final = 12
"""Random numbers for the wording of an advert, beside two for each sign."""
_PAY_UNKNOWN: Final = 0.2


def advert_columns(world: World, rows: Rows, draws: Draws) -> Columns:
    """The columns of adverts: those about people, the language, the pay that is offered, and the text."""
    columns = people_columns(world, rows)
    size = len(rows.number)
    language = [phrases.LANGUAGES[index] for index in draws.pick(phrases.LANGUAGE_SHARES, size).tolist()]
    euros = (900 + 50 * draws.below(30, size)).tolist()
    is_stated = (~draws.happens(_PAY_UNKNOWN, size)).tolist()
    choices = np.column_stack([draws.below(60, size) for _ in range(_CHOICES + 2 * len(world.signs))]).tolist()
    shown = rows.shown.tolist()
    columns["language"] = language
    columns["pay_offered"] = [str(pay) if known else None for pay, known in zip(euros, is_stated, strict=True)]
    columns["text"] = [_text(world, language[row], columns, row, shown[row], choices[row]) for row in range(size)]
    return columns


def nationality_sentence(language: str, code: str) -> str:
    """The sentence by which an advert addresses a nationality."""
    if code == "XXA":
        return phrases.STATELESS[language]
    return phrases.NATIONALITY_SENTENCE[language].format(word=phrases.NATIONALITY_WORDS[code][language])


def _text(
    world: World, language: str, columns: Columns, row: int, shown: Sequence[bool], choices: Sequence[int]
) -> str:
    def one_of(wordings: Sequence[str], number: int) -> str:
        return wordings[choices[number] % len(wordings)]

    job, town = one_of(phrases.JOBS[language], 0), one_of(phrases.PLACES[language], 1)
    parts = [one_of(phrases.GREETINGS[language], 2).format(job=job, place=town)]
    gender, nationality, pay = (columns[name][row] for name in ("gender", "nationality", "pay_offered"))
    about = [phrases.ADDRESSED_TO[language][gender]] if gender in GENDERS else []
    if nationality is not None:
        about.append(nationality_sentence(language, nationality))
    sentences = [one_of(phrases.PAY[language], 3).format(pay=pay)] if pay is not None else []
    for number, sign in enumerate(world.signs):
        wording, instead = _CHOICES + 2 * number, _CHOICES + 2 * number + 1
        if shown[number]:
            sentences.append(one_of(phrases.SIGN_SENTENCES[sign.name][language], wording))
        elif choices[instead] < 30:
            sentences.append(phrases.ORDINARY_SENTENCES[sign.name][language])
    # the order of the sentences varies, and depends on nothing that matters
    turn = choices[4] % max(len(sentences), 1)
    sentences = sentences[turn:] + sentences[:turn]
    parts += about + sentences if choices[5] < 40 else sentences + about
    return " ".join(part for part in [*parts, one_of(phrases.CONTACTS[language], 6)] if part)


DataFormat = Literal["csv", "parquet"]

_COLUMNS: Final[dict[WorldName, Callable[[World, Rows, Draws], Columns]]] = {
    "adverts": advert_columns,
    "triage": referral_columns,
    "transactions": transaction_columns,
}
_TEXT: Final = frozenset(
    {"gender", "nationality", "source", "language", "text", "age_band", "form", "account", "channel"}
)


def row_blocks(mechanism: Mechanism, rows: int, seed: int, *, as_typed: bool = False) -> Iterator[Columns]:
    """Yield the rows as columns of text, in blocks; genders and nationalities are codes, or words as people type
    them.
    """
    world = mechanism.world
    for drawn, draws in drawn_rows(mechanism, rows, seed):
        columns = _COLUMNS[world.name](world, drawn, draws)
        yield as_people_type(columns, draws) if as_typed else columns


def rows_table(mechanism: Mechanism, rows: int, seed: int) -> pa.Table:
    """Make all rows as a table in memory, with types."""
    return pa.concat_tables(_table(mechanism.world, columns) for columns in row_blocks(mechanism, rows, seed))


def write_rows(
    path: Path, mechanism: Mechanism, rows: int, seed: int, data_format: DataFormat, *, as_typed: bool = False
) -> None:
    """Write the rows to `path`. Raises OSError."""
    parts = row_blocks(mechanism, rows, seed, as_typed=as_typed)
    if data_format == "csv":
        _write_csv(path, parts)
    else:
        _write_parquet(path, mechanism.world, parts)


def _write_csv(path: Path, parts: Iterator[Columns]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, columns in enumerate(parts):
            if number == 0:
                writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))


def _write_parquet(path: Path, world: World, parts: Iterator[Columns]) -> None:
    writer: pq.ParquetWriter | None = None
    try:
        for columns in parts:
            table = _table(world, columns)
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _table(world: World, columns: Columns) -> pa.Table:
    text = _TEXT | {world.id, world.channel}
    return pa.table(
        {
            name: pa.array(values, pa.string())
            if name in text
            else pa.array(values, pa.string()).cast(pa.float64() if name == "amount" else pa.int64())
            for name, values in columns.items()
        }
    )
