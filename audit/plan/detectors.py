"""The detector under audit, as a plan names it: existing answers, a function, a model, a program or a service."""

import json
import re
import typing
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from audit.plan.answers import BlindDetector, ClassName, ModelDetector, PredictionsDetector
from audit.plan.services import ChatDetector, HttpDetector

Argument = Annotated[str, Field(pattern=r"^[^\x00]*$")]
EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""Beginning of an address, such as `runs:/` or `s3://`; a drive has one letter."""
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class PythonDetector(ModelDetector):
    """A function over batches: `function(batch: pyarrow.RecordBatch)` returns one answer a row, in their order."""

    kind: Literal["python"]
    """`python`."""
    entry: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
    """`module:function`; the module is looked for beside the plan first. It is the operator's own code, and trusted."""


class SkopsDetector(ModelDetector):
    """A scikit-learn estimator saved with skops; its types are checked against an allow-list before it is loaded."""

    kind: Literal["skops"]
    """`skops`."""
    path: Path
    """The .skops file."""
    trusted: tuple[str, ...] = ()
    """Types beyond scikit-learn's own that may be loaded, written out one by one after someone has read them."""
    positive_class: str = "1"
    """The class of `predict_proba` whose probability is the score."""


class PickleDetector(ModelDetector):
    """A scikit-learn estimator saved with pickle or joblib. Loading it runs whatever code stands in the file: it is
    refused unless the person who runs the audit says `--allow-pickle`, and then runs in a process of its own.
    """

    kind: Literal["pickle"]
    """`pickle`."""
    path: Path
    """The .pkl or .joblib file."""
    positive_class: str = "1"
    """The class of `predict_proba` whose probability is the score."""


class OnnxDetector(ModelDetector):
    """A model in the ONNX format, run with onnxruntime on one thread. It needs the extra `onnx`."""

    names_columns: ClassVar[bool] = True
    kind: Literal["onnx"]
    """`onnx`."""
    path: Path
    """The .onnx file; all of the model stands in it."""
    output: Annotated[str, Field(min_length=1)] | None = None
    """The output with the score, or with the decision; needed where the model has several that it could be."""
    positive_class: str = "1"
    """The class whose probability is the score, or that means flagged. Not for an output with a single score."""
    classes: tuple[ClassName, ...] = ()
    """The classes, in the order of the model's columns, where the model does not say; never against what it says. With
    `answers = "class"` every class that it may answer with, in any order."""


class MlflowDetector(ModelDetector):
    """A model folder of MLflow, read without MLflow: its ONNX model, or its scikit-learn model saved with skops. It
    needs the extra `mlflow`.
    """

    names_columns: ClassVar[bool] = True
    kind: Literal["mlflow"]
    """`mlflow`."""
    path: Path
    """The folder with the file `MLmodel`, on this machine. Nothing is downloaded, and no server is asked."""
    trusted: tuple[str, ...] = ()
    """For a scikit-learn model: types beyond scikit-learn's own that may be loaded, written out one by one after
    someone has read them. Those that the folder lists are not taken over."""
    positive_class: str = "1"
    """The class whose probability is the score, or that means flagged."""
    output: Annotated[str, Field(min_length=1)] | None = None
    """For an ONNX model: the output with the score, or with the decision, where it has several that it could be."""
    classes: tuple[ClassName, ...] = ()
    """For an ONNX model: the classes, in the order of its columns, where it does not say. With `answers = "class"`, for
    either, every class that it may answer with."""

    @model_validator(mode="after")
    def _names_a_folder(self) -> Self:
        if _ADDRESS.match(self.path.as_posix()):
            raise ValueError(
                "`path` names a folder on this machine; download the model first: mlflow artifacts download"
            )
        return self


class TransformersDetector(ModelDetector):
    """A Hugging Face text classifier from a folder: safetensors alone, no code of its own, nothing downloaded, always
    in a process of its own. It needs the extra `transformers`.
    """

    kind: Literal["transformers"]
    """`transformers`."""
    path: Path
    """The folder with model and tokenizer, as `save_pretrained` writes them."""
    positive_class: str | Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """The label of the model's configuration whose share is the score, or several whose shares are added. It must be
    named, but for `answers = "class"`."""
    max_length: Annotated[int, Field(ge=8, le=2**17)] | None = None
    """Tokens of a text; of longer ones only the beginning is given, and the report says how many. Without it as many as
    the model can take."""
    rows_at_once: Annotated[int, Field(ge=1, le=4096)] = 32
    """Texts given to the model together. A score can change in its last bits with it."""

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        if len(self.features) > 1:
            raise ValueError("a text classifier is given one column of text: name one in `features`")
        if self.answers == "ordinal":
            raise ValueError("a text classifier answers with a score, a decision or a class, and not with a level")
        if self.answers != "class" and self.positive_class is None:
            raise ValueError("write `positive_class`: the label of the model, or the labels, that mean exploitation")
        return self

    @property
    def positive_labels(self) -> tuple[str, ...]:
        """`positive_class` as a list; empty where the answers are classes."""
        if self.positive_class is None:
            return ()
        return (self.positive_class,) if isinstance(self.positive_class, str) else self.positive_class


class CommandDetector(ModelDetector):
    """A program that is started once and asked row by row: JSON Lines on its standard input and output."""

    kind: Literal["command"]
    """`command`."""
    command: Annotated[tuple[Argument, ...], Field(min_length=1)]
    """The program and its arguments, one text each; no shell reads them. A program with a slash is relative to the
    folder of the plan, in which it runs; one without is looked for on PATH. Never write a secret here: the plan is part
    of the result."""
    timeout: Seconds = 60.0
    """Seconds within which a batch must be answered; the rows without an answer then count as failed."""
    start_timeout: Seconds = 120.0
    """Seconds that the program has, each time it is started, until its first answer."""
    most_restarts: Annotated[int, Field(ge=0, le=1000)] = 3
    """How often in a run the program is started anew after it ended, hung or lost the order; then the run ends."""
    environment: tuple[EnvironmentName, ...] = ()
    """Names of environment variables, such as one with a token, that the program is given beside PATH, HOME, LANG,
    LC_ALL and TMPDIR. Only names: the values never stand in a plan."""
    longest_line: Annotated[int, Field(ge=64, le=2**24)] = 2**20
    """Bytes that a line of the program may have; a longer one is not read to its end."""

    @model_validator(mode="after")
    def _names_a_program(self) -> Self:
        if not self.command[0].strip():
            raise ValueError("`command` begins with the name of a program")
        return self


class OtherDetector(ModelDetector):
    """A detector of a kind that another installed package offers; what only that kind knows stands in `options`."""

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    """The name under which the package offers it, in the entry-point group `audit.detectors`."""
    options: dict[str, Any] = {}  # noqa: RUF012 - pydantic copies it
    """What the package's own documentation names; audit7k hands it on unread. Never write a secret here: the plan is
    part of the result."""

    @model_validator(mode="after")
    def _options_are_json(self) -> Self:
        try:
            json.dumps(self.options, allow_nan=False)
        except (ValueError, TypeError):
            raise ValueError("options holds a number that is not finite, or a value that JSON does not have") from None
        return self


OwnDetector = Annotated[
    PredictionsDetector
    | PythonDetector
    | SkopsDetector
    | PickleDetector
    | OnnxDetector
    | MlflowDetector
    | TransformersDetector
    | CommandDetector
    | HttpDetector
    | ChatDetector
    | BlindDetector,
    Field(discriminator="kind"),
]
"""Kinds of detectors that audit7k itself brings."""


def _whose(section: Any) -> str:
    """Form of a section: "own" or "other". A section without a kind has the form "own"."""
    kind = section.get("kind") if isinstance(section, dict) else getattr(section, "kind", None)
    return "other" if isinstance(kind, str) and kind not in OWN_KINDS else "own"


Detector = Annotated[Annotated[OwnDetector, Tag("own")] | Annotated[OtherDetector, Tag("other")], Discriminator(_whose)]
OWN_KINDS: Final = frozenset(
    typing.get_args(model.model_fields["kind"].annotation)[0]
    for model in typing.get_args(typing.get_args(OwnDetector)[0])
)
_OF_NUMBERS: Final = frozenset({"skops", "onnx", "mlflow", "transformers"})


def is_of_numbers(detector: Detector) -> bool:
    """Say whether a detector is a file of numbers: to load it runs no code of others, so its digest covers all of it.

    Another one is or holds code. That can import, start and read what no plan names, and see what day it is.
    """
    return detector.kind in _OF_NUMBERS and not getattr(detector, "trusted", ())
