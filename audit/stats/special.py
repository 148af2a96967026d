"""Special functions of SciPy, loaded without the rest of `scipy.special`: that takes seven times as long."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import scipy

if TYPE_CHECKING:
    from scipy import special as _special
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

    _special = _alone()

bdtrik = _special.bdtrik
betainc = _special.betainc
betaincinv = _special.betaincinv
betainccinv = _special.betainccinv
chdtrc = _special.chdtrc
gammainc = _special.gammainc
gammaincc = _special.gammaincc
gammaincinv = _special.gammaincinv
gammaln = _special.gammaln
ndtr = _special.ndtr
ndtri = _special.ndtri
stdtr = _special.stdtr
stdtrit = _special.stdtrit
xlog1py = _special.xlog1py
xlogy = _special.xlogy
