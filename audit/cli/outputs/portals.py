"""Portals, found by entry point as reporters are: `audit` never names the package that renders them.

Publisher of a portal: a small TOML file with a name, and if wanted a logo, a contact and a text.

name = "Ministry of Labour"
logo = "crest.svg"                  # beside this file; PNG or SVG, at most 256 KiB
contact = "audits@labour.example"
text = "What these audits are for."  # or by language: [text] en = "…", fr = "…"

Folder of a site that is written whole or not at all: made beside its place, then exchanged for the old one.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from audit.cli.outputs.output_folder import writing
from audit.cli.outputs.portal_logo import read_logo
from audit.errors import ArgumentError, AuditError, PlanError
from audit.operating_system import BINARY
from audit.plan.offers import ours
from audit.public.site import PublicPublisher
from audit.vocabulary.text import printable

if TYPE_CHECKING:
    from audit.public.site import PublicSite


_MAX_BYTES: Final = 64 * 1024
Line = Annotated[str, Field(min_length=1, max_length=200)]


class _File(BaseModel):
    """The file, as it is written."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Line
    logo: str = ""
    contact: Annotated[str, Field(max_length=200)] = ""
    text: str | dict[str, str] = ""


def read_publisher(path: Path) -> tuple[PublicPublisher, dict[str, bytes]]:
    """Read a publisher, and the files that the site holds of it: the logo, if there is one.

    Raises
    ------
    PlanError
        If the file cannot be read, is no TOML, or has other keys.
    DataError
        If the logo cannot be used.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise _refused(path, f"is larger than {_MAX_BYTES // 1024} KiB")
        publisher = _File.model_validate(tomllib.loads(content.decode("utf-8")))
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror or 'storage error'})") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _refused(path, f"at {where}: {first['msg']}") from None
    except ValueError:  # no UTF-8, or no TOML
        raise _refused(path, "is no TOML") from None
    logo, files = "", dict[str, bytes]()
    if publisher.logo:
        logo, picture = read_logo(path.parent / publisher.logo)
        files[logo] = picture
    texts = {"": publisher.text} if isinstance(publisher.text, str) else publisher.text
    return (
        PublicPublisher.model_validate(
            {
                "name": publisher.name,
                "contact": publisher.contact,
                "logo": logo,
                "texts": {code: _paragraphs(text) for code, text in texts.items() if text},
            }
        ),
        files,
    )


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip())


def _refused(path: Path, why: str) -> PlanError:
    return PlanError(f"{path} {why}", slug="portal-publisher")


_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Portal(Protocol):
    """Maker of the static site over public releases."""

    languages: tuple[str, ...]
    """Codes of the languages that it can write."""

    def render(self, site: PublicSite) -> Mapping[str, bytes]:
        """Return every file by its path in the site, with `/` between folders. It gets releases alone."""
        ...


def find_portal() -> Portal:
    """Return the maker of the site. Raises AuditError if it cannot be loaded."""
    portal: Portal = ours("the portal", "reports.portal:SitePortal")()
    return portal


def portal_languages(portal: Portal, named_languages: str | None) -> tuple[str, ...]:
    """Read the languages in `asked`, codes separated by commas; English if it is None. Raises ArgumentError."""
    codes = tuple(dict.fromkeys(code.strip().lower() for code in (named_languages or "en").split(",")))
    for code in codes:
        if code not in portal.languages:
            raise ArgumentError(
                f'the portal has no language "{printable(code)[:60]}"',
                slug="unknown-language",
                hint=f"it has {', '.join(portal.languages)}; several with commas between them: --lang fr,ar,en",
            )
    return codes


def portal_files(portal: Portal, site: PublicSite) -> dict[str, bytes]:
    """Render the files of a portal. Raises AuditError if it fails, never with the text of that failure."""
    try:
        files = dict(portal.render(site))
    except AuditError:
        raise
    except Exception as error:
        raise AuditError(
            f"the portal failed ({type(error).__name__})", slug="portal-failed", hint="run again as `audit7k --debug …`"
        ) from error
    if not all(_is_plain(path) and isinstance(content, bytes) for path, content in files.items()):
        raise AuditError("the portal makes something else than files", slug="portal-failed", hint="reinstall audit7k")
    return files


def _is_plain(path: str) -> bool:
    """Say whether a file stays within the site, and outside the folder of copied files."""
    parts = path.split("/")
    return parts[0] != "reports" and all(_PLAIN.fullmatch(part) for part in parts)


_PREFIX: Final = ".audit7k-"


def refuse_place(site: Path, source: Path, *, ours: bool) -> None:
    """Refuse a place for a site that holds something else.

    Parameters
    ----------
    site : Path
        Where it is to go.
    source : Path
        The folder of audits, which must not be removed with a replaced site.
    ours : bool
        Whether what is there now is a site of a portal.

    Raises
    ------
    ArgumentError
        If the place is a file or a link, holds the audits, or holds files of somebody else.
    """
    site_path = site.resolve()
    if source.resolve().is_relative_to(site_path):
        raise ArgumentError(f"--out {site} holds the audits themselves", slug="site-place")
    if site.is_symlink() or (site.exists() and not site.is_dir()):
        raise ArgumentError(f"--out {site} is no folder", slug="site-place")
    if site.is_dir() and not ours and any(site.iterdir()):
        raise ArgumentError(
            f"--out {site} holds files that no portal made",
            slug="site-place",
            hint="choose a new folder, or one that a portal made, with --out",
        )


def write_site(site: Path, files: Mapping[str, bytes]) -> None:
    """Write every file by its path in the site, in the place of what was there.

    Raises
    ------
    StorageError
        If it cannot be written; the earlier site is then unchanged.
    """
    with writing(site):
        site.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        new_site = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=site.parent))
        try:
            new = new_site / "site"
            for name, content in sorted(files.items()):
                path = new / name
                for folder in reversed(path.relative_to(new).parents):
                    (new / folder).mkdir(mode=0o755, exist_ok=True)
                with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o644), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            _exchange(site, new, new_site / "earlier")
        finally:
            shutil.rmtree(new_site, ignore_errors=True)


def _exchange(site: Path, new: Path, earlier: Path) -> None:
    was_there = site.exists()
    if was_there:
        site.replace(earlier)
    try:
        new.replace(site)
    except BaseException:
        if was_there:
            earlier.replace(site)
        raise
