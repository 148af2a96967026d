"""Import modules that an extra installs, and name a missing extra in one line."""

from __future__ import annotations

import importlib
from types import ModuleType

from audit.errors import DetectorError


def import_extra(module: str, *, kind: str, extra: str) -> ModuleType:
    """Import a module that only an extra of audit7k installs.

    Parameters
    ----------
    module : str
        Full name of the module.
    kind : str
        The detector kind that needs it.
    extra : str
        The extra that installs it, as pyproject.toml calls it.

    Raises
    ------
    DetectorError
        It is not installed, or it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise DetectorError(
                f'the detector kind "{kind}" needs the extra "{extra}"',
                slug="detector-extra",
                hint=f"pip install 'audit7k[{extra}]'",
            ) from None
        raise _broken(kind, extra, error) from None
    except Exception as error:
        raise _broken(kind, extra, error) from None


def _broken(kind: str, extra: str, error: Exception) -> DetectorError:
    return DetectorError(
        f'the detector kind "{kind}" cannot import what the extra "{extra}" installs ({type(error).__name__})',
        slug="detector-extra",
        hint=f"uninstall that package with pip, then pip install 'audit7k[{extra}]'",
    )
