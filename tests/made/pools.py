"""Small pools to draw from, and their designs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from audit.plan.file.plan_file import parse_design
from audit.plan.sampling_design import SamplingDesign
from audit.planning.draw import DrawReport, draw_set

POOL = """
schema = 1
[pool]
id = "case_id"
label = "exploited"
label_source = "made for a test"
"""
GROUPS = """
[groups.gender]
column = "gender"
[groups.nationality]
column = "nationality"
"""
RULE = """
[[rules]]
metric = "true_positive_rate"
groups = ["gender", "nationality"]
margin = 0.1
"""
Pool = dict[str, list[str | None]]


def pool_cells(sizes: Sequence[tuple[str | None, str | None, str | None, int]]) -> Pool:
    """So many rows of each gender, nationality and label, with an advert and an advertiser of their own."""
    rows = [row[:3] for row in sizes for _ in range(row[3])]
    return {
        "case_id": [f"case-{place:05}" for place in range(len(rows))],
        "gender": [row[0] for row in rows],
        "nationality": [row[1] for row in rows],
        "exploited": [row[2] for row in rows],
        "advertiser": [f"advertiser {place}" for place in range(len(rows))],
        "advert": [f"{_letters(place)} the text of an advert, as long as one is" for place in range(len(rows))],
    }


def _letters(number: int) -> str:
    """A word for a number: texts that differ in numbers alone are copies."""
    return str(number).translate(_LETTERS)


_LETTERS = str.maketrans("0123456789", "abcdefghij")


FOUR = (("woman", "NGA", "1", 60), ("woman", "KEN", "1", 40), ("man", "NGA", "1", 30), ("man", "KEN", "1", 8))
"""Cells of exploited cases; everyone else is as many times ten."""


def usual_pool() -> Pool:
    """Two genders, two nationalities, few cases of exploitation, some features unknown, some rows unlabelled."""
    rest = [(gender, nationality, "0", 10 * size) for gender, nationality, _, size in FOUR]
    return pool_cells([*FOUR, *rest, (None, "NGA", "1", 3), ("woman", None, "0", 4), ("man", "KEN", None, 7)])


def made_design(
    draw: str, *, pool: str = "", groups: str = GROUPS, rules: str | None = None, more: str = ""
) -> SamplingDesign:
    """A design: `draw` is the inside of [draw], without the seed where it is 1.

    Where it does not say otherwise there is a rule if the draw goes by rules: a set drawn with one is checked by it,
    which takes as long as to draw it.
    """
    rules = RULE * ("decidable" in draw) if rules is None else rules
    seed = "" if "seed" in draw else "seed = 1\n"
    return parse_design(f"{POOL}{pool}\n[draw]\n{draw}\n{seed}{groups}{rules}{more}")


def drawn_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a drawn Parquet file."""
    return list(pq.read_table(path).to_pylist())


def draw(design: SamplingDesign, pool: Path) -> tuple[DrawReport, list[dict[str, Any]]]:
    """Draw a set beside its pool, and read it."""
    target = pool.parent / "drawn.parquet"
    report = draw_set(design, pool, target)
    return report, drawn_rows(target)
