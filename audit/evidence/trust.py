"""Trust of a reader: fingerprints of keys that came by another way than the bundle."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError, model_validator

from audit.errors import EvidenceError
from audit.evidence.keys import read_public_key
from audit.evidence.statement import Sha256, is_sha256
from audit.storage import bytes_of_result
from audit.vocabulary.groups import Part

Role = Literal["auditor", "regulator", "vendor", "witness"]
_LARGEST: Final = 1024 * 1024


class Trusted(Part):
    """The owner of a key."""

    role: Role
    """An auditor seals, a regulator countersigns and withdraws, a witness signs heads of histories."""
    name: str
    fingerprint: Sha256
    begins: Annotated[dt.date | None, Field(alias="from")] = None
    """First day on which the key counts."""
    until: dt.date | None = None
    """Last day on which it does: a stolen key counts until the day before the theft."""

    @property
    def party(self) -> str:
        """Name by which two keys are of one party, however it is written."""
        return party_of(self.name)

    @model_validator(mode="after")
    def _has_days(self) -> Trusted:
        if self.begins is not None and self.until is not None and self.until < self.begins:
            raise ValueError
        return self


def party_of(name: str) -> str:
    """Return a name without what two spellings of it differ in."""
    return " ".join(name.casefold().split())


class Trust(Part):
    """Whose keys count."""

    signer: tuple[Trusted, ...] = ()
    threshold: Annotated[int, Field(ge=1, strict=True)] = 1
    """How many of the auditors must have signed. One who has two keys is one."""
    time_authority: tuple[str, ...] = ()
    """Certificates of authorities whose time stamps count: in the file of trust their files, once read their text."""

    def owner(self, fingerprint: str, *roles: Role) -> Trusted | None:
        """Return who owns a key, if it counts for one of these roles."""
        return next(
            (signer for signer in self.signer if signer.fingerprint == fingerprint and signer.role in roles), None
        )


def read_trust(path: Path | None, keys: Iterable[str] = ()) -> Trust:
    """Read a file of trust, and add keys of auditors that are given by their file or fingerprint.

    Raises
    ------
    EvidenceError
        If the file is no TOML of this form, or a key is none.
    ResultError
        If a file cannot be read.
    """
    trust = Trust() if path is None else _read(path)
    added = tuple(
        Trusted.model_validate({"role": "auditor", "name": f"the owner of {key}", "fingerprint": _fingerprint(key)})
        for key in keys
    )
    return trust.model_copy(update={"signer": (*trust.signer, *added)})


def _read(path: Path) -> Trust:
    try:
        trust = Trust.model_validate(tomllib.loads(bytes_of_result(path, _LARGEST).decode("utf-8")))
        texts = [bytes_of_result(path.parent / name, _LARGEST).decode("ascii") for name in trust.time_authority]
        return trust.model_copy(update={"time_authority": tuple(texts)})
    except (ValueError, RecursionError) as error:
        first = error.errors(include_url=False, include_input=False)[0] if isinstance(error, ValidationError) else None
        where = "" if first is None else f" at {'.'.join(map(str, first['loc']))}"
        raise EvidenceError(f"{path.name} is no file of trust{where}", slug="not-a-trust-file") from None


def _fingerprint(key: str) -> str:
    written = key.removeprefix("sha256:").lower()
    if is_sha256(written):
        return written
    if not Path(key).is_file():
        raise EvidenceError(
            f"{key[:80]} is neither a fingerprint nor the file of a public key",
            slug="not-a-key",
            hint="a fingerprint has 64 hexadecimal digits, as audit7k key show prints it",
        )
    return read_public_key(Path(key)).fingerprint
