"""Parts of a result that are built without validation, held against pydantic's own way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from made.audits import large_result
from pydantic import BaseModel, Field

from audit.result.findings.judged import GroupCounts
from audit.vocabulary.groups import LevelName, Part


class Optioned(Part):
    """Needs pydantic's own way: a default made anew for each."""

    names: list[str] = Field(default_factory=list)
    """Some names."""


class Renamed(Part):
    """The same: a field by another name."""

    value: int = Field(default=1, alias="other")
    """A number."""


def pydantics_own(part: type[Part], fields_set: set[str] | None = None, **values: Any) -> Part:
    return BaseModel.model_construct.__func__(part, fields_set, **values)  # type: ignore[attr-defined, no-any-return]


def parts(value: object) -> Iterator[Part]:
    if isinstance(value, Part):
        yield value
    if isinstance(value, BaseModel):
        value = tuple(vars(value).values())
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from parts(one)


def is_same(made: Part, expected: Part) -> bool:
    """Equal, and alike in all that pydantic compares, writes and copies by, the order of fields included."""
    return (
        made == expected
        and list(vars(made).items()) == list(vars(expected).items())
        and made.model_fields_set == expected.model_fields_set
        and made.model_extra == expected.model_extra
        and made.__pydantic_private__ == expected.__pydantic_private__
    )


def test_every_part_of_a_result_is_as_pydantic_makes_it() -> None:
    seen = set()
    for part in parts(large_result()):
        values = dict(reversed(vars(part).items()))
        given = {name: value for name, value in values.items() if value is not None}
        assert is_same(type(part).model_construct(None, **values), pydantics_own(type(part), None, **values))
        assert is_same(type(part).model_construct(None, **given), pydantics_own(type(part), None, **given))
        seen.add(type(part))
    assert len(seen) > 10


@pytest.mark.parametrize(
    ("part", "values"),
    [
        (LevelName, {"rung": "level", "code": "x"}),
        (LevelName, {"rung": "level", "code": "x", "name": "X", "parent": "y", "unheard_of": 1}),
        (GroupCounts, {}),
        (Optioned, {}),
        (Renamed, {}),
        (Renamed, {"other": 2}),
    ],
)
def test_so_are_those_with_missing_surplus_and_special_fields(part: type[Part], values: dict[str, Any]) -> None:
    assert vars(part.model_construct(**values)) == vars(pydantics_own(part, **values))
    assert vars(part.model_construct({"a"}, **values)) == vars(pydantics_own(part, {"a"}, **values))


def test_a_default_is_shared_by_no_two_parts() -> None:
    Optioned.model_construct().names.append("x")
    assert Optioned.model_construct().names == []
