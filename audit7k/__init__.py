"""Start of the console script, which first sees whether another package answers to one of our names.

Our packages are called `audit` and `reports`, and so may others be: in the working folder, on `PYTHONPATH`, or of
another distribution, which may have written over ours. This package imports neither before it knows.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Final

__all__ = ["main", "taken_name"]

_NAMES: Final = ("audit", "reports")
_BEGINNING: Final = b'"""audit7k: '
"""First bytes of both packages."""
_NOT_JUDGED: Final = 4
"""Exit code of `audit.errors.ExitCode`, which cannot be imported yet."""


def taken_name() -> str | None:
    """Say in one line which of our names another package has taken, and what to do; None where both are ours."""
    for name in _NAMES:
        ours = Path(__file__).resolve().parent.parent / name / "__init__.py"
        try:
            spec = importlib.util.find_spec(name)
            file = Path(spec.origin).resolve() if spec is not None and spec.origin else None
            with ours.open("rb") as content:
                is_ours = file == ours and content.read(len(_BEGINNING)) == _BEGINNING
        except (ImportError, OSError, ValueError):
            file, is_ours = None, False
        if not is_ours:
            taken = "missing here" if file is None else f"not that of audit7k but {file}"
            return (
                f'the package "{name}" is {taken} — start from another folder, take it out of PYTHONPATH, or install '
                "audit7k by itself (pipx or uv tool)"
            )
    return None


def main() -> None:
    """Run the console script `audit7k`; ends with exit code 4 and one line where a name is taken."""
    taken = taken_name()
    if taken is not None:
        sys.stderr.write(f"error: {taken}\n")
        sys.exit(_NOT_JUDGED)
    from audit.cli import main as run

    run()
