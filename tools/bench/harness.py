"""Costs of the harness over a bare model of each kind, of a durable checkpoint, and the memory of scoring."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tools.bench.lines import Line
from tools.bench.measures import module
from tools.bench.scored_set import write_set

SLOW: Final = 50_000
"""Rows in a second. The harness has a goal for slower models; a faster model is done before it matters."""
MOST: Final = 1.3
MEASURED: Final = (
    ("python", 4096),
    ("skops", 4096),
    ("skops-child", 4096),
    ("skops-child", 256),
    ("skops-fast", 4096),
    ("onnx", 4096),
    ("onnx-fast", 4096),
    ("command", 4096),
    ("http", 64),
    ("http", 256),
)
"""Kinds of `tools.bench.scored_kinds`, and the rows of a batch. In a child a detector runs with `--sandbox auto`."""
MOST_HELD: Final = 1.15
"""Ratio of the peak memory of a larger set to that of the first: memory should not grow with the rows."""


def harness_lines(
    folder: Path,
    rows: int,
    held: Sequence[int],
    *,
    rounds: int,
    say: Callable[[str], None],
    measured: Sequence[tuple[str, int]] = MEASURED,
) -> Iterator[Line]:
    """Measure, and yield every line; `held` are the sizes of the sets whose scoring is measured by its memory."""
    data = _data(folder, rows)
    for kind, batch in measured:
        say(f"{kind} with and without the harness, batches of {batch}")
        spent = json.loads(module("scoring", "overhead", data, kind, batch, rounds).output)
        bare, ours = spent["rows"] / spent["bare"], spent["rows"] / spent["ours"]
        goal = MOST if bare < SLOW else None
        faster = "" if goal else f"; faster than {SLOW:,} rows/s: no goal"
        opened = f"; opening it {spent['opening']:.2f} s, not counted" if spent["opening"] else ""
        note = f"{ours:,.0f} rows/s to {bare:,.0f}{faster}{opened}"
        yield Line(
            f"scoring by {kind}, batches of {batch}, to the bare model", spent["ours"] / spent["bare"], "x", goal, note
        )
    say("a durable checkpoint")
    seconds = json.loads(module("scoring", "checkpoint", 10 * rounds).output)
    yield Line("a durable checkpoint of 10,000 rows", 1000 * seconds, "ms", 20)
    yield from _memory(folder, held, say)


def _memory(folder: Path, held: Sequence[int], say: Callable[[str], None]) -> Iterator[Line]:
    first: tuple[int, int] | None = None
    for rows in held:
        say(f"the memory of scoring {rows:,} rows")
        used = module("scoring", "memory", _data(folder, rows))
        note = f"{used.seconds:.1f} s"
        if first is not None:
            more = (used.peak_bytes - first[1]) / (rows - first[0])
            note += f"; {more:,.0f} bytes for each row beyond {first[0]:,}"
        first = (rows, used.peak_bytes) if first is None else first
        goal = MOST_HELD * first[1] / 1e6 if rows > first[0] else None
        yield Line(f"scoring {rows:,} rows, peak memory", used.peak_bytes / 1e6, "MB", goal, note)


def _data(folder: Path, rows: int) -> Path:
    path = folder / f"scored-{rows}.parquet"
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        write_set(unfinished, rows)
        unfinished.replace(path)
    return path
