"""A language model of a few lines behind a real service on the loopback, and every reply that one could give."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

from detectors.fault_server import Act, Asked, FaultServer, serving


def prompt_of(asked: Asked) -> str:
    """What the user's message says."""
    (message,) = (message for message in asked.body["messages"] if message["role"] == "user")
    return str(message["content"])


def row_of(asked: Asked) -> int:
    """The number that stands last in the prompt: the row's own."""
    return int(re.findall(r"[0-9]+", prompt_of(asked))[-1])


def score_of(row: int) -> float:
    """The score that the model gives to a row."""
    return (37 * row % 101) / 101


def reply_of(content: Any, finish: Any = "stop", **more: Any) -> dict[str, Any]:
    """A reply: `message` in `more` is laid over the message, all else over the reply."""
    message = {"role": "assistant", "content": content, "refusal": None, **more.pop("message", {})}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "model-1", "usage": usage}
    return {**whole, "choices": [choice], **more}


def says(content: Any, finish: Any = "stop", **more: Any) -> Act:
    """Say the same to whoever asks."""
    return lambda asked: asked.reply(reply_of(content, finish, **dict(more)))


def answer(asked: Asked, **more: Any) -> None:
    """Give the row its score."""
    asked.reply(reply_of(json.dumps({"score": score_of(row_of(asked))}), **more))


@contextlib.contextmanager
def chatting(act: Act) -> Iterator[FaultServer]:
    """Run the service; its url is that of the endpoint."""
    with serving(act) as server:
        server.url = server.url.replace("/v1/score", "/v1/chat/completions")
        yield server
