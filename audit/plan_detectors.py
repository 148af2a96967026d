"""The detector under audit, as a plan names it: answers that exist, a function, a model, a program or a service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from audit.plan_http import check_headers, check_path, check_request, check_row, check_token, check_url

Name = Annotated[str, Field(min_length=1, max_length=200)]
Column = Annotated[str, Field(min_length=1)]
Argument = Annotated[str, Field(pattern=r"^[^\x00]*$")]
EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Strict(BaseModel):
    """A table of the plan: an unknown key is an error, and what was checked cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _paths_can_be(self) -> Self:
        for key, value in self:
            if isinstance(value, Path) and "\0" in str(value):
                raise ValueError(f"{key} holds a null character, which no path can")
        return self


class _Decision(Strict):
    threshold: float | None = None
    """A case is flagged when its score is at least this."""
    top_k: Annotated[int, Field(ge=1)] | None = None
    """The capacity: the k highest scores are flagged; equal scores are taken in the order of their ids."""
    score_range: tuple[float, float] = (0.0, 1.0)
    """The lowest and highest score that the detector can give; anything outside is an error."""

    @model_validator(mode="after")
    def _range_in_order(self) -> Self:
        low, high = self.score_range
        if not low < high:
            raise ValueError("score_range must be [lowest, highest] with lowest < highest")
        if self.threshold is not None and not low <= self.threshold <= high:
            raise ValueError(f"threshold {self.threshold:g} lies outside score_range [{low:g}, {high:g}]")
        return self


class PredictionsDetector(_Decision):
    """A detector known by what it answered: a file joined by id, or columns of the evaluation set itself."""

    kind: Literal["predictions"]
    """`predictions`."""
    path: Path | None = None
    """The file of predictions; without it the columns are taken from the evaluation set."""
    id: Column | None = None
    """The id column of the predictions file; the evaluation set's own id column where it is not given."""
    score: Column | None = None
    """The column with the score."""
    decision: Column | None = None
    """The column with the decision itself, instead of a score with `threshold` or `top_k`."""
    decision_positive: tuple[str, ...] = ("1", "true")
    """Values of the decision column that mean flagged; compared without regard to case."""
    decision_negative: tuple[str, ...] = ("0", "false")
    """Values of the decision column that mean not flagged. An empty cell is an abstention."""
    encoding: str = "utf-8"
    """Encoding of a CSV or JSONL file."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """Delimiter of a CSV file."""

    @model_validator(mode="after")
    def _one_decision_rule(self) -> Self:
        if self.decision is not None:
            if self.score is not None or self.threshold is not None or self.top_k is not None:
                raise ValueError("`decision` names the decision itself; leave out `score`, `threshold` and `top_k`")
            check_disjoint(
                "decision_positive and decision_negative", (*self.decision_positive, *self.decision_negative)
            )
            return self
        if self.score is None:
            raise ValueError('write `score = "<column>"` with `threshold` or `top_k`, or `decision = "<column>"`')
        _exactly_one_cut(self)
        return self


class ModelDetector(_Decision):
    """A detector that is run: which columns it is given, and what it answers with."""

    features: Annotated[tuple[Column, ...], Field(min_length=1)]
    """Columns that the detector is given. Label, gender and nationality columns are withheld unless named here."""
    answers: Literal["score", "decision"] = "score"
    """Whether the detector answers with a score or with the decision itself (1 flagged, 0 not)."""

    @model_validator(mode="after")
    def _one_decision_rule(self) -> Self:
        if len(set(self.features)) < len(self.features):
            raise ValueError("`features` names a column twice")
        if self.answers == "decision":
            if self.threshold is not None or self.top_k is not None:
                raise ValueError("a detector that answers with decisions takes neither `threshold` nor `top_k`")
        else:
            _exactly_one_cut(self)
        return self


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

    kind: Literal["onnx"]
    """`onnx`."""
    path: Path
    """The .onnx file; all of the model stands in it."""
    output: Annotated[str, Field(min_length=1)] | None = None
    """The output with the score, or with the decision; needed where the model has several that it could be."""
    positive_class: str = "1"
    """The class whose probability is the score, or that means flagged. Not for an output with a single score."""
    classes: tuple[str, ...] = ()
    """The classes, in the order of the model's columns, where the model does not say; never against what it says."""

    @model_validator(mode="after")
    def _classes_differ(self) -> Self:
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("`classes` names a class twice")
        return self


class TransformersDetector(ModelDetector):
    """A Hugging Face text classifier from a folder: safetensors alone, no code of its own, nothing downloaded, always
    in a process of its own. It needs the extra `transformers`.
    """

    kind: Literal["transformers"]
    """`transformers`."""
    path: Path
    """The folder with model and tokenizer, as `save_pretrained` writes them."""
    positive_class: str | Annotated[tuple[str, ...], Field(min_length=1)]
    """The label of the model's configuration whose share is the score, or several whose shares are added."""
    max_length: Annotated[int, Field(ge=8, le=2**17)] | None = None
    """Tokens of a text; of longer ones only the beginning is given, and the report says how many. Without it as many as
    the model can take."""
    rows_at_once: Annotated[int, Field(ge=1, le=4096)] = 32
    """Texts given to the model together. A score can change in its last bits with it."""

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        if len(self.features) > 1:
            raise ValueError("a text classifier is given one column of text: name one in `features`")
        return self

    @property
    def positive_classes(self) -> tuple[str, ...]:
        """`positive_class` as a list."""
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


class HttpDetector(ModelDetector):
    """A service that answers batches of rows in JSON. The features of every case are sent to it."""

    kind: Literal["http"]
    """`http`."""
    url: str
    """Where batches are posted: `https://host/path`, without user, password or secret."""
    hosts: tuple[str, ...] = ()
    """The hosts that `url` may name; without it the host that it does name."""
    allow_local: bool = False
    """Whether the host may be this machine or an address of a private network, and the connection plain http to it."""
    request: Any = {"instances": "$rows"}
    """The body of a request: JSON in which the text `"$rows"` is replaced by the list of rows."""
    row: Any = None
    """A row: JSON in which `"$column"` is replaced by the value of a feature, and `"$row_id"` by the row's number.
    Without it a table of `row_id` and the features by their names."""
    answers_at: str
    """Where the list of answers is in the reply: keys with dots between them, `""` where the reply is the list."""
    score_at: str
    """Where the score, or the decision, is in an answer: keys or places (from 0) with dots between them, `""` where
    the answer is the score. `null` there is an abstention."""
    id_at: str | None = None
    """Where an answer repeats `row_id`. Without it only the number of answers can be checked, not their order."""
    token: str | None = None
    """`env:NAME`: the environment variable that holds the bearer token. The token itself is refused in a plan."""
    headers: dict[str, str] = {}
    """Further headers: `env:NAME`, or text that is no secret."""
    timeout: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """Seconds that a batch may take, all tries and waits between them included."""
    try_timeout: Annotated[float, Field(gt=0, le=3600)] = 10.0
    """Seconds that one try may take."""
    workers: Annotated[int, Field(ge=1, le=32)] = 4
    """Batches that may be on their way at once. It begins with one, and falls back where the service asks for it."""
    most_bytes: Annotated[int, Field(ge=1, le=2**30)] = 16 * 2**20
    """Bytes of a reply, unpacked, at which reading stops."""

    @model_validator(mode="after")
    def _service_can_be_asked(self) -> Self:
        check_url(self.url, self.hosts, allow_local=self.allow_local)
        check_request(self.request)
        if self.row is not None:
            check_row(self.row, self.features, with_id=self.id_at is not None)
        check_path("answers_at", self.answers_at)
        check_path("score_at", self.score_at)
        check_path("id_at", self.id_at or "")
        if self.token is not None:
            check_token(self.token)
        check_headers(self.headers, with_token=self.token is not None)
        return self


Detector = Annotated[
    PredictionsDetector
    | PythonDetector
    | SkopsDetector
    | PickleDetector
    | OnnxDetector
    | TransformersDetector
    | CommandDetector
    | HttpDetector,
    Field(discriminator="kind"),
]


def check_disjoint(keys: str, values: Sequence[str]) -> None:
    """Raise ValueError where `values` holds one twice, whatever its case; `keys` says where they stand."""
    if len({value.casefold() for value in values}) < len(values):
        raise ValueError(f"{keys} name the same value twice")


def _exactly_one_cut(detector: _Decision) -> None:
    if (detector.threshold is None) == (detector.top_k is None):
        raise ValueError("write exactly one of `threshold` (a score) and `top_k` (a capacity)")
