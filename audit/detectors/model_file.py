"""What detectors have in common that run a model from a file or folder beside the plan; and read such a file.

A file is read into memory, so that digest and model come from the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Generic, TypeVar

from audit.detectors.protocol import API_VERSION, DetectorInfo, RunContext
from audit.errors import DetectorError
from audit.plan.detectors import OnnxDetector, PickleDetector, SkopsDetector, TransformersDetector
from audit.vocabulary.text import shown

Section = TypeVar("Section", bound=OnnxDetector | PickleDetector | SkopsDetector | TransformersDetector)


class ModelOfPath(Generic[Section]):
    """A model that is run over the batches: its name, its digest, and notes on how it was run."""

    api_version = API_VERSION
    _deterministic = True
    _digest_is_whole = True

    def __init__(self, section: Section, folder: Path) -> None:
        self._section = section
        self._name = shown(section.path.as_posix())
        self._path = folder / section.path
        self._context: RunContext | None = None
        self._sha256: str | None = None
        self._notes: list[str] = []
        self._batches = 0

    @property
    def info(self) -> DetectorInfo:
        """Name of the file or folder and its digest; notes on how the model was run."""
        return DetectorInfo(
            name=self._name,
            kind=self._section.kind,
            artefact_sha256=self._sha256,
            deterministic=self._deterministic,
            digest_is_whole=self._digest_is_whole,
            needs=self._section.features,
            notes=tuple(self._notes),
            course=tuple(self._course_notes()),
        )

    def _course_notes(self) -> Iterable[str]:
        """Notes on what happened while the batches were scored."""
        return ()

    def _next_batch(self) -> str:
        """Count a batch, and name it for messages."""
        self._batches += 1
        return f"{self._name}, batch {self._batches}"


def read_model_file(path: Path, name: str, *, ending: str, largest: int | None = None) -> bytes:
    """Read a model file.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Name of the file in messages.
    ending : str
        Usual ending of the file name, with its dot.
    largest : int, optional
        A file with more bytes is refused before it is read.

    Raises
    ------
    DetectorError
        It does not exist, is no file, is too large, or cannot be read.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise DetectorError(
                f"the model file {name} is a pipe or a device",
                slug="detector-file",
                hint=f"`path` names a {ending} file",
            )
        if largest is not None and path.stat().st_size > largest:
            raise DetectorError(f"{name} is larger than {largest // 2**30} GiB", slug="detector-too-large")
        return path.read_bytes()
    except FileNotFoundError:
        raise DetectorError(
            f"no model file {name}", slug="detector-file", hint="`path` is relative to the folder of the plan"
        ) from None
    except OSError as error:
        raise DetectorError(
            f"the model file {name} cannot be read ({type(error).__name__})", slug="detector-file"
        ) from None
