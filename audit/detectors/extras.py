"""Says in one line what to install where a kind of detector needs more than the package itself does."""

from __future__ import annotations

import importlib

from audit.errors import DetectorError


def require_extra(kind: str, extra: str, *modules: str) -> None:
    """Import the modules that a kind of detector needs. Raises DetectorError that names the extra where one is absent.

    Parameters
    ----------
    kind : str
        The kind in the plan.
    extra : str
        The extra of this package that installs the modules.
    *modules : str
        Modules as they are imported.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError:
            raise DetectorError(
                f'the detector kind "{kind}" needs the extra "{extra}"',
                slug="detector-extra",
                hint=f"pip install 'audit7k[{extra}]'",
            ) from None
