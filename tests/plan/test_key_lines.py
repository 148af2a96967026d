"""The line of every key, against a reader of TOML that is not ours: the value on the line found is the key's own."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.plan.file.lines import KeyLines, Where

TEXT = '''\
# comment = 1 [not.a.table]
top = "a # no comment"   # a comment with "quotes"
dotted.key . "quoted.part" = 1
'literal key' = """
many = 1
lines \\""" """
next = \'\'\'
[no.table]\'\'\'
list = [ # one
  1, [2,
  3], { a = 1, b = [
    4] },
]
inline = { x.y = 1, z = { w = "}" } }
[a.b] # header
c = 2024-01-02 03:04:05
[[a.d]]
e = 1
[[a.d]]
e = 2
[a.d.f]
g = 3
[[a.d.h]]
i = 4
[[a.d.h]]
i = 5
'''


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (("top",), 2),
        (("dotted", "key", "quoted.part"), 3),
        (("literal key",), 4),
        (("next",), 7),
        (("list",), 9),
        (("list", 0), 10),
        (("list", 1), 10),
        (("list", 1, 1), 11),
        (("list", 2, "b"), 11),
        (("list", 2, "b", 0), 12),
        (("inline", "x", "y"), 14),
        (("inline", "z", "w"), 14),
        (("a",), 15),
        (("a", "b"), 15),
        (("a", "b", "c"), 16),
        (("a", "d"), 17),
        (("a", "d", 0), 17),
        (("a", "d", 0, "e"), 18),
        (("a", "d", 1), 19),
        (("a", "d", 1, "e"), 20),
        (("a", "d", 1, "f"), 21),
        (("a", "d", 1, "f", "g"), 22),
        (("a", "d", 1, "h", 0, "i"), 24),
        (("a", "d", 1, "h", 1, "i"), 26),
        (("a", "b", "absent"), 15),
        (("a", "d", 0, "absent", "deeper"), 17),
        (("absent",), None),
        ((), None),
    ],
)
def test_lines_are_found(where: Where, line: int | None) -> None:
    tomllib.loads(TEXT)
    assert KeyLines.of(TEXT).line(where) == line
    assert KeyLines.of(TEXT.replace("\n", "\r\n")).line(where) == line


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=8)
SPACE = st.sampled_from(["", "\n", '\n# note ] } = "\n', "\n\n"])


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.lists(st.tuples(st.sampled_from("abcdef"), WORDS, SPACE, SPACE), min_size=1, max_size=8), st.data())
def test_every_key_stands_on_the_line_found(pairs: list[tuple[str, str, str, str]], data: st.DataObject) -> None:
    lines = []
    for place, (name, word, before, inside) in enumerate(pairs):
        form = data.draw(st.sampled_from(["pair", "header", "tables", "list"]))
        key = f"{name}{place}"
        value = _quoted(f"value of {key} {word}")
        if form == "pair":
            lines.append(f"{before}\n{_quoted(key)} = {value}")
        elif form == "header":
            lines.append(f"{before}\n[{key}.{name}]\nkey = {value}")
        elif form == "tables":
            lines.append(f"{before}\n[[t.{key}]]\n[[t.{key}]]\nkey = {value}")
        else:
            lines.append(f"{before}\n{key} = [{inside} {value}, {inside} {value}{inside} ]")
    text = "".join(lines) + "\n"
    found = KeyLines.of(text)
    rows = text.split("\n")
    for where, value in _leaves((), tomllib.loads(text)):
        line = found.line(where)
        assert line is not None
        assert _quoted(value) in rows[line - 1]


def _leaves(where: Where, value: object) -> list[tuple[Where, str]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in _leaves((*where, key), inner)]
    if isinstance(value, list):
        return [leaf for place, inner in enumerate(value) for leaf in _leaves((*where, place), inner)]
    assert isinstance(value, str)
    return [(where, value)]


@given(st.text(max_size=200))
def test_no_text_breaks_the_search(text: str) -> None:
    assert KeyLines.of(text).line(("a", 0, "b")) is None or "a" in text
