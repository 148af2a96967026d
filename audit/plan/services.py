"""Detectors that are asked over the network, as a plan names them: an HTTP service, and a language model."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from audit.plan.answers import ModelDetector, Name
from audit.plan.http import (
    check_headers,
    check_path,
    check_request,
    check_row,
    check_token,
    check_url,
    looks_secret,
    split_url,
)


class ServiceDetector(ModelDetector):
    """A detector that answers over the network, whatever form it is asked in. It loads no model file and runs no
    foreign code, and a row that is asked about again may be paid for again.
    """

    url: str
    """Where requests are posted: `https://host/path`, without user, password or secret."""
    hosts: tuple[str, ...] = ()
    """The hosts that `url` may name; without it the host that it does name."""
    allow_local: bool = False
    """Whether the host may be this machine or an address of a private network, and the connection plain http to it."""
    token: str | None = None
    """`env:NAME`: the environment variable that holds the bearer token. The token itself is refused in a plan."""
    headers: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
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
    request: Any = {"instances": "$rows"}  # noqa: RUF012 - pydantic copies it
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
    extra: dict[str, Any] = {}  # noqa: RUF012 - pydantic copies it
    """Further keys of the request, such as `max_completion_tokens` or `reasoning_effort`."""

    @model_validator(mode="after")
    def _model_can_be_asked(self) -> Self:
        check_endpoint(self.url)
        check_prompt(self.prompt, self.features)
        check_system(self.system or "", self.features)
        check_extra(self.extra)
        return self


ENDING: Final = "/chat/completions"
"""End of the path of an endpoint that is asked in this form."""

OWN_KEYS: Final = frozenset({"model", "messages", "temperature", "seed", "max_tokens", "response_format"})
"""Keys of a request that other keys of the plan write."""

OTHER_REPLIES: Final = frozenset({"stream", "stream_options", "n"})
"""Keys that turn a reply into something other than one answer in one document."""

_TOKENS: Final = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]")


class Slot(NamedTuple):
    """A place in a prompt that a feature fills."""

    feature: str


def pieces_of(prompt: str) -> tuple[str | Slot, ...]:
    """Split a prompt into texts and slots. Raises ValueError for a brace without its other half."""
    pieces: list[str | Slot] = []
    end = 0
    for found in _TOKENS.finditer(prompt):
        pieces.append(prompt[end : found.start()])
        token = found[0]
        if token in {"{", "}"}:
            raise ValueError(
                "prompt has a brace without its other half; write {{ and }} for braces that are sent as they are"
            )
        pieces.append(token[0] if token in {"{{", "}}"} else Slot(token[1:-1]))
        end = found.end()
    pieces.append(prompt[end:])
    return tuple(piece for piece in pieces if piece)


def check_prompt(prompt: str, features: Sequence[str]) -> None:
    """Check that a prompt sends every feature and nothing else."""
    if any("{" in name or "}" in name for name in features):
        raise ValueError("features names a column with a brace, which no prompt can name; give the column another name")
    slots = {piece.feature for piece in pieces_of(prompt) if isinstance(piece, Slot)}
    if not slots <= set(features):
        raise ValueError(
            "prompt has something in braces that is none of `features`; write {{ and }} for braces that are sent as "
            "they are"
        )
    if slots < set(features):
        raise ValueError(
            "prompt leaves out one of `features`, and the report would say that the detector was given it; a slot is "
            "{column}, with one brace on each side"
        )


def check_system(system: str, features: Sequence[str]) -> None:
    """Refuse a slot in a text in which no slot is filled."""
    if any(f"{{{name}}}" in system for name in features):
        raise ValueError("system has a feature in braces, and is sent as it is; values go into `prompt`")


def check_endpoint(url: str) -> None:
    """Check that an address is that of an endpoint, not of the service as a whole."""
    if not split_url(url).path.endswith(ENDING):
        raise ValueError(f'url must be the whole address of the endpoint, which ends with "{ENDING}"')


def check_extra(extra: Mapping[str, Any]) -> None:
    """Check the further keys of a request."""
    for name, value in extra.items():
        if name in OWN_KEYS:
            raise ValueError(f"extra.{name} is written by a key of its own in [detector]")
        if name in OTHER_REPLIES:
            raise ValueError(f"extra.{name} asks for another kind of reply than one answer to one row")
        if isinstance(value, str) and looks_secret(name):
            raise ValueError(
                "extra has a text under a name that looks like a secret, and the plan is copied into every result; "
                'use `token = "env:NAME"` or `headers` instead'
            )
    try:
        json.dumps(dict(extra), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ValueError(
            "extra holds what JSON cannot: a date, a number that is not finite, or endless nesting"
        ) from None
