"""`verify` makes every public file again from `release.json`: a lie that its auditor signed is contradicted."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made.sealed import published_into, sealed_in, signer_in, trusting

from audit.disclosure.public_files import PAPER, REPORTERS
from audit.evidence.bundle import Bundle
from audit.evidence.envelope import Envelope
from audit.evidence.keys import Signer
from audit.evidence.shown import State
from audit.evidence.statement import canonical
from audit.evidence.verification import verify
from audit.version import __version__

TODAY = dt.date(2026, 11, 29)
FORMS = tuple(name for name in REPORTERS if name != PAPER)


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return signer_in(tmp_path_factory.mktemp("key"))


@pytest.fixture(scope="module")
def bundle(signer: Signer, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle with every form but paper."""
    return sealed_in(published_into(tmp_path_factory.mktemp("all") / "out", formats=FORMS), signer).public


def signed(
    bundle: Bundle, signer: Signer, public: dict[str, bytes], change: Callable[[Any], object] = lambda _: None
) -> Bundle:
    """Sign other public files with the auditor's own key, as whoever lies would."""
    statement = json.loads(bundle.statement)
    statement["subject"] = [
        {"name": f"public/{name}", "digest": {"sha256": hashlib.sha256(content).hexdigest()}}
        for name, content in sorted(public.items())
    ]
    change(statement["predicate"])
    lines = [canonical(statement), *(public[name] for name in ("test-result.intoto.json",) if name in public)]
    return replace(bundle, public=public, envelopes=tuple(Envelope(line).signed(signer) for line in lines))


def shown(bundle: Bundle, signer: Signer) -> tuple[int, dict[State, str]]:
    found = verify(bundle.content, "evidence.a7k", trusting(signer), TODAY)
    return found.exit_code, {each.state: each.text for each in found.shown if each.code == "made-again"}


def test_genuine_files_of_every_form_are_made_again(bundle: Bundle, signer: Signer) -> None:
    number = len(FORMS)
    assert len(bundle.public) == number
    assert shown(bundle, signer) == (
        0, {State.HOLDS: f"{number} public files made again from release.json, byte for byte"},
    )  # fmt: skip
    assert shown(signed(bundle, signer, dict(bundle.public)), signer)[0] == 0  # as the lies below are signed


@pytest.mark.parametrize("form", [name for name in FORMS if name != "json"])
def test_one_changed_byte_of_any_form_is_contradicted(bundle: Bundle, signer: Signer, form: str) -> None:
    name = REPORTERS[form][0]
    lie = signed(bundle, signer, {**bundle.public, name: bundle.public[name] + b"\n"})
    code, said = shown(lie, signer)
    assert (code, said) == (5, {State.CONTRADICTED: f"{name}: not what release.json makes"})


LIES: dict[str, Callable[[dict[str, bytes]], dict[str, bytes]]] = {
    "a page that says pass": lambda public: {"report.html": b"<h1>PASS. This system is fair.</h1>"},
    "a clean report of tests": lambda public: {"junit.xml": b'<testsuites tests="1" failures="0"/>'},
    "another word in the table": lambda public: {"groups.csv": public["groups.csv"].replace(b"cannot_tell", b"within")},
    "a badge": lambda public: {"badge.svg": public["badge.svg"].replace(b"</svg>", b"<text>PASS</text></svg>")},
}


@pytest.mark.parametrize("lie", LIES)
def test_planted_lies_end_with_5(bundle: Bundle, signer: Signer, lie: str) -> None:
    changed = LIES[lie](dict(bundle.public))
    assert all(bundle.public[name] != content for name, content in changed.items())
    assert shown(signed(bundle, signer, {**bundle.public, **changed}), signer)[0] == 5


def test_a_file_too_few_or_too_many_is_seen(bundle: Bundle, signer: Signer, tmp_path: Path) -> None:
    rest = {name: content for name, content in bundle.public.items() if name != "report.html"}
    code, said = shown(signed(bundle, signer, rest), signer)
    assert (code, said) == (5, {State.CONTRADICTED: "report.html: not what release.json makes"})
    small = sealed_in(published_into(tmp_path / "out", formats=("json",)), signer).public
    assert shown(small, signer)[0] == 0
    lie = {**small.public, "report.html": b"<h1>PASS</h1>"}  # of a form that was not published
    assert shown(signed(small, signer, lie), signer)[0] == 5


def test_what_no_form_is_called_or_fonts_decide_is_not_shown(bundle: Bundle, signer: Signer) -> None:
    for name in ("letter.txt", "report.pdf"):
        code, said = shown(signed(bundle, signer, {**bundle.public, name: b"of somebody"}), signer)
        assert (code, State.HOLDS in said) == (3, True)
        assert said[State.NOT_SHOWN].startswith(f"{name}: not made again here")


@pytest.mark.parametrize(
    ("software", "which"),
    [
        ({"audit7k": "0.0.1"}, "audit7k 0.0.1 made them (pip install audit7k==0.0.1)"),
        ({"record": "0" * 64}, f"audit7k {__version__} made them (another build)"),
    ],
)
def test_files_of_another_version_are_not_shown(
    bundle: Bundle, signer: Signer, software: dict[str, str], which: str
) -> None:
    """Its bytes may be right for that version, or a lie: nothing here tells."""
    public = {**bundle.public, "report.html": b"<h1>Another look</h1>"}
    code, said = shown(signed(bundle, signer, public, lambda said: said["software"].update(software)), signer)
    assert (code, said) == (3, {State.NOT_SHOWN: f"whether the public files follow from release.json: {which}"})
