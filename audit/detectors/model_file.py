"""Read a model file into memory, so that digest and model come from the same bytes."""

from __future__ import annotations

from pathlib import Path

from audit.errors import DetectorError


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
            raise DetectorError(
                f"{name} is larger than {largest // 2**30} GiB",
                slug="detector-too-large",
                hint="no model of that size can be loaded here",
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise DetectorError(
            f"no model file {name}", slug="detector-file", hint="`path` is relative to the folder of the plan"
        ) from None
    except OSError as error:
        raise DetectorError(
            f"the model file {name} cannot be read ({type(error).__name__})", slug="detector-file"
        ) from None
