"""Secret keys for people and for counts: the same people always get the same noise, and nobody else can compute it.

A record key is 64 bits of keyed BLAKE2b over a person's stable id. The key of a count is the sum of the record keys of
those counted, modulo 2^64, hashed once more under the secret: two counts of the same people get the same key, in every
table and every release. Where no ids are at hand the key of a finest count takes the place of its record keys: it
depends on which count it is and on its size, so that the same counts get the same noise.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from audit.counting.table import DECISIONS, UNLABELLED, CountsTable
from audit.disclosure.keys_file import KEY_BYTES
from audit.disclosure.noise import UIntArray
from audit.errors import DataError
from audit.stats.arrays import IntArray

_DIGEST: Final = 8


def new_key() -> bytes:
    """A new secret key, from the operating system's source of random bits."""
    return secrets.token_bytes(KEY_BYTES)


def record_keys(ids: Iterable[str], secret: bytes) -> UIntArray:
    """uint64[n]: the key of each person, all 64 bits of it, from a stable id."""
    blake2b = hashlib.blake2b
    digests = b"".join(
        blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_DIGEST, key=secret, person=b"record").digest()
        for name in ids
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def key_sums(table: CountsTable, places: IntArray, cells: IntArray, ids: Sequence[str], secret: bytes) -> UIntArray:
    """Add the record keys of the people in each cell of a counts table, modulo 2^64.

    Parameters
    ----------
    table : CountsTable
        The counts of these people.
    places, cells : array_like of int, shape (n,)
        Of each person: the place of the finest group in `table.codes`, and `label * DECISIONS + decision`.
    ids : sequence of str, length n
        A stable id of each person.

    Returns
    -------
    ndarray of uint64, shape (K, 3, 4)
        As `table.cells`.

    Raises
    ------
    DataError
        If an id stands twice, or the people are not those that the table counts: a person is protected as one.
    """
    shape = (len(table.codes), UNLABELLED + 1, DECISIONS)
    flat = np.asarray(places, dtype=np.int64) * (shape[1] * shape[2]) + np.asarray(cells, dtype=np.int64)
    counted = np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)
    if len(set(ids)) != len(ids) or counted.shape != shape or not np.array_equal(counted, table.cells):
        raise DataError(
            "the rows of the set are not one for each person",
            slug="people-are-not-rows",
            hint="collapse the set to one row for each person before a public table is made of it",
        )
    sums = np.zeros(flat_size := int(np.prod(shape)), dtype=np.uint64)
    order = np.argsort(flat, kind="stable")
    starts = np.flatnonzero(np.diff(flat[order], prepend=-1))
    if flat_size and starts.size:
        sums[flat[order][starts]] = np.add.reduceat(record_keys(ids, secret)[order], starts)
    return sums.reshape(shape)


def keys_of_counts(
    names: Sequence[tuple[str, ...]], sides: Sequence[str], counts: IntArray, secret: bytes
) -> UIntArray:
    """uint64[L, K]: a key for each finest count, from whose count it is and how large; 0 for a count of 0.

    Parameters
    ----------
    names : sequence of tuple of str, length L
        The codes of each finest group.
    sides : sequence of str, length K
        What each column counts a part of. Columns of one side that hold the same number hold the same people, and get
        the same key.
    counts : array_like of int, shape (L, K)
        The counts.
    """
    keys = np.zeros(counts.shape, dtype=np.uint64)
    for place, column in zip(*np.nonzero(counts), strict=True):
        said = "\x1f".join((*names[place], sides[column], str(int(counts[place, column]))))
        keys[place, column] = _number(said.encode(), secret, b"count")
    return keys


def mixed(sums: UIntArray, secret: bytes) -> UIntArray:
    """uint64, as `sums`: each sum of keys hashed once under the secret, so that sums that are close say nothing."""
    flat = np.ascontiguousarray(sums, dtype="<u8").tobytes()
    digests = b"".join(
        hashlib.blake2b(flat[at : at + 8], digest_size=_DIGEST, key=secret, person=b"cell").digest()
        for at in range(0, len(flat), 8)
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64).reshape(sums.shape)


def _number(said: bytes, secret: bytes, person: bytes) -> int:
    digest = hashlib.blake2b(said, digest_size=_DIGEST, key=secret, person=person).digest()
    return int.from_bytes(digest, "little")
