"""Ids: every row has one, and no two rows have the same."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from audit.engines.protocol import Found, Repeats, identifier
from audit.engines.read_errors import reading
from audit.errors import DataError
from audit.evaluation.checks import Check, alongside, ask, refuse_rows
from audit.evaluation.relation import EXACT_INTEGERS, Relation, check_text_type, is_float, text_of
from audit.vocabulary.text import rows_text, shown

if TYPE_CHECKING:
    from audit.engines.protocol import Engine

_WHOLE: Final = frozenset({"SMALLINT", "INTEGER", "BIGINT"})
"""Types of ids that are numbers whose differences are numbers of 64 bits."""


def check_ids(relation: Relation, column: str) -> Check[str]:
    """Check the ids of a relation.

    Returns
    -------
    str
        SQL of the id as text (VARCHAR), never empty and never the same in two rows.

    Raises
    ------
    DataError
        If ids are missing or repeated, or were stored as floats too large to be exact; with how many and which rows.
    StorageError
        If there is no room to compare them.
    """
    kind, expression = relation.types[column], relation.expression(column)
    check_text_type(relation.source_name, column, kind, "the id")
    text = text_of(expression, kind)
    missing = refuse_rows(relation, f"{text} IS NULL OR {text} = ''", f'no id in "{shown(column)}"', slug="missing-ids")
    rounded = refuse_rows(
        relation,
        f"abs({expression}) >= {EXACT_INTEGERS}",
        f'ids in "{shown(column)}" were stored as floats, and are too large to be exact',
        slug="rounded-ids",
    )
    yield from alongside(missing, *([rounded] if is_float(kind) else []))
    integer = expression if kind in _WHOLE else None
    repeated: Found = yield from ask(Repeats(text, integer, relation.rows, relation.source_name))
    if repeated.number:
        raise DataError(
            f'{shown(relation.source_name)}: the id in "{shown(column)}" was seen before in {rows_text(*repeated)}',
            slug="duplicate-ids",
        )
    return text


def cases_digest(engine: Engine, relation: Relation, text: str) -> str:
    """SHA-256 (hex) of the ids of a relation, equal for every order of rows and every format of file.

    Parameters
    ----------
    text : str
        SQL of the id, as `check_ids` returns it.

    Notes
    -----
    The digest of how many ids there are and of the sums of the two halves of their MD5 (as a number whose lowest byte
    comes first). It distinguishes sets that were not made to collide, and reveals nothing about a single id. Raises
    DataError where rows cannot be read.
    """
    with reading(relation.source_name):
        high, low = engine.digest_sums(identifier(relation.name), text)
    return hashlib.sha256(f"{relation.rows} {high} {low}".encode()).hexdigest()
