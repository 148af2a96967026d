"""The first gate: a public file must come again, byte for byte, from the public release alone, in a process of its own.

What a renderer could have learnt elsewhere, from exact counts that are in memory, from an order of sets, from a clock,
is not there in the second process. So the files say nothing that the release does not, in whatever corner of them.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from audit.errors import DataError, RefusedReleaseError
from audit.public.table import PublicRelease, public_json

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SECONDS: Final = 300.0
_LARGEST: Final = 256 * 1024 * 1024
_PROGRAM: Final = (
    "import sys; from audit.disclosure.fence import keep_out; keep_out(sys.argv[2:]);"
    "from audit.disclosure.gates import _answer; sys.stdout.write(_answer(sys.argv[1], sys.stdin.read()))"
)


def render(release: PublicRelease, renderer: str) -> dict[str, bytes]:
    """Every public file, by a renderer that is named `module:function`.

    Raises
    ------
    DataError
        If there is no such renderer, or it makes something else than files.
    TypeError
        If it is to render something else than a public release: the wall is this type.
    """
    if not isinstance(release, PublicRelease):
        raise TypeError("only a PublicRelease is rendered for the public")
    module, _, name = renderer.partition(":")
    try:
        made = getattr(importlib.import_module(module), name)(release)
    except (ImportError, AttributeError):
        raise DataError(
            f"there is no public renderer {renderer}", slug="no-renderer", hint="name it as module:function"
        ) from None
    files = dict(made)
    if not all(isinstance(content, bytes) and _PLAIN.fullmatch(file) for file, content in files.items()):
        raise DataError(
            f"{renderer} makes something else than files", slug="no-renderer", hint="it must return bytes by file name"
        )
    return files


def render_in_fresh_process(
    release: PublicRelease, renderer: str, seconds: float = _SECONDS, hidden: Sequence[Path] = ()
) -> dict[str, bytes]:
    """Render in a process that is given the release and nothing else. Its hashes are salted otherwise.

    It may open nothing of `hidden`, start no program and reach no network: a renderer that reads exact counts where
    they lie makes other bytes here, or none.

    Raises
    ------
    DataError
        If the process ends otherwise than with files, or not in time. What it said is not repeated.
    """
    answer = in_fresh_process(_PROGRAM, renderer, public_json(release), seconds, hidden)
    try:
        return {name: base64.b64decode(text, validate=True) for name, text in json.loads(answer).items()}
    except (ValueError, AttributeError, TypeError):
        raise RefusedReleaseError(
            f"{renderer} prints beside its files",
            slug="not-rendered-again",
            hint="nothing was released; a public file may hold only what the release gives",
        ) from None


def in_fresh_process(
    program: str, maker: str, handed: str, seconds: float = _SECONDS, hidden: Sequence[Path] = ()
) -> str:
    """What a program prints in a process of its own, which is handed a text and may open nothing of `hidden`.

    Raises
    ------
    RefusedReleaseError
        If the process fails, or does not end in time. What it said is not repeated.
    """
    environment = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
    }
    salt = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    environment |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": salt}
    with tempfile.TemporaryDirectory() as elsewhere:
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and program
                [sys.executable, "-P", "-c", program, maker, *(str(path.absolute()) for path in hidden)],
                input=handed,
                capture_output=True,
                text=True,
                encoding="utf-8",
                env=environment,
                cwd=elsewhere,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RefusedReleaseError(
                f"{maker} did not end in a process of its own",
                slug="not-rendered-again",
                hint="nothing was released; a public file may hold only what the release gives",
            ) from None
    if done.returncode != 0 or len(done.stdout) > _LARGEST:
        raise RefusedReleaseError(
            f"{maker} does not run in a process of its own",
            slug="not-rendered-again",
            hint="nothing was released; a public file may hold only what the release gives",
        )
    return done.stdout


def refuse_unless_rendered_again(
    files: Mapping[str, bytes], release: PublicRelease, renderer: str, hidden: Sequence[Path] = ()
) -> None:
    """The gate.

    Raises
    ------
    DataError
        If a fresh process makes other files, or other bytes in one of them. The file is named, and no byte of it.
    """
    again = render_in_fresh_process(release, renderer, hidden=hidden)
    different = sorted(name for name in {*files, *again} if files.get(name) != again.get(name))
    if different:
        raise RefusedReleaseError(
            f"{', '.join(different[:3])}: bytes that the protected table does not explain",
            slug="not-rendered-again",
            hint="nothing was released; a public file may hold only what the release gives",
        )


def _answer(renderer: str, text: str) -> str:
    """What the fresh process prints."""
    release = PublicRelease.model_validate_json(text)
    files: dict[str, Any] = {
        name: base64.b64encode(content).decode("ascii") for name, content in render(release, renderer).items()
    }
    return json.dumps(files)
