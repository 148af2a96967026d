"""README.txt of a bundle: how to check it with OpenSSL 3 and the usual tools, without audit7k.

Bundles are held to these bytes, since nothing signs them: another text needs another version of the statement.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from audit.vocabulary.file_names import EVIDENCE

_TEXTS: Final[Mapping[str, str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def check_lines(bundle: str, signers: Sequence[int]) -> str:
    """Write the lines of a shell that check a bundle at this path, signed with the keys of these numbers."""
    files = " ".join(f"key-{number}.pem signature-{number}.sig" for number in signers)
    signed = "".join(_TEXTS["signed"].format(number) for number in signers)
    return _TEXTS["unpack"].format(bundle=bundle, files=files) + signed + _TEXTS["listed"]


def readme(signers: Sequence[int]) -> bytes:
    """Write the file for a bundle whose statement was signed with the keys of these numbers."""
    lines = "".join(f"   {line}\n" for line in check_lines(EVIDENCE, signers).splitlines())
    how = _TEXTS["typed"].format(lines=lines) if signers else _TEXTS["unsigned"]
    return (_TEXTS["head"] + how + _TEXTS["opened"]).encode("ascii")
