"""Train and save the detector of the demonstration: a logistic regression over the recorded signs."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, Final

from audit.worlds.demo.referral_cases import HOURS, SIGNS

if TYPE_CHECKING:
    import pyarrow as pa

FEATURES: Final = (*SIGNS, HOURS)
"""Columns that the detector is given: neither gender nor nationality, nor any column that names them."""

DIGITS: Final = 6
"""Decimals of every fitted number, so that the last bit of a linear algebra library changes no byte of the file."""
_FITTED: Final = (
    ("fill", "statistics_"),
    ("scale", "mean_"),
    ("scale", "var_"),
    ("scale", "scale_"),
    ("weigh", "coef_"),
    ("weigh", "intercept_"),
)

_EMPTY_STAMP: Final = (1980, 1, 1, 0, 0, 0)


def train_detector(cases: pa.Table) -> Any:
    """Train on the labelled rows of `cases`.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Missing signs take the mean of the training cases; then scaling, then logistic regression. Class 1 is
        exploitation.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    labelled = cases.filter(cases["exploited"].is_valid())
    signs = labelled.select(FEATURES).to_pandas().astype("float64")
    steps = [("fill", SimpleImputer()), ("scale", StandardScaler()), ("weigh", LogisticRegression())]
    model = Pipeline(steps).fit(signs, labelled["exploited"].to_numpy())
    for step, fitted in _FITTED:
        part = model.named_steps[step]
        setattr(part, fitted, getattr(part, fitted).round(DIGITS))
    return model


def saved_detector(model: Any) -> bytes:
    """Save the model as a `.skops` file: the same model gives the same bytes.

    skops names the parts of a file by their addresses in memory and stamps them with the time of day. Neither means
    anything after saving. So the parts are numbered instead, and the stamps are constant.
    """
    import skops.io

    numbers: dict[str, int] = {}
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as written:
        schema = _numbered(json.loads(written.read("schema.json")), numbers)
        arrays = {
            _numbered_name(name, numbers): written.read(name) for name in written.namelist() if name != "schema.json"
        }
    saved = io.BytesIO()
    with zipfile.ZipFile(saved, "w") as archive:
        for name in sorted(arrays):
            archive.writestr(zipfile.ZipInfo(name, _EMPTY_STAMP), arrays[name])
        archive.writestr(zipfile.ZipInfo("schema.json", _EMPTY_STAMP), json.dumps(schema))
    return saved.getvalue()


def _numbered(part: Any, numbers: dict[str, int]) -> Any:
    """Replace every id in `part` of a skops schema, and every file name made of one, by its order of appearance."""
    if isinstance(part, list):
        return [_numbered(child, numbers) for child in part]
    if not isinstance(part, dict):
        return part
    numbered: dict[str, Any] = {}
    for key, value in part.items():
        if key == "__id__":
            numbered[key] = numbers.setdefault(str(value), len(numbers) + 1)
        elif key == "file":
            numbered[key] = _numbered_name(value, numbers)
        else:
            numbered[key] = _numbered(value, numbers)
    return numbered


def _numbered_name(name: str, numbers: dict[str, int]) -> str:
    address, dot, ending = name.partition(".")
    return f"{numbers.setdefault(address, len(numbers) + 1)}{dot}{ending}"
