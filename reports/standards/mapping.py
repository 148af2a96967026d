"""Mappings: which field of a register takes what from a public release, in TOML files that a lawyer can edit.

A text names places of the release in braces, such as `{about.owner}`. What no audit can know is for the operator.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_origin

from pydantic import Field, ValidationError

from audit.errors import ArgumentError, AuditError
from audit.public.about import PublicAbout, PublicGovernance
from audit.vocabulary.file_names import LARGEST_MAPPING
from audit.vocabulary.groups import Part
from audit.vocabulary.text import printable, shown

FOLDER: Final = Path(__file__).with_name("mappings")
NAMES: Final = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
"""Names of the mappings that come with this package."""
STATED: Final = (
    "system", "given", "set", "features", "verdict", "limits", "groups", "patterns", "next_step", "waivers",
)  # fmt: skip
"""Places of which a report states in sentences what the release says."""
_ELSEWHERE: Final = frozenset({"plan_file", "sensitive_features_used", "without_figures", "patterns_not_tested"})
"""Texts that are no place: where the plan lies, and lists of which an empty one can mean none, or not known."""
PLACE: Final = re.compile(r"\{([^{}]*)\}")
_MOST_DOTS: Final = 1000
"""Most dots in a line: tomllib's time for a dotted key grows with the square of its parts."""
_TEXTS: Final[tuple[Any, ...]] = (str, str | None, tuple[str, ...], tuple[str, str] | None)


def _texts_of(section: str, part: type[Part]) -> list[str]:
    fields = part.model_fields.items()
    named = [name for name, field in fields if field.annotation in _TEXTS or get_origin(field.annotation) is Literal]
    return [f"{section}.{name}" for name in named if name not in _ELSEWHERE]


PLACES: Final = (*STATED, *_texts_of("about", PublicAbout), *_texts_of("governance", PublicGovernance))
"""All that a text may name: what is stated, and every text of the release itself."""


class MappedField(Part):
    """A field of a register."""

    field: str
    """Its number or key there; may be empty."""
    name: str
    """What it is called there."""
    text: str = ""
    """What the audit says of it, with places in braces; empty where an audit cannot know."""
    operator: str = ""
    """What the operator has to add."""


class ReleaseMapping(Part):
    """What a register asks, and where the answers come from."""

    standard: str
    source: str
    """Where the names of its fields are published."""
    checked: str
    """Against what these were read."""
    nothing: str = "not in the public release of this audit"
    """Words for a place that is empty."""
    to_fill: str = "To be filled in by the operator"
    field: Annotated[tuple[MappedField, ...], Field(min_length=1)]


def read_mapping(content: bytes, name: str) -> ReleaseMapping:
    """Read a mapping from its bytes (TOML, UTF-8, at most 64 KiB); errors call it `name`.

    Raises
    ------
    AuditError
        If it is none, or a text names a place that no public release has.
    """
    try:
        text = content[: LARGEST_MAPPING + 1].decode("utf-8")
        if len(content) > LARGEST_MAPPING or any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
            raise ValueError
        mapping = ReleaseMapping.model_validate(tomllib.loads(text))
    except (ValueError, RecursionError) as error:
        at = (
            error.errors(include_url=False, include_input=False)[0]["loc"] if isinstance(error, ValidationError) else ()
        )
        where = ".".join(str(part + 1 if isinstance(part, int) else part) for part in at)
        raise AuditError(
            f"{shown(name)} is no mapping{where and f' at {shown(where)}'}", slug="not-a-mapping"
        ) from None
    for field in mapping.field:
        placeholder = next(
            (placeholder for placeholder in PLACE.findall(field.text) if placeholder not in PLACES), None
        )
        if placeholder is not None or not (field.text or field.operator):
            what = (
                "has neither text nor operator"
                if placeholder is None
                else f'names "{shown(placeholder)}", which is no place'
            )
            raise AuditError(
                f"{shown(name)}: the field {shown(field.name)} {what}",
                slug="no-such-place",
                hint=f"a text may name {', '.join(f'{{{placeholder}}}' for placeholder in PLACES)}",
            )
    return mapping


def mapping_text(name: str) -> bytes:
    """Return a mapping that comes with this package. Raises ArgumentError if there is none of this name."""
    if name not in NAMES:
        raise ArgumentError(
            f'no mapping "{printable(name)[:60]}"', slug="no-such-mapping", hint=f"choose from {', '.join(NAMES)}"
        )
    return (FOLDER / f"{name}.toml").read_bytes()
