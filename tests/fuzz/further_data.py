"""What the further sections of a plan read: columns, reference tables and own measures, most of them hostile."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Final

from fuzz.data_files import CELL_CANARY, ID_CANARY, DataFile, Table, csv_text, healthy, parquet_bytes
from hypothesis import strategies as st

CLUSTER_CANARY: Final = "Zq7cluster"
"""Begins every name of a cluster; clusters are never shown anywhere."""
Column = Callable[[random.Random, int], str | None]

WEIGHTS: Final[Mapping[str, Column]] = {
    "one": lambda _, __: "1",
    "constant": lambda _, __: "2.5",
    "tiny": lambda _, __: "1e-300",
    "huge": lambda _, __: "1e300",
    "steps": lambda rng, _: rng.choice(("1", "3", "10")),
    "any": lambda rng, _: repr(rng.lognormvariate(0, 1)),
    "wide": lambda rng, _: rng.choice(("1", "1", "1", "1e9")),
    "one outweighs": lambda _, number: "1e8" if number == 3 else "1",
}
BAD_WEIGHTS: Final[Mapping[str, Column]] = {
    "wider": lambda _, number: "3e9" if number == 0 else "1",
    "smallest float": lambda _, __: "5e-324",
    "largest float": lambda _, __: "1.7976931348623157e308",
    "none": lambda _, __: None,
} | {
    f"a {value[:12]!r}": (lambda _, number, value=value: value if number == 0 else "1")
    for value in ("", "0", "-1", "-0", "nan", "inf", "1e999", "<5", "0x1", "１", "1,5", CELL_CANARY, "1_0", "5e-324")
}
CLUSTERS: Final[Mapping[str, Column]] = {
    "own": lambda _, number: f"{CLUSTER_CANARY}{number}",
    "one": lambda _, __: CLUSTER_CANARY,
    "two": lambda _, number: f"{CLUSTER_CANARY}{number % 2}",
    "pairs": lambda _, number: f"{CLUSTER_CANARY}{number // 2}",
    "tens": lambda rng, _: f"{CLUSTER_CANARY}{rng.randrange(40)}",
    "giant": lambda _, number: f"{CLUSTER_CANARY}{0 if number % 10 else number}",
    "odd": lambda rng, _: rng.choice(
        (f"{CLUSTER_CANARY}\u202e", f"{CLUSTER_CANARY}👩‍👩‍👧", f"{CLUSTER_CANARY}\n", "<b>")
    ),
}
BAD_CLUSTERS: Final[Mapping[str, Column]] = {
    "a gap": lambda _, number: None if number == 0 else CLUSTER_CANARY,
    "an empty text": lambda _, number: "" if number == 0 else CLUSTER_CANARY,
    "none": lambda _, __: None,
}
CATEGORIES: Final[Mapping[str, Column]] = {
    "few": lambda rng, _: rng.choice(("farm", "street", "home", None)),
    "one": lambda _, __: "farm",
    "none": lambda _, __: None,
    "own": lambda _, number: f"kind {number}",
    "rare": lambda _, number: "rare" if number < 2 else "usual",
    "unknown": lambda rng, _: rng.choice(("unknown", "", "UNKNOWN", None)),
    "odd": lambda rng, _: rng.choice(
        ("\u202eevil\u202c", "<script>alert(1)</script>", "👩‍👩‍👧", "a\nb", "'; DROP", "]]>")
    ),
    "long": lambda rng, _: rng.choice(("x" * 5000, "y" * 5000)),
    "case": lambda rng, _: rng.choice(("ß", "SS", "ss", "ı", "I")),
}
BAD_CATEGORIES: Final[Mapping[str, Column]] = {
    "a mark of suppression": lambda _, number: "<5" if number == 0 else "farm",
    "a star": lambda _, number: "*" if number == 0 else "farm",
}
DRAWN: Final[Mapping[str, Column]] = {
    "half": lambda rng, _: rng.choice(("1", "0")),
    "some": lambda rng, _: rng.choice(("TRUE", "no", None, "", "0", "0", "0")),
    "all": lambda _, __: "1",
    "none": lambda _, __: "0",
    "first": lambda _, number: "1" if number == 0 else None,
}

MEASURES_MODULE: Final = f'''
import decimal
import sys
import warnings
import logging

import numpy as np

def agreement(y_true, y_pred):
    return float((y_true == (y_pred >= 0.5)).mean())

def not_a_number(y_true, y_pred):
    return float("nan")

def infinite(y_true, y_pred):
    return -np.inf

def beyond_floats(y_true, y_pred):
    return 10**400

def nothing(y_true, y_pred):
    return None

def an_array(y_true, y_pred):
    return y_pred

def a_point(y_true, y_pred):
    return np.array(0.25)

def a_list(y_true, y_pred):
    return [0.5]

def a_text(y_true, y_pred):
    return "{CELL_CANARY}"

def complex_number(y_true, y_pred):
    return 1j

def a_decimal(y_true, y_pred):
    return decimal.Decimal("0.5")

def masked(y_true, y_pred):
    return np.ma.masked

def raises(y_true, y_pred):
    raise ValueError("{CELL_CANARY}")

def raises_on_some(y_true, y_pred):
    if y_true.sum() % 2:
        raise KeyError("{CELL_CANARY}")
    return float(y_true.mean())

def leaves(y_true, y_pred):
    raise SystemExit(0)

def recurses(y_true, y_pred):
    return recurses(y_true, y_pred)

def prints(y_true, y_pred):
    print("{{}} printed by the measure")
    sys.stdout.write("and again")
    return 0.5

def warns(y_true, y_pred):
    warnings.warn("{CELL_CANARY}")
    logging.getLogger("own").error("{CELL_CANARY}")
    return 0.5

def mutates(y_true, y_pred):
    y_true[:] = 1
    y_pred[:] = 0
    return float(y_true.mean())

def negative(y_true, y_pred):
    return -1e300

not_callable = 3
'''
MEASURES: Final = (
    "agreement", "agreement", "not_a_number", "infinite", "beyond_floats", "nothing", "an_array", "a_point", "a_list",
    "a_text", "complex_number", "a_decimal", "masked", "raises", "raises_on_some", "leaves", "recurses", "prints",
    "warns", "mutates", "negative",
)  # fmt: skip
BAD_MEASURES: Final = (
    "measures:not_callable", "measures:absent", "nowhere:f", "os:getcwd", "leaves_at_once:f", "raises_at_once:f",
    "measures.inner:f", "reference:f",
)  # fmt: skip
MODULES: Final[Mapping[str, str]] = {
    "measures.py": MEASURES_MODULE,
    "leaves_at_once.py": "raise SystemExit(0)\n",
    "raises_at_once.py": f"raise ValueError('{CELL_CANARY}')\n",
}

REFERENCES: Final[Mapping[str, bytes]] = {
    "shares": b"level,share\nwoman,0.7\nman,0.3\n",
    "persons": b"level,share\nwoman,700\nman,300\nunknown,0\n",
    "one level": b"level,share\nwoman,1\n",
    "huge": b"level,share\nwoman,1e300\nman,1e-300\n",
    "huge together": b"level,share\nwoman,1.7e308\nman,1.7e308\n",
    "tiny": b"level,share\nwoman,5e-324\nman,0\n",
    "marked": b"\xef\xbb\xbflevel,share\r\nwoman,2\r\nman,1\r\n",
}
BAD_REFERENCES: Final[Mapping[str, bytes | None]] = {
    "absent": None,
    "empty": b"",
    "a header": b"level,share\n",
    "a level twice": b"level,share\nwoman,1\nwoman,2\n",
    "negative": b"level,share\nwoman,-1\nman,2\n",
    "nothing above 0": b"level,share\nwoman,0\nman,0\n",
    "infinite": b"level,share\nwoman,1e999\nman,1\n",
    "suppressed": b"level,share\nwoman,<5\nman,2\n",
    "no share": b"level,share\nwoman,\nman,2\n",
    "no level": b"level,share\n,1\nman,2\n",
    "unknown level": f"level,share\n{CELL_CANARY},1\nman,2\n".encode(),
    "other columns": f"{CELL_CANARY},b\nwoman,1\n".encode(),
    "ragged": f"level,share\nwoman,1,{CELL_CANARY}\nman,2\n".encode(),
    "no text": b"\x00\xff\xfe\x00level,share",
    "another encoding": "level,share\nwöman,1\n".encode("latin-1"),
    "percent": b"level,share\nwoman,70%\nman,30%\n",
    "a page": f"<!doctype html><p>{CELL_CANARY}\n".encode(),
    "an open quote": b'level,share\n"woman,1\nman,2\n',
    "too many": b"level,share\n" + b"".join(b"l%d,1\n" % number for number in range(10_001)),
}
NAMES: Final = ("weight", "cluster", "form", "channel", "drawn")
"""The further columns."""


@st.composite
def further_tables(draw: st.DrawFn, *, bad: str = "") -> Table:
    """A table with the further columns; `bad` names one that cannot be accepted."""
    rows = draw(st.sampled_from((60, 200, 400, 400, 800, 1, 2, 3, 7, 12)))
    table = healthy(draw(st.integers(0, 9999)), rows, detector=draw(st.sampled_from(("blind", "right", "worse"))))
    rng = random.Random(draw(st.integers(0, 9999)))
    kinds: Mapping[str, tuple[Mapping[str, Column], Mapping[str, Column]]] = {
        "weight": (WEIGHTS, BAD_WEIGHTS),
        "cluster": (CLUSTERS, BAD_CLUSTERS),
        "form": (CATEGORIES, BAD_CATEGORIES),
        "channel": (CATEGORIES, BAD_CATEGORIES),
        "drawn": (DRAWN, DRAWN),
    }
    made = []
    for name in NAMES:
        good, wrong = kinds[name]
        known = wrong if name == bad else good
        made.append(known[draw(st.sampled_from(sorted(known)))])
    cells = [[*row, *(one(rng, number) for one in made)] for number, row in enumerate(table.rows)]
    for column, values in draw(st.sampled_from(_UNIFORM)).items():
        for row in cells:
            row[table.header.index(column)] = values
    return Table((*table.header, *NAMES), tuple(map(tuple, cells)))


_UNIFORM: Final[tuple[dict[str, str | None], ...]] = (
    {}, {}, {}, {}, {"exploited": "0"}, {"exploited": "1"}, {"exploited": None}, {"gender": "woman"}, {"gender": None},
    {"decision": "0", "score": "0"}, {"decision": "1", "score": "1"}, {"decision": None, "score": None},
    {"nationality": None}, {"score": "0.5"}, {"setting": None},
)  # fmt: skip


def as_file(table: Table, how: str, order: int | None = None) -> DataFile:
    """The table as a file; `order` is the seed of another order of its rows."""
    rows = list(table.rows)
    if order is not None:
        random.Random(order).shuffle(rows)
    shuffled = Table(table.header, tuple(rows))
    if how == "csv":
        return DataFile("cases.csv", csv_text(shuffled).encode(), len(rows))
    return DataFile("cases.parquet", parquet_bytes(shuffled, how), len(rows))


def told_nothing(text: str) -> bool:
    """Whether no id, no cluster and no faulty cell stands in a text."""
    return not any(canary in text for canary in (ID_CANARY, CLUSTER_CANARY, CELL_CANARY))
