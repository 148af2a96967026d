"""`kind = "mlflow"`: the model in a folder that MLflow saved, run by the kind `skops` or `onnx` that fits its file.

MLflow itself is not used. Its loader runs pickles and Python files of the folder, and trusts the types that the folder
lists. Importing it writes an id into the home folder, by which its use is reported. So the description in the folder is
read as text, and its one model file is passed on if it is a skops or ONNX file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audit.detectors.column_order import BY_PLAN, BY_SIGNATURE
from audit.detectors.mlflow_description import MODEL_FILE, read_description
from audit.detectors.model_folder import ModelFolder
from audit.detectors.onnx_model import OnnxDetector
from audit.detectors.protocol import API_VERSION, DetectorInfo, RunContext
from audit.detectors.skops_model import SkopsDetector
from audit.errors import DetectorError
from audit.plan.detectors import MlflowDetector as MlflowSection
from audit.plan.detectors import OnnxDetector as OnnxSection
from audit.plan.detectors import SkopsDetector as SkopsSection
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.detectors.mlflow_description import Description

_OF_EITHER: Final = ("threshold", "top_k", "score_range", "answers", "positive_class", "positive_classes")
_ONLY_SKOPS: Final = ("trusted",)
_ONLY_ONNX: Final = ("output", "classes")
"""Keys of the plan that apply to one of the two kinds only."""


class MlflowDetector:
    """The model of an MLflow folder, run over the batches."""

    api_version = API_VERSION

    def __init__(self, section: MlflowSection, folder: Path) -> None:
        self._section = section
        self._folder = folder
        self._name = shown(section.path.as_posix())
        self._description: Description | None = None
        self._columns: tuple[str, ...] = section.features
        self._inner: OnnxDetector | SkopsDetector | None = None
        self._sha256: str | None = None
        self._batches = 0

    @property
    def info(self) -> DetectorInfo:
        """Name of the folder and digest of all its files; notes on what was run, and how."""
        inner = self._inner.info if self._inner is not None else None
        return DetectorInfo(
            name=self._name,
            kind="mlflow",
            artefact_sha256=self._sha256,
            digest_is_whole=inner is not None and inner.digest_is_whole,
            deterministic=inner.deterministic if inner is not None else False,
            needs=self._section.features,
            notes=(*self._notes(), *map(self._of_order, inner.notes if inner is not None else ())),
            course=inner.course if inner is not None else (),
        )

    def open(self, ctx: RunContext) -> None:
        """Read the folder and load its model. Raises DetectorError if it is refused, or does not fit the plan."""
        folder = ModelFolder(self._folder / self._section.path, self._name, MODEL_FILE)
        description = read_description(folder)
        self._check_keys(description)
        if description.signature is not None:
            self._columns = description.signature.ordered(self._section.features, self._name)
        self._sha256 = folder.digest()
        self._description = description
        self._inner = self._made(description)
        try:
            self._inner.open(ctx)
        except DetectorError as error:
            raise _in_words_of_mlflow(error) from None
        folder.check(description.file, self._inner.info.artefact_sha256)

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Ask the model for one batch. Raises DetectorError if the batch does not fit the signature, or the model
        fails.
        """
        assert self._inner is not None  # noqa: S101 - the harness opens before it scores
        assert self._description is not None  # noqa: S101
        self._batches += 1
        if self._description.signature is not None:
            self._description.signature.check(batch, self._columns, f"{self._name}, batch {self._batches}")
        return self._inner.score(batch)

    def close(self) -> None:
        """Forget the model."""
        if self._inner is not None:
            self._inner.close()

    def _made(self, description: Description) -> OnnxDetector | SkopsDetector:
        """Make the detector of the model file, with the keys of the plan and the columns in the order of the
        signature.
        """
        keys = (*_OF_EITHER, *_ONLY_SKOPS, *_ONLY_ONNX)
        values: dict[str, Any] = {key: getattr(self._section, key) for key in keys if self._says(key)}
        values |= {"features": self._columns, "path": self._section.path / description.file}
        if description.flavour == "onnx":
            return OnnxDetector(OnnxSection.model_validate({"kind": "onnx", **values}), self._folder)

        return SkopsDetector(SkopsSection.model_validate({"kind": "skops", **values}), self._folder)

    def _says(self, key: str) -> bool:
        return key in self._section.model_fields_set

    def _check_keys(self, description: Description) -> None:
        without_use = _ONLY_SKOPS if description.flavour == "onnx" else _ONLY_ONNX
        for key in without_use:
            named = key == "classes" and self._section.answers == "class"
            if self._says(key) and not named:
                raise DetectorError(
                    f"{self._name}: the plan says `{key}`, and the model is of the flavour {description.flavour}",
                    slug="detector-key",
                    hint=f"leave `{key}` out: it is for "
                    + ("scikit-learn models saved with skops" if key in _ONLY_SKOPS else "ONNX models"),
                )

    def _notes(self) -> list[str]:
        about = self._description
        if about is None:
            return []
        saved = "onnx" if about.flavour == "onnx" else "sklearn, saved with skops"
        notes = [f"Saved by MLflow {about.version}, flavour {saved}; {shown(about.file)} was run without MLflow."]
        if about.signature is None:
            notes.append("The model folder has no signature; columns were not checked against one.")
        if about.asks_trust_for:
            notes.append(
                f"The model folder asks for trust in {', '.join(about.asks_trust_for)}. That was not taken for a "
                "permission: what may be loaded is for the allow-list and the plan to say."
            )
        if about.has_session_options:
            notes.append("The model folder says how onnxruntime is to be set up (onnx_session_options); it was not.")
        return notes

    def _of_order(self, note: str) -> str:
        signature = self._description.signature if self._description is not None else None
        named = signature is not None and signature.names is not None
        return BY_SIGNATURE if note == BY_PLAN and named else note


def _in_words_of_mlflow(error: DetectorError) -> DetectorError:
    """Replace the hint of an error by what to do in MLflow."""
    if error.slug == "detector-untrusted-type":
        hint = f"{error.hint}; what the model folder itself lists as trusted is no permission"
    elif error.slug == "detector-external-data":
        hint = "have the model saved with mlflow.onnx.save_model(..., save_as_external_data=False)"
    else:
        return error
    return DetectorError(error.message, slug=error.slug, hint=hint)
