"""Find the 64-bit hashes that occur twice among the hashes of all rows, with a few megabytes for any number of rows.

Up to `IN_MEMORY` hashes are sorted at once. More hashes are distributed by their first bits over files in the private
folder, and each file is sorted by itself: equal hashes are always in the same file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from io import FileIO
from typing import TYPE_CHECKING, Final

from audit.engines.read_errors import room_on_disk

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from audit.engines.duckdb import DuckDBEngine

    Hashes = npt.NDArray[np.uint64]

IN_MEMORY: Final = 1 << 20
"""Number of hashes that are sorted at once: 8 MiB."""
_MOST_BITS: Final = 8
"""With 8 bits at most 256 files are open at the same time; beyond 2**28 rows the files grow."""
_BATCH: Final = 1 << 17
_COMPARING: Final = "to compare values"


def repeated_hashes(
    engine: DuckDBEngine, query: str, rows: int, source_name: str, *, in_memory: int = IN_MEMORY
) -> Hashes:
    """Hashes that occur more than once, each of them once, uint64[m].

    Parameters
    ----------
    engine : DuckDBEngine
        Its private folder takes files if there are more than `in_memory` rows; none of them is left.
    query : str
        SQL that gives one UBIGINT for each row, none of them NULL, in the same order each time.
    rows : int
        Number of rows of the query.
    source_name : str
        Name of the file, for messages.

    Raises
    ------
    StorageError
        The private folder has no room.
    """
    import numpy as np

    if rows <= in_memory:
        hashes = _hashes(engine.sql(query).to_arrow_reader(_BATCH))
        return _repeated(np.concatenate([*hashes, np.empty(0, dtype=np.uint64)]))
    bits = min(((rows - 1) // in_memory).bit_length(), _MOST_BITS)
    paths = [engine.private.path / f"hashes-{number}" for number in range(1 << bits)]
    try:
        with contextlib.ExitStack() as stack:
            with room_on_disk(source_name, _COMPARING):
                files = [stack.enter_context(path.open("wb", buffering=0)) for path in paths]
            for some in _hashes(engine.stream(query, _BATCH)):
                with room_on_disk(source_name, _COMPARING):
                    _deal(some, files, bits)
        with room_on_disk(source_name, _COMPARING):
            return np.concatenate([_repeated(np.fromfile(path, dtype=np.uint64)) for path in paths])
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def _hashes(batches: Iterable[pa.RecordBatch]) -> Iterator[Hashes]:
    import numpy as np

    for batch in batches:
        column = batch.column(0)
        yield np.frombuffer(column.buffers()[1], dtype=np.uint64)[column.offset :][: batch.num_rows]


def _deal(hashes: Hashes, files: Sequence[FileIO], bits: int) -> None:
    """Append each hash to the file of its first bits."""
    import numpy as np

    first = (hashes >> np.uint64(64 - bits)).astype(np.uint8)
    dealt = hashes[np.argsort(first, kind="stable")]
    ends = np.cumsum(np.bincount(first, minlength=len(files)))
    for file, own in zip(files, np.split(dealt, ends[:-1]), strict=True):
        left = memoryview(own.tobytes())
        while left:
            left = left[file.write(left) :]


def _repeated(hashes: Hashes) -> Hashes:
    """Values that occur more than once. Sorts `hashes` in place."""
    import numpy as np

    hashes.sort()
    again = hashes[1:][hashes[1:] == hashes[:-1]]
    return np.concatenate([again[:1], again[1:][again[1:] != again[:-1]]])  # `unique` loads masked arrays
