"""`kind = "transformers"`: a Hugging Face text classifier from a folder, run with torch on the processor, one thread.

Nothing is downloaded, no code of the model is run, and weights are read from safetensors alone. The score is the share
that the softmax of the model's outputs gives to `positive_class`. With `answers = "decision"` a text is flagged if its
highest output belongs to that class, and with `answers = "class"` the answer is the label of the highest output. Texts
are given in pieces of `rows_at_once`, each padded to its longest text, because the last bits of a score can depend on
the texts beside it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from audit.detectors.answers import protocol_answer
from audit.detectors.class_names import check_every_class, find_class
from audit.detectors.error_names import error_name
from audit.detectors.extras import import_extra
from audit.detectors.inside import check_in_child
from audit.detectors.model_file import ModelOfPath
from audit.detectors.one_thread import NOTE
from audit.detectors.protocol import RunContext
from audit.detectors.transformers_folder import check_folder
from audit.errors import DetectorError
from audit.plan.detectors import TransformersDetector as TransformersSection
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import numpy.typing as npt

_OFFLINE: Final = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "critical",
}
_USUAL_LENGTH: Final = 512
"""Most tokens of a text if neither plan nor model state a number."""
_NO_LIMIT: Final = 10**6
"""A tokenizer with a larger number of tokens knows no limit."""


class TransformersDetector(ModelOfPath[TransformersSection]):
    """A text classifier that is run over the batches."""

    def __init__(self, section: TransformersSection, folder: Path) -> None:
        super().__init__(section, folder)
        self._model: Any = None
        self._tokenizer: Any = None
        self._labels: list[str] = []
        self._positive: list[int] = []
        self._most_tokens = self._texts = self._cut = self._empty = 0

    def _course_notes(self) -> Iterator[str]:
        if self._cut:
            yield (
                f"Texts of more than {self._most_tokens} tokens, of which only the beginning was given: {self._cut} of "
                f"the {self._texts} texts."
            )
        if self._empty:
            yield f"Empty cells, given to the model as a text without a word: {self._empty}."

    def open(self, ctx: RunContext) -> None:
        """Check the folder and load the model. Raises DetectorError if it is refused or does not fit."""
        check_in_child("transformers")

        self._context = ctx
        self._sha256, files = check_folder(self._path, self._name)
        # before anything of it is imported: it reads them once
        os.environ.update(_OFFLINE)
        torch = import_extra("torch", kind="transformers", extra="transformers")
        import_extra("transformers", kind="transformers", extra="transformers")
        torch.set_num_threads(1)
        torch.set_num_interop_threads(1)
        torch.use_deterministic_algorithms(True)
        self._load(torch)
        self._most_tokens = self._longest()
        self._notes += [NOTE, f"The digest covers the {files} files of the folder."]

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Ask the model about one batch. Raises DetectorError if it raises, or the column holds no text."""
        assert self._context is not None  # noqa: S101 - the harness opens before it scores
        where = self._next_batch()
        column = batch.column(self._section.features[0])
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            raise DetectorError(
                f"{where}: the column {shown(self._section.features[0])} holds no text", slug="transformers-no-text"
            )
        texts = ["" if text is None else text for text in column.to_pylist()]
        self._empty += column.null_count
        self._texts += len(texts)
        try:
            returned = self._answers(texts)
        except Exception as error:
            raise DetectorError(
                f"{where}: the model raised {error_name(error)}",
                slug="detector-raised",
                hint="its text is withheld because it can quote a row; try the model on the same texts yourself",
            ) from error
        return protocol_answer(batch, returned, self._context, where=where)

    def close(self) -> None:
        """Forget the model."""
        self._model = self._tokenizer = None

    def _load(self, torch: Any) -> None:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        local = {"local_files_only": True, "trust_remote_code": False}
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(str(self._path), **local)
            self._model, loading = AutoModelForSequenceClassification.from_pretrained(
                str(self._path), use_safetensors=True, dtype=torch.float32, output_loading_info=True, **local
            )
        except Exception as error:
            raise DetectorError(
                f"{self._name} cannot be loaded by transformers ({error_name(error)})", slug="transformers-load"
            ) from error
        if loading["missing_keys"] or loading["mismatched_keys"]:
            raise DetectorError(
                f"{self._name} lacks weights that a text classifier has, which would be filled with random numbers",
                slug="transformers-weights",
            )
        self._model.eval()
        self._positive = self._places(self._model.config)

    def _places(self, config: Any) -> list[int]:
        """The places of the positive classes among the model's outputs."""
        if (
            getattr(config, "problem_type", None) in {"regression", "multi_label_classification"}
            or config.num_labels < 2
        ):
            raise DetectorError(
                f"{self._name}: the model does not choose one of several classes",
                slug="transformers-classes",
                hint='wrap it in a function and use kind = "python"',
            )
        labels = self._labels = [str(config.id2label[index]) for index in range(config.num_labels)]
        if self._section.answers == "class":
            check_every_class(labels, self._section, self._name)
            return []
        indices = sorted({find_class(labels, wanted, self._name) for wanted in self._section.positive_labels})
        if len(indices) == len(labels):
            raise DetectorError(
                f"{self._name}: `positive_class` names every class of the model",
                slug="transformers-classes",
                hint="name those that mean exploitation",
            )
        return indices

    def _longest(self) -> int:
        """Most tokens of a text: the number in the plan, else as many as the model can take."""
        limits = [self._tokenizer.model_max_length, getattr(self._model.config, "max_position_embeddings", None)]
        known = [limit for limit in limits if isinstance(limit, int) and 0 < limit < _NO_LIMIT]
        wanted = self._section.max_length
        if wanted is not None and known and wanted > min(known):
            raise DetectorError(
                f"{self._name}: the model takes at most {min(known)} tokens, and `max_length` is {wanted}",
                slug="transformers-length",
            )
        return wanted or min(known, default=_USUAL_LENGTH)

    def _answers(self, texts: list[str]) -> npt.NDArray[np.float64] | list[str]:
        """Compute the share of the positive classes, the decision or the class for each text."""
        import torch

        at_once = self._section.rows_at_once
        logits = np.empty((len(texts), self._model.config.num_labels), dtype=np.float64)
        with torch.inference_mode():
            for start in range(0, len(texts), at_once):
                tokens = self._tokens(texts[start : start + at_once])
                logits[start : start + at_once] = self._model(**tokens).logits.double().numpy()
        # for outputs that are no numbers, the highest would always be the first
        known = np.atleast_1d(np.isfinite(logits).all(axis=1))
        if self._section.answers == "class":
            indices = np.argmax(logits, axis=1)
            return [self._labels[index] if right else "" for index, right in zip(indices, known, strict=True)]
        positive = np.isin(np.arange(logits.shape[1]), self._positive)
        if self._section.answers == "decision":
            return np.where(known, positive[np.argmax(logits, axis=1)], np.nan)
        with np.errstate(invalid="ignore"):
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        inside, outside = powers[:, positive].sum(axis=1), powers[:, ~positive].sum(axis=1)
        # divided by a sum that includes it, so that no rounding can make it larger than 1
        shares: npt.NDArray[np.float64] = inside / (inside + outside)
        return shares

    def _tokens(self, texts: list[str]) -> Any:
        """Tokens of some texts: too long texts are cut, and all are padded to the longest."""
        encoded = self._tokenizer(texts, truncation=False, verbose=False)
        cut = sum(len(tokens) > self._most_tokens for tokens in encoded["input_ids"])
        self._cut += cut
        if cut:
            encoded = self._tokenizer(texts, truncation=True, max_length=self._most_tokens)
        return self._tokenizer.pad(encoded, return_tensors="pt")
