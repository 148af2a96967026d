"""Publisher of a portal: a small TOML file with a name, and if wanted a logo, a contact and a text.

name = "Ministry of Labour"
logo = "crest.svg"                  # beside this file; PNG or SVG, at most 256 KiB
contact = "audits@labour.example"
text = "What these audits are for."  # or by language: [text] en = "…", fr = "…"
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from audit.cli.outputs.portal_logo import read_logo
from audit.errors import PlanError
from audit.public.site import PublicPublisher, PublicText

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
        said = _File.model_validate(tomllib.loads(content.decode("utf-8")))
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror or 'storage error'})") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _refused(path, f"at {where}: {first['msg']}") from None
    except ValueError:  # no UTF-8, or no TOML
        raise _refused(path, "is no TOML") from None
    logo, files = "", dict[str, bytes]()
    if said.logo:
        logo, picture = read_logo(path.parent / said.logo)
        files[logo] = picture
    texts = {"": said.text} if isinstance(said.text, str) else said.text
    return (
        PublicPublisher.model_validate(
            {
                "name": said.name,
                "contact": said.contact,
                "logo": logo,
                "texts": tuple(
                    PublicText(language=code, paragraphs=_paragraphs(text)) for code, text in texts.items() if text
                ),
            }
        ),
        files,
    )


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip())


def _refused(path: Path, why: str) -> PlanError:
    return PlanError(
        f"{path} {why}",
        slug="portal-publisher",
        hint="it takes name, logo, contact, text: docs/how-to/portal.md",
    )
