"""The detector under audit, as a plan names it: answers that exist, a function, a model, a program or a service."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from audit.plan_chat import check_endpoint, check_extra, check_prompt, check_system
from audit.plan_http import check_headers, check_path, check_request, check_row, check_token, check_url

Name = Annotated[str, Field(min_length=1, max_length=200)]
Column = Annotated[str, Field(min_length=1)]
ClassName = Annotated[str, Field(min_length=1, max_length=200)]
Argument = Annotated[str, Field(pattern=r"^[^\x00]*$")]
EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
_WHOLE_LEVELS = "an ordinal scale has whole levels: write score_range = [lowest, highest] with both, such as [0, 4]"
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""What an address begins with, such as `runs:/` or `s3://`; a drive has one letter."""
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
    """A case is flagged when its score, or its level, is at least this."""
    top_k: Annotated[int, Field(ge=1)] | None = None
    """The capacity: the k highest scores are flagged; equal scores are taken in the order of their ids."""
    score_range: tuple[float, float] = (0.0, 1.0)
    """The lowest and highest score that the detector can give; anything outside is an error. On an ordinal scale the
    lowest and highest level, `[0, 4]`."""

    @model_validator(mode="after")
    def _range_in_order(self) -> Self:
        low, high = self.score_range
        if not low < high:
            raise ValueError("score_range must be [lowest, highest] with lowest < highest")
        if getattr(self, "answers", "score") == "ordinal" and "score_range" not in self.model_fields_set:
            raise ValueError(_WHOLE_LEVELS)
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
    answers: Literal["score", "ordinal"] = "score"
    """What `score` holds: scores, or the levels of an ordinal scale, which are whole numbers."""
    rank: Column | None = None
    """The column with the place in the detector's own ranking, instead of a score: 1 is the first, and `top_k` says how
    many are flagged. An empty cell is a case that it did not rank."""
    decision: Column | None = None
    """The column with the decision itself, or with a class, instead of a score with `threshold` or `top_k`."""
    decision_positive: tuple[str, ...] = ("1", "true")
    """Values of the decision column that mean flagged; compared without regard to case."""
    decision_negative: tuple[str, ...] = ("0", "false")
    """Values of the decision column that mean not flagged. An empty cell is an abstention."""
    encoding: str = "utf-8"
    """Encoding of a CSV or JSONL file."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """Delimiter of a CSV file."""

    @property
    def answer(self) -> Column:
        """The column with what the detector answered."""
        column = self.decision or self.rank or self.score
        assert column is not None  # noqa: S101 - the validator below has seen to it
        return column

    @property
    def answer_key(self) -> Literal["decision", "rank", "score"]:
        """The key of the plan that names that column."""
        return "decision" if self.decision is not None else "rank" if self.rank is not None else "score"

    @property
    def has_scores(self) -> bool:
        """Whether it is known by scores or levels, so that other cuts can be looked at."""
        return self.score is not None

    @model_validator(mode="after")
    def _one_decision_rule(self) -> Self:
        if self.decision is not None:
            if self.score or self.rank or self.threshold is not None or self.top_k is not None:
                raise ValueError(
                    "`decision` names the decision itself; leave out `score`, `rank`, `threshold` and `top_k`"
                )
            check_disjoint(
                "decision_positive and decision_negative", (*self.decision_positive, *self.decision_negative)
            )
            return self
        if self.rank is not None:
            if self.score is not None or self.threshold is not None or self.top_k is None:
                raise ValueError("`rank` is a place among the others: write `top_k` with it, and no score or threshold")
            return self
        if self.score is None:
            raise ValueError(
                'write `score = "<column>"` with `threshold` or `top_k`, `rank = "<column>"` with `top_k`, or '
                '`decision = "<column>"`'
            )
        _exactly_one_cut(self)
        if self.answers == "ordinal":
            _check_levels(self)
        return self


class ModelDetector(_Decision):
    """A detector that is run: which columns it is given, and what it answers with."""

    features: Annotated[tuple[Column, ...], Field(min_length=1)]
    """Columns that the detector is given. Label, gender and nationality columns are withheld unless named here."""
    answers: Literal["score", "decision", "ordinal", "class"] = "score"
    """What the detector answers with: a score; the decision itself (1 flagged, 0 not); a level of an ordinal scale, a
    whole number within `score_range`, where `threshold` is the cut; or the name of one of `classes`."""
    classes: tuple[ClassName, ...] = ()
    """With `answers = "class"`: every class that it may answer with. Any other answer is a failure, and counted."""
    positive_classes: tuple[ClassName, ...] = ()
    """With `answers = "class"`: the classes among them that mean flagged."""

    @property
    def has_scores(self) -> bool:
        """Whether it answers with scores or levels, so that other cuts can be looked at."""
        return self.answers in ("score", "ordinal")

    @property
    def answer_range(self) -> tuple[float, float]:
        """The lowest and highest number of an answer, as the detector protocol has them."""
        return (0.0, len(self.classes) - 1.0) if self.answers == "class" else self.score_range

    @model_validator(mode="after")
    def _one_decision_rule(self) -> Self:
        if len(set(self.features)) < len(self.features):
            raise ValueError("`features` names a column twice")
        if self.answers != "class" and self.positive_classes:
            raise ValueError('`positive_classes` goes with answers = "class"')
        if self.answers in ("decision", "class"):
            if self.threshold is not None or self.top_k is not None:
                which = "decisions" if self.answers == "decision" else "classes"
                raise ValueError(f"a detector that answers with {which} takes neither `threshold` nor `top_k`")
        else:
            _exactly_one_cut(self)
        if self.answers == "class":
            _check_classes(self)
        elif self.answers == "ordinal":
            _check_levels(self)
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
    classes: tuple[ClassName, ...] = ()
    """The classes, in the order of the model's columns, where the model does not say; never against what it says. With
    `answers = "class"` every class that it may answer with, in any order."""

    @model_validator(mode="after")
    def _classes_differ(self) -> Self:
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("`classes` names a class twice")
        return self


class MlflowDetector(ModelDetector):
    """A model folder of MLflow, read without MLflow: its ONNX model, or its scikit-learn model saved with skops. It
    needs the extra `mlflow`.
    """

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
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("`classes` names a class twice")
        if _ADDRESS.match(self.path.as_posix()):
            raise ValueError(
                "`path` names a folder on this machine; download the model first: mlflow artifacts download"
            )
        return self


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


class ServiceDetector(ModelDetector):
    """A detector that answers over the network, whatever form it is asked in."""

    url: str
    """Where requests are posted: `https://host/path`, without user, password or secret."""
    hosts: tuple[str, ...] = ()
    """The hosts that `url` may name; without it the host that it does name."""
    allow_local: bool = False
    """Whether the host may be this machine or an address of a private network, and the connection plain http to it."""
    token: str | None = None
    """`env:NAME`: the environment variable that holds the bearer token. The token itself is refused in a plan."""
    headers: dict[str, str] = {}
    """Further headers: `env:NAME`, or text that is no secret."""
    timeout: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """Seconds that a request may take, all tries and waits between them included."""
    try_timeout: Annotated[float, Field(gt=0, le=3600)] = 10.0
    """Seconds that one try may take."""
    workers: Annotated[int, Field(ge=1, le=32)] = 4
    """Requests that may be on their way at once. It begins with one, and falls back where the service asks for it."""
    most_bytes: Annotated[int, Field(ge=1, le=2**30)] = 16 * 2**20
    """Bytes of a reply, unpacked, at which reading stops."""

    @model_validator(mode="after")
    def _service_can_be_reached(self) -> Self:
        check_url(self.url, self.hosts, allow_local=self.allow_local)
        if self.token is not None:
            check_token(self.token)
        check_headers(self.headers, with_token=self.token is not None)
        return self


class HttpDetector(ServiceDetector):
    """A service that answers batches of rows in JSON. The features of every case are sent to it."""

    kind: Literal["http"]
    """`http`."""
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

    @model_validator(mode="after")
    def _service_can_be_asked(self) -> Self:
        check_request(self.request)
        if self.row is not None:
            check_row(self.row, self.features, with_id=self.id_at is not None)
        check_path("answers_at", self.answers_at)
        check_path("score_at", self.score_at)
        check_path("id_at", self.id_at or "")
        return self


class ChatDetector(ServiceDetector):
    """A language model behind an endpoint that is asked as OpenAI's is: one request a row, in the words of the plan."""

    kind: Literal["chat"]
    """`chat`."""
    model: Name
    """The name of the model, as the service knows it."""
    system: Annotated[str, Field(min_length=1, max_length=100_000)] | None = None
    """The system message, sent as it is."""
    prompt: Annotated[str, Field(min_length=1, max_length=100_000)]
    """The user's message: text in which `{column}` is replaced by the value of a feature. Every feature must stand in
    it. A brace that is meant as one is written twice: `{{` and `}}`."""
    missing: str = "not stated"
    """What stands for a missing value."""
    structured: Literal["json_schema", "json_object", "none"] = "json_schema"
    """What the service is asked to hold the model to: the schema of an answer, any JSON object, or nothing. The answer
    is read in the same strict way."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    """How far the model strays from its likeliest words."""
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    """Sent where it is given; a service may use it to answer in the same way again."""
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """How long an answer may be. One that is cut off counts as failed."""
    timeout: Annotated[float, Field(gt=0, le=3600)] = 300.0
    """Seconds that a row may take, all tries and waits between them included."""
    try_timeout: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """Seconds that one try may take. Longer than the model needs: an answer that is not waited for costs as much."""
    extra: dict[str, Any] = {}
    """Further keys of the request, such as `max_completion_tokens` or `reasoning_effort`."""

    @model_validator(mode="after")
    def _model_can_be_asked(self) -> Self:
        check_endpoint(self.url)
        check_prompt(self.prompt, self.features)
        check_system(self.system or "", self.features)
        check_extra(self.extra)
        return self


Detector = Annotated[
    PredictionsDetector
    | PythonDetector
    | SkopsDetector
    | OnnxDetector
    | MlflowDetector
    | CommandDetector
    | HttpDetector
    | ChatDetector,
    Field(discriminator="kind"),
]


def check_disjoint(keys: str, values: Sequence[str]) -> None:
    """Raise ValueError where `values` holds one twice, whatever its case; `keys` says where they stand."""
    if len({value.casefold() for value in values}) < len(values):
        raise ValueError(f"{keys} name the same value twice")


def _exactly_one_cut(detector: _Decision) -> None:
    if (detector.threshold is None) == (detector.top_k is None):
        raise ValueError("write exactly one of `threshold` (a score) and `top_k` (a capacity)")


def _check_levels(detector: PredictionsDetector | ModelDetector) -> None:
    low, high = detector.score_range
    if not (low.is_integer() and high.is_integer()):
        raise ValueError(_WHOLE_LEVELS)
    if high - low < 2:
        raise ValueError('a scale of two levels is a decision: write answers = "decision", or `decision` of a file')
    if detector.threshold is not None and not detector.threshold.is_integer():
        raise ValueError("the cut of an ordinal scale (`threshold`) is one of its levels, a whole number")


def _check_classes(detector: ModelDetector) -> None:
    known, positive = set(detector.classes), set(detector.positive_classes)
    if len(known) < len(detector.classes) or len(positive) < len(detector.positive_classes):
        raise ValueError("`classes` or `positive_classes` name a class twice")
    if len(known) < 2:
        raise ValueError('answers = "class" needs `classes`, every class that the detector may answer with')
    if not positive or not positive < known:
        raise ValueError("`positive_classes` names those of `classes` that mean flagged: at least one, and not all")
