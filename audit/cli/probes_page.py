"""What `audit7k probes` prints: slot by slot what is changed, how much there is to score, and a few of the texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from audit.cli.group_names import printable
from audit.cli.terminal import Style
from audit.vocabulary.text import count_of

if TYPE_CHECKING:
    from audit.counting.probed import Design

_TEXTS: Final = 3
_NAMED: Final = 6


def probes_page(designs: Sequence[Design], style: Style) -> str:
    """Probe by probe. Of rows of the evaluation set nothing is shown: they are about people."""
    return "\n".join(line for design in designs for line in _lines(design, style)) + "\n"


def _lines(design: Design, style: Style) -> Iterator[str]:
    templates = {"text": "templates", "row": "rows", "cluster": "clusters"}[design.unit]
    changes = count_of(len(design.comparisons), "change")
    yield style.paint(f"{design.probe}: {len(design.ids):,} to score, {changes}", "strong")
    yield f"  {design.templates:,} {templates} from {printable(design.source)}; words: {printable(design.words)}"
    if design.alike:
        yield f"  {design.alike:,} pairs read the same after the change, and are left out"
    yield from (f"  not used: {printable(told)}" for told in design.unused)
    for slot in design.slots:
        names = list(slot.names.values())
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        yield f"  {slot.slot}: {printable(', '.join(names[:_NAMED]))}{more}; compared with: {printable(slot.anchor)}"
    if design.kind == "text":
        yield from (f"  > {printable(text)}" for text in _texts(design))
    yield ""


def _texts(design: Design) -> list[str]:
    """The first anchor, and what becomes of it under the first changes."""
    column = design.batch.column(design.batch.schema.get_field_index(design.columns[0]))
    pairs = design.pairs
    first = int(pairs.anchor[0])
    changed = [int(place) for place in pairs.variant[pairs.anchor == first][: _TEXTS - 1]]
    return [column[place].as_py() for place in (first, *changed)]
