"""Special functions of SciPy, loaded without the rest of `scipy.special`: that takes seven times as long."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from scipy.special import *  # noqa: F403
else:

    def _alone() -> ModuleType:
        """Compiled functions, imported as a part of a package that is put aside again before anybody looks for it."""
        if "scipy.special" in sys.modules:
            return import_module("scipy.special")
        package = ModuleType("scipy.special")
        package.__path__ = [f"{folder}/special" for folder in scipy.__path__]
        sys.modules["scipy.special"] = package
        try:
            return import_module("scipy.special._ufuncs")
        finally:
            del sys.modules["scipy.special"]

    globals().update({name: function for name, function in vars(_alone()).items() if isinstance(function, np.ufunc)})
