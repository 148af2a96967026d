"""Read a plan, or the design of a drawn set, from a TOML file.

Every mistake in it gives one line: where, what, and what to write instead.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from audit.errors import PlanError, path_of
from audit.plan.audit_plan import AuditPlan
from audit.plan.evaluation_set import with_counted_columns
from audit.plan.file.known_keys import DESIGN, PLAN, Layout
from audit.plan.file.lines import KeyLines, Where
from audit.plan.file.mistakes import (
    dated_values,
    dotted,
    first_of,
    gaps,
    mistakes_in,
    one_line,
    unknown_kinds,
    wrong_version,
)
from audit.plan.file.words import WORDS
from audit.plan.sampling_design import SamplingDesign

LARGEST_PLAN: Final = 1024 * 1024
"""Largest file in bytes. A plan is a page or two; a larger file is another file, or an attack on the reader."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
"""Pattern of a part of a path that any report may show; `..` does not match."""

_AT: Final = re.compile(r"\(at line (\d+), column (\d+)\)")

_DECIMAL_COMMA: Final = re.compile(r"[^=\"'#]*=\s*([+-]?[0-9]{1,15}),([0-9]{1,15})\s*(?:#|$)")


_DEEPEST: Final = 16
"""Most tables and lists within each other in a dict."""

_MOST_DOTS: Final = 1000
"""Most dots in a line. tomllib's time for a dotted key grows with the square of its parts."""


class LoadedPlan(NamedTuple):
    """A plan, and where it came from."""

    plan: AuditPlan
    """Plan as it will be used, with defaults filled in."""
    as_asked: dict[str, Any]
    """Plan as it was written, without defaults: only values that JSON can hold."""
    folder: Path
    """Absolute folder that the paths in the plan are relative to."""
    file: str = ""
    """Name of the file with `/`, as given if that is a plain relative path, else only its last part; empty where
    neither is plain. A report may show it."""
    rule_lines: tuple[int | None, ...] = ()
    """Line of each rule in the file; empty where the plan came from no text."""
    waivers: Path | None = None
    """File of waivers that replaces the plan's own."""
    sha256: str = ""
    """SHA-256 (hex) of the file's bytes; empty where the plan came from no file."""

    @property
    def waivers_file(self) -> Path | None:
        """File of waivers: the one that was named, else the plan's; None where there is none."""
        named_file = self.plan.waivers.file
        return self.waivers if self.waivers is not None else None if named_file is None else self.folder / named_file


AnyPlan = AuditPlan | LoadedPlan | Mapping[str, Any] | str | os.PathLike[str]
"""A plan, or where it stands: a model, a plan that was read, a dict with the keys of a plan file, its text, or a
path."""


def load_plan(path: str | os.PathLike[str]) -> AuditPlan:
    """Read a plan file (TOML, UTF-8, at most 1 MiB). Raises PlanError, always one line."""
    return read_plan_file(path_of(path)).plan


def read_plan_file(path: str | os.PathLike[str]) -> LoadedPlan:
    """Read a plan file, and keep its text as written beside the plan. Raises PlanError, always one line."""
    path = Path(path)
    content = _bytes_of(path, PLAN)
    folder = Path(os.path.abspath(path.parent))  # noqa: PTH100 - keeps symlinks
    loaded = parse_plan(_decoded(content, path), name=str(path), folder=folder)
    return loaded._replace(file=_plain_name(path), sha256=hashlib.sha256(content).hexdigest())


def load_design(path: str | os.PathLike[str]) -> SamplingDesign:
    """Read the design of a drawn set (TOML, UTF-8, at most 1 MiB). Raises PlanError, always one line."""
    path = Path(path)
    return parse_design(_text_of(path, DESIGN), name=str(path))


def parse_plan(text: str, *, name: str = "plan", folder: Path) -> LoadedPlan:
    """Read a plan from its text. `name` stands in errors; `folder` is what its paths are relative to.

    Raises
    ------
    PlanError
        For anything that is not a plan: one line with the key, its line where it can be found, and what to write.
    """
    as_asked, lines = _toml(text, one_line(name), PLAN), KeyLines.of(text)
    plan = _checked(as_asked, lines, one_line(name), PLAN)
    rule_lines = tuple(lines.line(("rules", index)) for index in range(len(as_asked.get("rules", ()))))
    return LoadedPlan(AuditPlan.model_validate(plan), as_asked, folder, rule_lines=rule_lines)


def parse_design(text: str, *, name: str = "design") -> SamplingDesign:
    """Read the design of a drawn set from its text. `name` stands in errors. Raises PlanError as `parse_plan` does."""
    design = _checked(_toml(text, one_line(name), DESIGN), KeyLines.of(text), one_line(name), DESIGN)
    return SamplingDesign.model_validate(design)


def _checked(as_asked: dict[str, Any], lines: KeyLines, name: str, layout: Layout) -> BaseModel:
    """Check a table as it was written. Returns the model."""
    early = wrong_version(as_asked, layout) or gaps(as_asked, layout) or dated_values(as_asked, layout)
    if early:
        raise first_of(early, lines, name, layout)
    unknown = unknown_kinds(as_asked, layout)
    try:
        # JSON is the one form in which pydantic is strict about types and still takes a list for a tuple.
        checked = layout.root.model_validate_json(json.dumps(with_counted_columns(as_asked)), strict=True)
    except ValidationError as error:
        mistakes = mistakes_in(error, as_asked, layout)
        if unknown:
            mistakes = [*unknown, *(mistake for mistake in mistakes if mistake.where[:1] != ("detector",))]
        raise first_of(mistakes, lines, name, layout) from None
    except (ValueError, RecursionError):
        raise PlanError(f"{name}: not a {layout.noun}", slug="plan-unreadable", hint=layout.start) from None
    if unknown:
        raise first_of(unknown, lines, name, layout)
    return checked


def canonical_plan_sha256(plan: AuditPlan | SamplingDesign) -> str:
    """SHA-256 (hex) of a plan or design as used, in canonical JSON: sorted keys, no spaces, UTF-8, paths with `/`.

    Two files that differ in comments, order of keys or written-out defaults have the same digest. So have two that
    name different files of waivers, because these change nothing that is scored or judged. `not_cases`, `files` and
    `releases` enter where they are set: plans that were written before there were such keys keep their digest.
    `respond_by`, a day that may be settled once the verdict is known, never enters. Nor does `differ` of a blind audit,
    a number of people: it could be guessed from the digest, which is public.
    """
    used = plan.model_dump(mode="python", by_alias=True, exclude={"waivers"})
    used.get("audit", {}).pop("respond_by", None)
    section = used.get("evaluation_set", {})
    if section.get("not_cases") is None:
        section.pop("not_cases", None)
    if used.get("verdict", {}).get("releases") is None:
        used.get("verdict", {}).pop("releases", None)
    detector = used.get("detector", {})
    detector.pop("differ", None)
    if not detector.get("files"):
        detector.pop("files", None)
    text = json.dumps(used, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def read_toml(path: Path, layout: Layout) -> tuple[dict[str, Any], KeyLines]:
    """Read one of our TOML files: its content, and the lines of its keys. Raises PlanError, always one line."""
    text = _text_of(path, layout)
    return _toml(text, one_line(str(path)), layout), KeyLines.of(text)


def _plain_name(path: Path) -> str:
    """Path as a report may show it: never absolute and never upwards, because such parts are not plain."""
    if len(path.parts) <= 8 and all(map(_PLAIN.fullmatch, path.parts)):
        return path.as_posix()
    return path.name if _PLAIN.fullmatch(path.name) else ""


def _plain(value: object) -> str:
    if isinstance(value, PurePath):
        return value.as_posix()
    raise TypeError(type(value).__name__)


def _text_of(path: Path, layout: Layout) -> str:
    return _decoded(_bytes_of(path, layout), path)


def _decoded(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where = f"{one_line(str(path))}, line {line}"
        raise PlanError(f"{where}: not UTF-8", slug="plan-not-utf8") from None


def _bytes_of(path: Path, layout: Layout) -> bytes:
    name = one_line(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_PLAN + 1)
    except FileNotFoundError:
        raise PlanError(f"no {layout.noun} at {name}", slug="plan-not-found", hint=layout.start) from None
    except IsADirectoryError:
        raise PlanError(
            f"{name} is a folder", slug="plan-unreadable", hint=f"name the {layout.noun} file in it"
        ) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise PlanError(f"cannot read {name}: {why}", slug="plan-unreadable") from None
    if len(content) > LARGEST_PLAN:
        raise PlanError(
            f"{name} is larger than 1 MiB", slug="plan-too-large", hint=f"is it a {layout.noun}? {layout.start}"
        )
    return content


def _toml(text: str, name: str, layout: Layout) -> dict[str, Any]:
    if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
        raise PlanError(f"{name}: a line with more than {_MOST_DOTS} dots", slug="plan-syntax", hint=layout.start)
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and int() on a number of more than 4300 digits
        message = str(error)
    except RecursionError:
        message = "nested"
    at = _AT.search(message)
    comma = _DECIMAL_COMMA.match(text.split("\n")[int(at[1]) - 1]) if at else None
    if comma:
        raise PlanError(
            f"{name}, line {at[1] if at else 1}: not valid TOML: a comma in a number",
            slug="plan-syntax",
            hint=f"write it with a point: {comma[1]}.{comma[2]}",
        )
    where = f"{name}, line {at[1]}, column {at[2]}" if at else name
    end = " (at the end of the file)" if "end of document)" in message else ""
    why = next((ours for theirs, ours in WORDS["syntax"].items() if message.startswith(theirs)), "")
    what = f"not valid TOML{end}" + (f": {why}" if why else "")
    raise PlanError(f"{where}: {what}", slug="plan-syntax", hint="" if why else layout.start)


def loaded_plan(plan: AnyPlan, folder: str | Path | None = None) -> LoadedPlan:
    """Return a plan in any form as a `LoadedPlan`. Raises PlanError."""
    folder = Path(folder or ".")
    if isinstance(plan, LoadedPlan):
        return plan
    if isinstance(plan, AuditPlan):
        as_asked: dict[str, Any] = plan.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return LoadedPlan(plan=plan, as_asked=as_asked, folder=folder)
    if isinstance(plan, Mapping):
        document: dict[str, Any] = _written(plan, ())
        checked = AuditPlan.model_validate(_checked(document, KeyLines({}), "plan", PLAN))
        return LoadedPlan(checked, document, folder)
    if isinstance(plan, str) and "\n" in plan:
        return parse_plan(plan, folder=folder.absolute())
    if isinstance(plan, str | os.PathLike):
        return read_plan_file(plan)
    raise PlanError(
        f"a plan is a path, a dict or an AuditPlan, and no {type(plan).__name__}",
        slug="plan-unreadable",
        hint=PLAN.start,
    )


def _written(value: object, where: Where) -> Any:
    """Return a value of a dict as a plan file would hold it. Raises PlanError for what no file holds."""
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value) and len(where) < _DEEPEST:
        return {key: _written(inner, (*where, key)) for key, inner in value.items()}
    if isinstance(value, list | tuple) and len(where) < _DEEPEST:
        return [_written(inner, (*where, index)) for index, inner in enumerate(value)]
    if isinstance(value, str | bool | dt.date | dt.time):
        return value
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise PlanError(
        one_line(f"plan: {dotted(where) or 'the plan'} holds what no plan can: {type(value).__name__}"),
        slug="plan-wrong-type",
        hint="write text, a number, True, False, a list or a dict; leave out a key that is not meant",
    )
