"""Whatever a plan file holds, reading it gives a plan or one line of error: never a traceback, never another error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import PlanError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import parse_plan, read_plan_file

GOOD = (Path(__file__).parent / "small_plan.toml").read_text(encoding="utf-8")

SNIPPETS = st.sampled_from(
    ["[", "]", "[[", "]]", "=", '"', "'''", '"""', "{", "}", ".", ",", "\n", "#", "\\", "nan", "-inf", "true", "1e999"]
) | st.sampled_from(
    ["2024-01-02", "0x", "9" * 400, "\ufeff", "\x00", "\x1b[2J", "ß", "\u202e", "[rules]", "[[groups]]", "a.b.c = 1\n"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def read(text: str) -> None:
    said: PlanError | None = None
    try:
        loaded = parse_plan(text, name="plan.toml", folder=Path())
        assert isinstance(loaded.plan, AuditPlan)
    except PlanError as error:
        said = error
    if said is not None:
        assert str(said).isprintable()
        assert len(str(said)) < 2000
        assert said.slug.startswith("plan-")


def test_the_plan_that_is_broken_here_is_whole() -> None:
    parse_plan(GOOD, folder=Path())


@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, 30), SNIPPETS | st.text(max_size=10)),
        min_size=1,
        max_size=4,
    )
)
def test_text_cut_out_and_put_in_anywhere(edits: list[tuple[int, int, str]]) -> None:
    text = GOOD
    for start, length, new in edits:
        text = text[:start] + new + text[start + length :]
    read(text)


@given(st.permutations(GOOD.splitlines()), st.integers(1, 40))
def test_lines_in_any_order(lines: list[str], kept: int) -> None:
    read("\n".join(lines[:kept]))


@given(st.integers(0, 10_000), VALUES, st.sampled_from(["replace", "add", "remove"]))
def test_any_value_anywhere(place: int, value: object, how: str) -> None:
    raw = parse_plan(GOOD, folder=Path()).as_asked
    spots = _spots(raw)
    container, key = spots[place % len(spots)]
    if how == "remove":
        del container[key]
    elif how == "replace" or isinstance(container, list):
        container[key] = value
    else:
        container[f"{key}x"] = value
    read(_toml(raw))


def _spots(value: Any) -> list[tuple[Any, Any]]:
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    inner = [spot for _, one in pairs if isinstance(one, dict | list) for spot in _spots(one)]
    return [(value, key) for key, _ in pairs] + inner


def _toml(raw: dict[str, Any]) -> str:
    return "".join(f"{_text(key)} = {_value(value)}\n" for key, value in raw.items() if value is not None)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        pairs = (f"{_text(key)} = {_value(inner)}" for key, inner in value.items() if inner is not None)
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(inner) for inner in value if inner is not None) + "]"
    return str(value)


def _text(word: str) -> str:
    escaped = (
        character if character.isprintable() and character not in '"\\' else f"\\U{ord(character):08X}"
        for character in word
    )
    return '"' + "".join(escaped) + '"'


@given(content=st.binary(max_size=300))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("fuzz") / "plan.toml"
    file.write_bytes(content)
    with pytest.raises(PlanError) as caught:
        read_plan_file(file)
    assert str(caught.value).isprintable()
