"""`kind = "onnx"`: a model in the ONNX format, run with onnxruntime on the processor and one thread.

A model with one input [rows, columns] is given the features as its columns, in the order of the plan. A model with an
input for each feature is given them by name. The score is the only column of the output, or the column of
`positive_class`; with `answers = "decision"` the output with the label decides.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audit.detectors.answers import protocol_answer
from audit.detectors.error_names import error_name
from audit.detectors.extras import import_extra
from audit.detectors.model_file import ModelOfPath, read_model_file
from audit.detectors.one_thread import NOTE
from audit.detectors.onnx_file import LARGEST, OnnxGraph
from audit.detectors.onnx_inputs import OnnxInputs
from audit.detectors.onnx_outputs import OnnxOutput
from audit.detectors.protocol import RunContext
from audit.errors import DetectorError
from audit.plan.detectors import OnnxDetector as OnnxSection
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import pyarrow as pa


_SILENT: Final = 4
"""Level at which onnxruntime logs fatal errors only: its messages on errors can quote a cell."""
_DRAWS: Final = "The model draws random numbers: another run can give other scores."


class OnnxDetector(ModelOfPath[OnnxSection]):
    """An ONNX model that is run over the batches."""

    def __init__(self, section: OnnxSection, folder: Path) -> None:
        super().__init__(section, folder)
        self._session: Any = None
        self._inputs: OnnxInputs | None = None
        self._output: OnnxOutput | None = None

    def _course_notes(self) -> list[str]:
        empty = sorted(self._inputs.missing) if self._inputs is not None else []
        return [f"Empty cells were given to the model as NaN: {', '.join(map(shown, empty))}."] if empty else []

    def open(self, ctx: RunContext) -> None:
        """Load the file. Raises DetectorError if the extra is missing, or the file is no ONNX model or does not fit."""
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before it is imported: it is read once, and not on Windows
        runtime = import_extra("onnxruntime", kind="onnx", extra="onnx")
        runtime.disable_telemetry_events()

        content = read_model_file(self._path, self._name, ending=".onnx", largest=LARGEST)
        self._sha256 = hashlib.sha256(content).hexdigest()
        self._context = ctx
        graph = OnnxGraph(content, self._name)
        self._deterministic = not graph.random
        self._session = _session(runtime, content, self._name)
        self._inputs = OnnxInputs(self._session.get_inputs(), self._section.features, self._name)
        self._output = OnnxOutput(self._session.get_outputs(), graph, self._section, self._name)
        self._notes.extend(self._inputs.notes)
        self._notes.append(_DRAWS if graph.random else NOTE)

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Ask the model for one batch. Raises DetectorError if it raises, or its answer has the wrong form."""
        assert self._inputs is not None  # noqa: S101 - the harness opens before it scores
        assert self._output is not None  # noqa: S101
        assert self._context is not None  # noqa: S101
        where = self._next_batch()
        feeds = self._inputs.feed(batch, where)
        try:
            (answer,) = self._session.run([self._output.name], feeds)
        except Exception as error:
            raise DetectorError(
                f"{where}: the model raised {error_name(error)}",
                slug="detector-raised",
                hint="its text is withheld because it can quote a row; check that the model takes such columns where "
                "it was made",
            ) from None
        returned = self._output.read(answer, where)
        return protocol_answer(batch, returned, self._context, where=where)

    def close(self) -> None:
        """Forget the model."""
        self._session = None


def _session(runtime: Any, content: bytes, file: str) -> Any:
    """Load the model from bytes, to run on the processor, in one thread, one operator after the other."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = _SILENT
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return runtime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"], enable_fallback=0, read_config_from_model=0
        )
    except Exception as error:
        if "construct locale" in str(error):
            raise DetectorError(
                f"{file} changes upper and lower case by the rules of a locale that this machine does not have",
                slug="detector-locale",
            ) from None
        raise DetectorError(
            f"{file} cannot be loaded by onnxruntime ({error_name(error)})",
            slug="detector-not-onnx",
            hint="it is damaged, or uses operators that the installed onnxruntime does not have; export it again, or "
            "install a newer onnxruntime",
        ) from None
