"""`kind = "python"`: a function over batches, from a module beside the plan or an installed one.

    def score(batch: pyarrow.RecordBatch) -> answers

The batch holds the columns of `features` and nothing else. The function returns a list, a numpy or pyarrow array or a
pandas Series: for each row a score, or the kind of answer that the plan names under `answers`; None abstains. It is the
operator's own code and runs with all rights of its process: name only code that you trust.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import site
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from audit.detectors.answers import protocol_answer
from audit.detectors.error_names import error_name
from audit.detectors.one_thread import OneThread
from audit.detectors.protocol import API_VERSION, ROW_ID, DetectorInfo, RunContext
from audit.errors import DetectorError
from audit.plan.detectors import PythonDetector as PythonSection
from audit.storage import file_sha256
from audit.vocabulary.sentences import SENTENCES
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

_BROKEN: Final = (Exception, SystemExit)
"""Errors of the operator's code. SystemExit too: `sys.exit(0)` in a function must never look like a pass."""


class PythonDetector:
    """A function `module:function` that is run over the batches."""

    api_version = API_VERSION

    def __init__(self, section: PythonSection, folder: Path) -> None:
        self._section = section
        self._folder = folder.resolve()
        self._modules: ModulesBeside | None = None
        self._threads: OneThread | None = None
        self._function: Callable[[Any], Any] | None = None
        self._context: RunContext | None = None
        self._sha256: str | None = None
        self._batches = 0

    @property
    def info(self) -> DetectorInfo:
        """Name of the function, and digest of the file of its module."""
        return DetectorInfo(
            name=self._section.entry,
            kind="python",
            artefact_sha256=self._sha256,
            deterministic=False,
            needs=self._section.features,
            notes=(SENTENCES["own_file_digested"], SENTENCES["one_thread_libraries"]),
        )

    def open(self, ctx: RunContext) -> None:
        """Import the module, first from the folder of the plan. Raises DetectorError if it cannot be imported."""
        module_name, _, function_name = self._section.entry.partition(":")
        self._context = ctx
        self._modules = ModulesBeside(self._folder)
        module = self._modules.load(module_name, self._section.entry)
        function = getattr(module, function_name, None)
        if not callable(function):
            raise DetectorError(
                f"module {module_name} has no function {function_name}",
                slug="detector-function",
                hint=f'write entry = "{module_name}:<function>" with a function that stands in the module',
            )
        self._function = function
        file = Path(getattr(module, "__file__", None) or "")
        self._sha256 = file_sha256(file) if file.is_file() else None
        self._threads = OneThread()

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Call the function on the columns of the batch. Raises DetectorError if it raises or its answers cannot be
        used.
        """
        assert self._function is not None  # noqa: S101 - the harness opens before it scores
        assert self._context is not None  # noqa: S101
        self._batches += 1
        where = f"{self._section.entry}, batch {self._batches}"
        columns = batch.drop_columns([ROW_ID])
        try:
            with contextlib.redirect_stdout(sys.stderr):
                returned = self._function(columns)
        except _BROKEN as error:
            if isinstance(error, DetectorError) and error.slug == "detector-bytecode":  # of a module imported this late
                raise
            raise DetectorError(
                f"{where}: the function raised {error_name(error)}",
                slug="detector-raised",
                hint="its text is withheld because it can quote a row; call the function on the same columns yourself",
            ) from None
        try:
            return protocol_answer(batch, returned, self._context, where=where)
        except DetectorError:
            raise
        except _BROKEN as error:
            raise DetectorError(
                f"{where}: the answers cannot be read ({error_name(error)})", slug="answers-type"
            ) from None

    def close(self) -> None:
        """Forget the modules from the folder of the plan, and restore sys.path and the threads."""
        if self._threads is not None:
            self._threads.release()
            self._threads = None
        if self._modules is not None:
            self._modules.forget()
            self._modules = None
        self._function = None


class _FromSource(SourceFileLoader):
    """A loader that runs the source, where Python can run bytecode of another text. It writes none.

    Such bytecode is refused: Python would run it in another process, such as a worker of joblib.
    """

    def get_code(self, fullname: str) -> CodeType:
        code = self.source_to_code(self.get_data(self.path), self.path)
        if super().get_code(fullname) != code:
            raise DetectorError(
                f"{shown(Path(self.path).name)} is not what its bytecode was made of",
                slug="detector-bytecode",
                hint="remove __pycache__ beside it; if nobody copied or changed these files, ask who did",
            )
        return code

    def set_data(self, *_: object, **__: object) -> None:
        pass


class ModulesBeside:
    """Imports from a folder first; `forget` removes every trace of them from the process.

    During the import the folder is first on sys.path. Afterwards it is last, so that the function can still import
    modules beside it, and a file there with the name of a library does not replace that library. What the folder holds
    as source runs from its source: bytecode can be of another text than the one that is digested and reviewed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = str(folder)
        self._before = set(sys.modules)
        self._former: dict[str, ModuleType] = {}
        self._asked = ""

    def load(self, name: str, entry: str) -> ModuleType:
        """Import a module. Raises DetectorError with the type of an error, and never its text."""
        top, self._asked = name.partition(".")[0], name
        if top == "__main__":
            raise DetectorError(
                f"{entry} is a function of a notebook or script, and runs in a process that does not have it",
                slug="detector-module",
                hint="write it to a file beside the plan, in a notebook with %%writefile, and name that module",
            )
        sys.meta_path.insert(0, self)
        sys.path.append(self._path)
        for module_name in (top, name):  # of a package without __init__.py, the module alone is there
            if any((self._folder / (module_name.replace(".", "/") + end)).is_file() for end in (".py", "/__init__.py")):
                self._set_aside(module_name, entry)
        sys.path.insert(0, self._path)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                importlib.invalidate_caches()
                return importlib.import_module(name)
        except DetectorError:
            raise
        except ModuleNotFoundError as error:
            missing = error.name or name
            raise DetectorError(
                f"{entry}: no module named {missing}"
                if missing.replace(".", "").replace("_", "").isalnum()
                else f"{entry}: a module that it needs is not found",
                slug="detector-module",
                hint=f"{top}.py is looked for in the folder of the plan, then among the installed packages",
            ) from None
        except _BROKEN as error:
            raise DetectorError(
                f"{entry}: importing {name} raised {error_name(error)}",
                slug="detector-import",
                hint=f'try it: python -c "import {name}" in the folder of the plan',
            ) from None
        finally:
            with contextlib.suppress(ValueError):
                sys.path.remove(self._path)

    def find_spec(self, name: str, *where: Any) -> ModuleSpec | None:
        """Find a module as Python does. One of the folder, and the one to load wherever it is, runs from its source."""
        others = [finder for finder in sys.meta_path[sys.meta_path.index(self) + 1 :] if hasattr(finder, "find_spec")]
        spec = next((candidate for other in others if (candidate := other.find_spec(name, *where)) is not None), None)
        file = (spec.origin if spec is not None else None) or ""
        ours = file.endswith(".py") and (name == self._asked or self._is_beside(file))
        if spec is not None and ours and Path(file).is_file():  # what lies in an archive is loaded as ever
            spec.loader = _FromSource(name, file)
        return spec

    def forget(self) -> None:
        """Remove the folder from sys.path, and its modules from sys.modules."""
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(self)
            # the last one: an earlier entry of the same folder was there before us
            del sys.path[len(sys.path) - 1 - sys.path[::-1].index(self._path)]
        for name in set(sys.modules) - (self._before - set(self._former)):
            if self._is_ours(name, sys.modules[name]):
                del sys.modules[name]
        sys.modules.update(self._former)
        self._former = {}

    def _set_aside(self, top: str, entry: str) -> None:
        """Set a loaded module of this name aside. Raises DetectorError if a library of the same name is in use."""
        if top in sys.stdlib_module_names or (top in sys.modules and not self._is_ours(top, sys.modules[top])):
            raise DetectorError(
                f"{entry}: the folder of the plan holds a module {top}, and another module of that name is in use",
                slug="detector-module-name",
                hint=f"rename {top} beside the plan, and in `entry`",
            )
        for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
            self._former[name] = sys.modules.pop(name)

    def _is_beside(self, file: str) -> bool:
        """Whether a file lies in the folder, and not among the libraries of a Python there, or of its user."""
        homes = (self._path, *site.getsitepackages(), site.getusersitepackages(), str(Path(os.__file__).parent))
        return max((home for home in homes if Path(file).is_relative_to(home)), key=len, default="") == self._path

    def _is_ours(self, name: str, module: ModuleType) -> bool:
        module_path = self._folder.joinpath(*name.split("."))
        file = Path(getattr(module, "__file__", None) or "")
        # also where it has no source: an extension module, or bytecode alone
        return file.parent / file.name.partition(".")[0] in {module_path, module_path / "__init__"}
