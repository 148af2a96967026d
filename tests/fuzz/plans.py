"""Plans for the fuzz tests: a whole plan over the columns of `data_files`, then a few values of it changed."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any, Final

from fuzz.data_files import CELL_CANARY, DataFile
from hypothesis import strategies as st

METRICS: Final = (
    "true_positive_rate", "false_negative_rate", "false_positive_rate", "true_negative_rate", "precision", "accuracy",
    "selection_rate", "base_rate",
)  # fmt: skip
LADDERS: Final[tuple[list[str], ...]] = (
    ["country", "m49-subregion", "m49-region"], ["country", "m49-subregion"], ["country", "m49-region"], ["country"],
    [],
)  # fmt: skip
_WORDS: Final = (
    "", " ", "woman", "1", "0", "unknown", "nationality", "rest", "NA", "ſ", "ß", "SS", "İ", "\u202eevil", "a\x00b",
    "x" * 5000, "👩‍👩‍👧" * 60, "\x1b[2J", "\n", "'; DROP TABLE source; --", '"', "{{7*7}}", "<script>", "]]>", "..",
    "/", "/dev/null", "~", "café", "\ud7ff", "case_id", "score", "__row__", "GBR", "XKX", f"{'../' * 40}etc/passwd",
)  # fmt: skip
_NUMBERS: Final = (
    0, 1, -1, 2, 5, 10**6, 2**31, 2**63 - 1, 2**63, 2**64, 10**30, 10**400, 0.0, -0.0, 5e-324, 1e-300, 1e-12, 0.01, 0.2,
    0.5, 0.5000000001, 0.8, 0.9999999999999999, 1.0, 1.0000001, 1e308, -1e308, math.nan, math.inf, -math.inf,
)  # fmt: skip
_ALLOWED: Final[Mapping[str, tuple[Any, ...]]] = {
    "alpha": (0.005, 0.006, 0.01, 0.2),
    "margin": (0.001, 0.05, 0.2, 0.5, 0.999),
    "ratio": (0.01, 0.1, 0.5, 0.8, 0.9999999999999999),
    "expected_rate": (5e-324, 1e-12, 0.5, 0.9999999999999999),
    "power": (0.5000000000000001, 0.9, 0.99),
    "level": (0.5, 0.99, 0.9999),
    "min_coverage": (0, 5e-324, 1, 0.9999999999999999),
    "min_denominator": (1, 2, 100, 2**63 - 1, 2**63, 10**30),
    "min_cases": (1, 2, 29, 2**63 - 1, 2**63, 10**30, "auto"),
    "seed": (0, 2**63, 2**64, 10**60),
    "batch_size": (1, 2, 1_000_000),
    "order": ("id", "file"),
    "compare_with": (["rest"], ["overall"], ["rest", "overall"], ["rest", "rest"], []),
    "ladder": LADDERS,
    "direction": ("worse", "both"),
    "route": ("services", "enforcement", "both"),
    "missing": ([CELL_CANARY], [""], ["NA", "XXX"], ["woman"], ["farm", "farm"]),
    "label_missing": (["<5"], ["NA"], [CELL_CANARY]),
    "score_range": ([0, 1], [-1e308, 1e308], [0.0, 1e30], [-1, 2**63], [0, 10**30]),
    "top_k": (1, 2, 30, 10**6, 2**31, 2**63 - 1, 2**63, 10**30),
    "threshold": (0.0, -0.0, 5e-324, 1.0, 0.9999999999999999, 1, 0),
    "reason": ("\u202eevil\u202c", "<b>", "x" * 9000, "\x1b[2J", "a\x00b", "\n"),
    "rows_are": ("persons", "<b>", "\u202e", "\x1b[2J", "a\x00b", "x" * 200),
    "reference": ("woman", "man", "nobody", "NGA", "002", "", CELL_CANARY),
}
"""Values that a plan may hold, most of them at an edge of what it may."""
_EDGES: Final[Mapping[str, tuple[Any, ...]]] = {
    **_ALLOWED,
    "ratio": (5e-324, 1e-12, 0.009, 1.0),
    "margin": (5e-324, 0.0, 1.0, -0.1),
    "power": (0.5, 0.9999999999999999),
    "level": (0.49, 0.9999999999999999),
    "alpha": (5e-324, 9e-7, 0.0049, 0.05, 0.20000001),
    "score_range": ([0.0, 5e-324], [0.25, 0.999], [1, 0], [0, 0], [0]),
    "compare_with": (["reference"], ["rest", "overall", "reference"]),
    "coding": ("gender", "nationality", "categorical"),
    "encoding": (
        "utf-8",
        "UTF8",
        "utf-8-sig",
        "utf-16",
        "utf-7",
        "utf-32",
        "latin-1",
        "cp037",
        "idna",
        "punycode",
        "base64",
        "rot13",
        "undefined",
        "unicode_escape",
        "raw_unicode_escape",
        "hz",
        "mbcs",
        "",
        "x\x00y",
        "aliases",
    ),
    "delimiter": (",", ";", '"', "\n", "\r", "\x00", " ", "\\", "é", "😀", "a", "1", "ab", ""),
    "format": ("csv", "jsonl", "parquet", "xlsx"),
    "path": ("", ".", "..", "/", "nothing.csv", "cases.csv/", "a\x00b.csv", "x" * 5000, "/dev/null", "plan.toml", "~"),
    "metric": METRICS,
    "kind": ("predictions", "python", "skops", "onnx"),
    "entry": ("detector:broken", "detector:missing", "os:getcwd", "nowhere:f", "json:loads", "x", "detector:text"),
    "label_missing": (["<5"], ["1"], ["", "NA"], ["TRUE"]),
    "decision_positive": (["0"], ["TRUE"], []),
    "map": ({"NA": "NAM"}, {"F": "woman"}, {"<5": "unknown"}, {"": "woman"}, {CELL_CANARY: "XKX"}, {"\x1b[2J": "zz"}),
    "column": ("gender", "nationality", "setting", "text", "case_id", "exploited", "score", "", "\x00", "no such"),
    "id": ("case_id", "exploited", "score", "setting"),
    "features": (["signal"], ["text", "text"], ["gender"], ["exploited"], ["case_id"], []),
    "groups": (["gender"], [["gender", "nationality"]], [[]], [["gender", "gender"]], ["nobody"], []),
    "schema": (0, 2, "1", 1.0, True),
    "weight": ("score", "gender", "case_id", "exploited", "text", "cluster", "no such", ""),
    "cluster": ("gender", "case_id", "exploited", "weight", "no such", ""),
    "expected_icc": (0, -0.0, -0.1, 0.9999999999999999, 1, 5e-324),
    "prevalence": (0, 5e-324, 0.9999999999999999, 1, -1),
    "columns": ([], ["channel", "channel"], ["gender"], ["case_id"], ["exploited"], ["score"], ["cluster"], [""]),
    "values": (["1"], [""], ["0", "0"], [], ["nobody"]),
    "max_missing_share": (0, 5e-324, 1, -0.1),
    "cost_missed": (0, -1, 5e-324, 1e9, 1e10),
    "cost_flagged": (0, -1, 5e-324, 1e9, 1e10),
    "replicates": (0, 18, 19, 98, 99, 10_000),
    "penalty": (0, -1, 5e-324, 1_000, 1_001),
    "share": ("level", "share", "no such", ""),
    "feature": ("gender", "nationality", "nobody", ""),
    "rung": ("level", "country", "m49-region", ""),
    "given": ("decision", "score", "scores"),
}
"""The same, and values that it may not hold."""
DETECTOR_MODULE: Final = f"""
import math
import pyarrow as pa

def scores(batch):
    return [(place % 11) / 10 for place in range(batch.num_rows)]

def some_fail(batch):
    nasty = [0.5, None, math.nan, math.inf, 7.0, -0.0]
    return [nasty[place % 6] for place in range(batch.num_rows)]

def decisions(batch):
    return pa.array([[True, False, None][place % 3] for place in range(batch.num_rows)])

def too_few(batch):
    return [0.5] * (batch.num_rows - 1)

def text(batch):
    return ["{CELL_CANARY}"] * batch.num_rows

def broken(batch):
    raise ValueError("{CELL_CANARY}")

def leaves(batch):
    raise SystemExit(0)

def nothing(batch):
    return None
"""
ENTRIES: Final = ("scores", "scores", "some_fail", "decisions", "too_few", "text", "broken", "leaves", "nothing")


@st.composite
def plans(draw: st.DrawFn, data: DataFile, predictions: DataFile | None, *, faults: bool) -> dict[str, Any]:
    """A plan over a file: right, or with `faults` changed in one or two places."""
    route = draw(_allowed("route"))
    groups = draw(_groups())
    both = route == "both"
    plan: dict[str, Any] = {
        "schema": 1,
        "audit": {"title": draw(_titles()), "owner": "An office", "use": "moderation", "route": route},
        "detector": draw(_detectors(predictions)),
        "evaluation_set": {
            "path": data.name,
            "encoding": data.encoding,
            "delimiter": data.delimiter,
            "id": "case_id",
            "label": "exploited",
            "label_source": "case files",
            "numbers": draw(st.sampled_from(([], [], ["pay"]))),
        },
        "groups": groups,
        "rules": draw(st.lists(_rules(list(groups), both), min_size=1, max_size=3)),
        "verdict": {"compare_with": draw(_allowed("compare_with"))},
        "scoring": {"order": draw(_allowed("order"))},
    }
    if groups.get("again") and draw(st.booleans()):
        plan["verdict"]["compare_with"] = ["rest", "reference"]
    for _ in range(draw(st.integers(0, 2))):
        draw(_declared(plan))
    for _ in range(draw(st.integers(1, 2)) if faults else 0):
        draw(changed(plan))
    return plan


def _allowed(key: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(_ALLOWED[key]).map(copy.deepcopy)


def _of(key: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(_EDGES[key]).map(copy.deepcopy)


def _titles() -> st.SearchStrategy[str]:
    hostile = st.sampled_from(
        ("<b>x</b>", "]]>", "\u202eevil\u202c", "👩‍👩‍👧", "\x1b[2J", "{{7*7}}", "a\x00b", "\ufffe")
    )
    return st.just("Screener 2.3") | hostile | st.text(min_size=1, max_size=30)


@st.composite
def _detectors(draw: st.DrawFn, predictions: DataFile | None) -> dict[str, Any]:
    cut: dict[str, Any] = draw(st.sampled_from(({"threshold": 0.5}, {"threshold": 0.25}, {"top_k": 5}, {"top_k": 25})))
    if predictions is not None:
        shown = {"path": predictions.name, "encoding": predictions.encoding, "delimiter": predictions.delimiter}
        return {"kind": "predictions", "score": "score", **cut, **shown}
    how = draw(st.sampled_from(("score", "score", "decision", "python")))
    if how == "score":
        return {"kind": "predictions", "score": "score", **cut}
    if how == "decision":
        return {"kind": "predictions", "decision": "decision"}
    entry = draw(st.sampled_from(ENTRIES))
    answers: dict[str, Any] = {"answers": "decision"} if entry == "decisions" else cut
    features = draw(st.sampled_from((["text"], ["text", "pay"], ["gender", "text"])))
    return {"kind": "python", "entry": f"detector:{entry}", "features": features, **answers}


@st.composite
def _groups(draw: st.DrawFn) -> dict[str, Any]:
    features: dict[str, Any] = {
        "gender": {"column": "gender"},
        "nationality": {"column": "nationality", "ladder": draw(_allowed("ladder"))},
        "setting": {"column": "setting"},
        "again": {"column": "gender", "coding": "categorical", "reference": "woman"},
    }
    names = draw(st.lists(st.sampled_from(list(features)), min_size=1, max_size=3, unique=True))
    chosen = {name: features[name] for name in names}
    if draw(st.integers(0, 2)) == 0:
        chosen[names[0]]["min_cases"] = draw(_allowed("min_cases"))
    return chosen


@st.composite
def _rules(draw: st.DrawFn, features: list[str], two_sided: bool) -> dict[str, Any]:
    both = [features] if len(features) > 1 else []
    scale = draw(st.sampled_from(("margin", "ratio")))
    return {
        "metric": draw(st.sampled_from(METRICS[:-1])),
        "groups": draw(st.sampled_from(([*features], [*features, *both], both or features))),
        scale: draw(_allowed(scale)),
        "direction": "both" if two_sided else draw(_allowed("direction")),
    }


_OPTIONAL: Final = (
    *(("verdict", key) for key in ("alpha", "power", "level", "min_coverage", "min_denominator", "seed")),
    *(("groups", key) for key in ("min_cases", "missing", "reference")),
    *(("rules", key) for key in ("expected_rate", "reason")),
    *(("evaluation_set", key) for key in ("label_missing", "rows_are")),
    ("detector", "score_range"),
    ("detector", "cut"),
    ("scoring", "batch_size"),
)


@st.composite
def _declared(draw: st.DrawFn, plan: dict[str, Any]) -> None:
    """Give an optional key of a plan a value that is allowed there."""
    section, key = draw(st.sampled_from(_OPTIONAL))
    target: Any = plan[section]
    if section == "groups":
        target = target[draw(st.sampled_from(list(target)))]
    elif section == "rules":
        target = target[draw(st.integers(0, len(target) - 1))]
    elif key == "cut":
        key = next((cut for cut in ("threshold", "top_k") if cut in target), "")
    elif key == "score_range" and "threshold" in target:
        target["threshold"] = 0.5
    if key:
        target[key] = draw(_allowed(key))


@st.composite
def changed(draw: st.DrawFn, plan: dict[str, Any]) -> None:
    """Change one value of a plan in place: to an edge of its own, to one of another kind, to none; or add a key."""
    spots = _spots(plan)
    container, key = spots[draw(st.integers(0, len(spots) - 1))]
    how = draw(st.sampled_from(("edge", "edge", "edge", "any", "remove", "add")))
    if how == "remove":
        del container[key]
    elif how == "add" and isinstance(container, dict):
        container[draw(st.sampled_from((f"{key}x", "", "min_casses", "\x1b[2J", "a.b", *_EDGES)))] = draw(_any())
    else:
        container[key] = draw(_of(key) if how == "edge" and key in _EDGES else _any())


def _any() -> st.SearchStrategy[Any]:
    flat = st.sampled_from(_WORDS) | st.sampled_from(_NUMBERS) | st.booleans() | st.text(max_size=8)
    return flat | st.lists(flat, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), flat, max_size=2)


def _spots(value: Any) -> list[tuple[Any, Any]]:
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    inner = [spot for _, one in pairs if isinstance(one, dict | list) for spot in _spots(one)]
    return [(value, key) for key, _ in pairs] + inner


def plan_text(plan: Mapping[str, Any]) -> str:
    """The plan as TOML."""
    return "".join(f"{_text(key)} = {_value(value)}\n" for key, value in plan.items())


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)


def _text(word: str) -> str:
    plain = (one if one.isprintable() and one not in '"\\' else f"\\U{ord(one):08X}" for one in word)
    return '"' + "".join(plain) + '"'
