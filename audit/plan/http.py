"""Checks of the part of a plan about an HTTP service: its address, its requests, and secrets that must stay out.

Every function raises ValueError with words that begin with the key. The words never repeat a value, which may be a
secret that was written into the plan by mistake.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

ROWS: Final = "$rows"
"""Placeholder in `request` for the list of rows."""
ROW_ID: Final = "$row_id"
"""Placeholder in `row` for the number of the row."""
FROM_ENVIRONMENT: Final = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")
OWN_HEADERS: Final = frozenset(
    {
        "host",
        "content-type",
        "content-length",
        "content-encoding",
        "transfer-encoding",
        "connection",
        "accept",
        "accept-encoding",
        "user-agent",
        "te",
        "trailer",
        "upgrade",
        "expect",
    }
)
"""Headers that the harness writes, or that change how a message is read."""
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_SECRET: Final = re.compile(
    r"auth|key|token|secret|cookie|passw|pwd|jwt|credential|signature|^sig$|^code$", re.IGNORECASE
)
_KEY: Final = re.compile(
    r"^(?:sk-|sk_|gh[a-z]_|github_|glpat-|hf_|xox[a-z]-|AKIA|AIza|ya29\.|eyJ)|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$|"
    r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{20}"
)
"""Beginnings by which services mark their keys, a UUID, or 20 letters and digits in a row."""
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?\.?")


def check_url(url: str, hosts: Sequence[str], *, allow_local: bool) -> None:
    """Check the address of a service, and that its host is on the list."""
    if not re.fullmatch(r"[\x21-\x7e]+", url) or "\\" in url:
        raise ValueError("url holds spaces, backslashes or characters outside ASCII; write them percent-encoded")
    parts = split_url(url)
    if parts.scheme not in {"https", "http"} or not parts.netloc:
        raise ValueError('url must be of the form "https://host/path"')
    if "@" in parts.netloc:
        raise ValueError('url holds a user name or password; use `token = "env:NAME"` or `headers` instead')
    if "#" in url:
        raise ValueError("url has a fragment (#…), which is never sent; leave it out")
    query = parse_qsl(parts.query, keep_blank_values=True)
    if any(_SECRET.search(name) or _KEY.search(name) or _KEY.search(value) for name, value in query):
        raise ValueError(
            "url holds what looks like a secret after the question mark, and the plan is copied into every result; "
            'use `token = "env:NAME"` or `headers` instead'
        )
    host = host_of(parts)
    if not _is_host(host):
        raise ValueError("url has a host name that cannot be")
    if parts.scheme == "http" and not allow_local:
        raise ValueError(
            "url must begin with https; http is allowed only with `allow_local = true`, to this machine or network"
        )
    if hosts and host not in {name.casefold() for name in hosts}:
        raise ValueError("url has a host that is not in `hosts`")


def looks_secret(name: str) -> bool:
    """Whether a value under this name is probably a secret."""
    return _SECRET.search(name) is not None


def split_url(url: str) -> SplitResult:
    """Split an address into its parts."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("url has a host or port that cannot be") from None
    return parts


def host_of(parts: SplitResult) -> str:
    """Host in small letters; an IPv6 address without its brackets."""
    return (parts.hostname or "").casefold()


def _is_host(host: str) -> bool:
    if ":" not in host:
        return len(host) <= 253 and _HOST.fullmatch(host) is not None
    try:
        return ipaddress.ip_address(host).version == 6 and "%" not in host
    except ValueError:
        return False


def check_request(request: Any) -> None:
    """Check the template of the body: "$rows" stands in it once, as a value."""
    words = [word for word in _words(request, "request") if _is_placeholder(word)]
    if words != [ROWS]:
        raise ValueError(
            f'request must hold "{ROWS}" exactly once, where the list of rows goes, and no other text that begins with '
            'one $ (write "$$" for a text that does)'
        )


def check_row(row: Any, features: Sequence[str], *, with_id: bool) -> None:
    """Check the template of a row: it sends every feature, and the row's number if answers must repeat it."""
    words = {word for word in _words(row, "row") if _is_placeholder(word)}
    known = {f"${name}" for name in features}
    if not words <= known | {ROW_ID}:
        raise ValueError(
            'row holds a text that begins with $ and is neither "$row_id" nor "$" with one of `features` (write "$$" '
            "for a text that does)"
        )
    if not known <= words:
        raise ValueError("row leaves out one of `features`; the report would say that the detector was given it")
    if with_id and ROW_ID not in words:
        raise ValueError(f'row must send "{ROW_ID}" where `id_at` says that answers repeat it')


def check_path(key: str, path: str) -> None:
    """Check the path to a value in an answer: keys and positions with dots between them, or empty."""
    if path and not all(path.split(".")):
        raise ValueError(f'{key} must be keys with dots between them, like "data.results"; "" for the value itself')


def check_token(token: str) -> None:
    """Refuse a token that is written out."""
    if not FROM_ENVIRONMENT.fullmatch(token):
        raise ValueError(
            'token must be "env:NAME", the name of an environment variable that holds it: a plan is copied into every '
            "result, and a token written in it is no secret any more"
        )


def check_headers(headers: Mapping[str, str], *, with_token: bool) -> None:
    """Check names and values, and refuse a secret that is written out."""
    names = [name.casefold() for name in headers]
    if len(set(names)) < len(names):
        raise ValueError("headers name the same header twice")
    if with_token and "authorization" in names:
        raise ValueError("headers name authorization, which `token` writes already; leave one of them out")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError("headers hold a name that no header can have")
        if name.casefold() in OWN_HEADERS:
            raise ValueError(f"headers name {name.casefold()}, which the harness writes itself")
        if FROM_ENVIRONMENT.fullmatch(value):
            continue
        if _SECRET.search(name):
            raise ValueError(
                f'headers.{name.casefold()} looks like a secret; write "env:NAME", the name of an environment variable '
                "that holds it"
            )
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError("headers hold a value that no header can have")


def _is_placeholder(word: str) -> bool:
    return word.startswith("$") and not word.startswith("$$")


def _words(template: Any, key: str) -> Iterator[str]:
    """Yield every text that is a value in a template."""
    try:
        json.dumps(template, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ValueError(f"{key} holds what JSON cannot: a number that is not finite, or endless nesting") from None
    waiting = [template]
    while waiting:
        match waiting.pop():
            case str() as word:
                yield word
            case dict() as table:
                waiting.extend(table.values())
            case list() as several:
                waiting.extend(several)
