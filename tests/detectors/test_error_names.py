"""The type of an error is named only where its name cannot be made out of a row."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from sklearn.exceptions import NotFittedError

from audit.detectors.error_names import OWN, RaisedThereError, error_name, is_builtin
from audit.errors import DetectorError
from audit.scoring.foreign_errors import error_text_withheld

CANARY = "canary_3b0d"


class OwnError(Exception):
    """Of a module that nobody knows."""


def made_out_of(text: str) -> Exception:
    made: type[Exception] = type(f"E_{text}", (ValueError,), {"__module__": "builtins"})
    return made()


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ValueError("x"), "ValueError"),
        (SystemExit(0), "SystemExit"),
        (json.JSONDecodeError("x", "y", 0), "JSONDecodeError"),
        (zipfile.BadZipFile(), "BadZipFile"),
        (np.linalg.LinAlgError(), "LinAlgError"),
        (pa.ArrowInvalid("x"), "ArrowInvalid"),
        (NotFittedError(), "NotFittedError"),
        (OwnError(), OWN),
        (made_out_of(CANARY), OWN),
        (RaisedThereError("KeyError"), "KeyError"),
    ],
)
def test_what_is_told_of_an_error(error: BaseException, name: str) -> None:
    assert error_name(error) == name


def test_only_errors_are_errors_of_python() -> None:
    assert is_builtin("KeyError")
    assert not is_builtin("print")
    assert not is_builtin("int")
    assert not is_builtin(CANARY)


def test_a_name_made_out_of_a_row_is_withheld() -> None:
    with pytest.raises(DetectorError) as caught, error_text_withheld("detector kind x"):
        raise made_out_of(CANARY)
    assert CANARY not in str(caught.value)
    assert "it raised an error of its own" in str(caught.value)
