"""Writes docs/reference/error-rates.md: of each property what is promised and what was measured.

`measured.json` holds what `--record` kept: of each property of a simulation the worst world. `error-rates.toml` holds
what cannot be computed: how a question is answered, text between tables, and figures that were measured before this
page was generated.
"""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tools.simulate.runner import Promise, Row, Share

FOLDER: Final = Path(__file__).parent
MEASURED: Final = FOLDER / "measured.json"
TEXT: Final = FOLDER / "error-rates.toml"
Record = dict[str, Any]


def record(simulation: str, rows: Sequence[Row], runs: int, seed: int, promises: Mapping[str, Promise]) -> None:
    """Keep the worst world of each property of a simulation, in place of what was kept of it before."""
    by_property: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_property[row.property].append(row)
    records = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    records[simulation] = {
        "date": datetime.now(tz=UTC).date().isoformat(),
        "runs": runs,
        "seed": seed,
        "properties": {name: _worst(worlds, promises.get(name, Promise())) for name, worlds in by_property.items()},
    }
    MEASURED.write_text(json.dumps(records, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def _worst(rows: Sequence[Row], promise: Promise) -> Record:
    """Return the row that is nearest to breaking a promise; without a promise that with fewest events."""
    high_is_worse = promise.kind in ("at most", "about")
    row = max(rows, key=lambda world_row: world_row.measured.share if high_is_worse else -world_row.measured.share)
    note = f"; {row.measured.note}" if row.measured.note else ""
    return {
        "promised": str(promise),
        "world": f"{row.world}{note}",
        "worlds": len(rows),
        "events": row.measured.events,
        "trials": row.measured.trials,
        "all_events": sum(world_row.measured.events for world_row in rows),
        "all_trials": sum(world_row.measured.trials for world_row in rows),
    }


def error_rates_page() -> str:
    """Return the page."""
    text = tomllib.loads(TEXT.read_text(encoding="utf-8"))
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    parts = [text["intro"].strip()]
    for section in text["section"]:
        parts += [f"## {section['title']}", section.get("text", "").strip()]
        parts.append("\n".join(_table(section.get("simulations", ()), measured)))
        parts.append("\n".join(_before(section.get("before", ()))))
        parts.append(section.get("after", "").strip())
    return "\n\n".join(filter(None, parts)) + "\n"


def _table(simulations: Sequence[str], measured: Mapping[str, Record]) -> Iterator[str]:
    """Yield the rows of what was recorded; of a simulation that was not, nothing."""
    recorded = [name for name in simulations if name in measured]
    if recorded:
        yield "| Property | Promised | All, % (s.e.; trials) | Worst, % (s.e.; trials) | At most | Worlds: worst |"
        yield "|---|---|---|---|---|---|"
    for name in recorded:
        run = measured[name]
        yield f"| **`--only {name}`**, {run['date']}, `--runs {run['runs']} --seed {run['seed']}` | | | | | |"
        for title, entry in run["properties"].items():
            worst, every = (Share(entry[f"{prefix}events"], entry[f"{prefix}trials"]) for prefix in ("", "all_"))
            figures = f"{_figure(every)} | {_figure(worst)} | {100 * worst.at_most:.2f}"
            yield f"| {title} | {entry['promised']} | {figures} | {entry['worlds']}: {entry['world']} |"


def _figure(share: Share) -> str:
    return f"{100 * share.share:.2f} ({100 * share.standard_error:.2f}; {share.trials:,})"


def _before(rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    if rows:
        yield "| Measured at 4f6acf20 or before | How | Wrong (runs) | At most |"
        yield "|---|---|---|---|"
    for row in rows:
        yield f"| {row['answer']} | {row['how']} | {row['wrong']} | {row['at_most']} |"
