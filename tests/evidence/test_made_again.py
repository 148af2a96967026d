"""`verify` makes every public file again from `release.json`: a lie that its auditor signed is contradicted."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made.sealed import published_into, sealed_in, signer_in, trusting
from pydantic import ValidationError

import audit
from audit.disclosure.public_files import DEFAULT, PAPER, REPORTERS, file_of
from audit.disclosure.read import parse_release
from audit.evidence.bundle import Bundle
from audit.evidence.envelope import Envelope
from audit.evidence.keys import Signer
from audit.evidence.shown import State
from audit.evidence.statement import canonical
from audit.evidence.verification import verify
from audit.public.release import PublicRelease, public_json
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


def _swapped(content: bytes, pattern: bytes, other: bytes) -> bytes:
    """Return a file with one place of a pattern changed, about in its middle."""
    found = list(re.finditer(pattern, content))
    if not found:
        return content
    at = found[len(found) // 2]
    return content[: at.start()] + other + content[at.end() :]


LIES: dict[str, Callable[[bytes], bytes]] = {
    "a word": lambda held: _swapped(held, rb"(?i)cannot.tell|inconclusive|warned", b"within"),
    "a number": lambda held: _swapped(held, rb"[1-9]", b"0"),
    "the title": lambda held: held.replace(b"Screener", b"Screened", 1),
    "a hidden element": lambda held: _swapped(
        held, rb"(?=</(body|svg|testsuites)>)", b'<g style="display:none">PASS</g>'
    ),
    "a script": lambda held: _swapped(held, rb"(?=</(body|svg)>)", b"<script>document.title='PASS'</script>"),
    "a comment": lambda held: _swapped(held, rb"(?=</(body|svg|testsuites)>)", b"<!-- PASS -->"),
    "a key more": lambda held: held[:1] + b'"pass":true,' + held[1:] if held[:1] == b"{" else held,
    "a line less": lambda held: held[: held.rstrip().rfind(b"\n") + 1],
    "a space": lambda held: held.replace(b" ", b"  ", 1),
    "a character that looks alike": lambda held: _swapped(held, rb"a", "\u0430".encode()),
    "all of it": lambda _: b"PASS. This system is fair.",
    "nothing": lambda _: b"",
}
"""Changes of a file, as somebody makes them who wants another verdict; a file that has nothing to change stays."""


@pytest.mark.parametrize("form", FORMS)
def test_planted_lies_end_with_5(signer: Signer, tmp_path: Path, form: str) -> None:
    """A lie in `release.json` is seen by the files that were made from it as it was."""
    forms = DEFAULT if form == "json" else ("json", form)
    bundle, name = sealed_in(published_into(tmp_path / "out", formats=forms), signer).public, REPORTERS[form][0]
    assert shown(bundle, signer)[0] == 0
    lies = {what: lie(bundle.public[name]) for what, lie in LIES.items()}
    planted = {what: {**bundle.public, name: lie} for what, lie in lies.items() if lie != bundle.public[name]}
    assert len(planted) >= 6
    codes = {what: shown(signed(bundle, signer, public), signer)[0] for what, public in planted.items()}
    assert codes == dict.fromkeys(planted, 5)


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
        ({"audit7k": "0.0.1"}, "pip install audit7k==0.0.1"),
        ({"record": "0" * 64}, "another build, or with other libraries"),
        ({"record": None}, "another build, or with other libraries"),
    ],
)
def test_what_another_version_made_otherwise_is_not_shown(
    bundle: Bundle, signer: Signer, software: dict[str, str | None], which: str
) -> None:
    """Its bytes may be right for that version, or a lie: nothing here tells. Equal bytes of another build follow."""

    def by_another(predicate: Any) -> None:
        made_by = {**predicate["software"], **software}
        predicate["software"] = {name: said for name, said in made_by.items() if said is not None}

    whole = shown(signed(bundle, signer, dict(bundle.public), by_another), signer)
    assert whole[1][State.HOLDS] == f"{len(FORMS)} public files made again from release.json, byte for byte"
    assert whole[0] == (3 if "audit7k" in software else 0)  # another version, or only another build of this one
    public = {**bundle.public, "report.html": b"<h1>Another look</h1>"}
    code, said = shown(signed(bundle, signer, public, by_another), signer)
    version = f"audit7k {software.get('audit7k', __version__)} made the files ({which})"
    assert (code, said) == (3, {
        State.HOLDS: f"{len(FORMS) - 1} public files made again from release.json, byte for byte",
        State.NOT_SHOWN: f"whether report.html follows from release.json: {version}",
    })  # fmt: skip


def _leaves(document: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    inside = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in inside:
        if isinstance(value, dict | list):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def test_whatever_is_another_in_release_json_no_reporter_breaks(signer: Signer, tmp_path: Path) -> None:
    """Languages that there are none of, features without a name: a line says so, and no error comes out.

    What stands in no other file is the release itself: `verify` says that it is claimed.
    """
    small = sealed_in(published_into(tmp_path / "out", formats=DEFAULT), signer).public
    document = json.loads(small.public["release.json"])
    seen, codes = set[tuple[str | int, ...]](), Counter[int]()
    for path, value in _leaves(document):
        kind = tuple("*" if isinstance(step, int) else step for step in path)
        if kind in seen or not isinstance(value, str | int):
            continue
        seen.add(kind)
        changed = json.loads(small.public["release.json"])
        part = changed
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = f"{value}x" if isinstance(value, str) else int(value) + 1
        try:
            release = PublicRelease.model_validate_json(json.dumps(changed))
        except ValidationError:
            continue
        lie = signed(small, signer, {**small.public, "release.json": public_json(release).encode()})
        codes[shown(lie, signer)[0]] += 1
    assert codes[5] > 30 > codes[0]
    assert set(codes) <= {0, 5}


def test_a_release_that_no_reporter_can_read_makes_nothing(bundle: Bundle, signer: Signer) -> None:
    release = parse_release(bundle.public["release.json"])
    about = release.about.model_copy(update={"languages": ("xx",), "formats": ("html", "json")})
    unread = public_json(release.model_copy(update={"about": about})).encode()
    for report in (b"", b"False", bundle.public["report.html"]):
        lie = signed(bundle, signer, {"release.json": unread, "report.html": report})
        assert shown(lie, signer) == (5, {State.CONTRADICTED: "report.html: not what release.json makes"})


@pytest.mark.parametrize("name", ["report.html", "badge.svg"])
def test_a_file_that_follows_from_the_signed_release_may_lie_beside_it(
    bundle: Bundle, signer: Signer, tmp_path: Path, name: str
) -> None:
    small = sealed_in(published_into(tmp_path / "out", formats=("json",)), signer).public
    release = parse_release(small.public["release.json"])
    made = file_of(release, {"report.html": "html", "badge.svg": "badge"}[name])

    def code_beside(content: bytes) -> int:
        beside = {name: content}
        return verify(small.content, "evidence.a7k", trusting(signer), TODAY, beside.get).exit_code

    assert code_beside(made) == 0
    assert code_beside(made.replace(b"</", b"<!-- pass --></", 1)) == (3 if name == "report.html" else 5)


def test_another_checkout_verifies_and_a_changed_one_says_that_it_cannot_tell(
    bundle: Bundle, signer: Signer, tmp_path: Path
) -> None:
    """In a folder of its own, as a second party has it; with a space in its name."""
    root, there = Path(audit.__file__).parents[1], tmp_path / "second checkout"
    for package in ("audit", "reports", "audit7k"):
        shutil.copytree(root / package, there / package, ignore=shutil.ignore_patterns("__pycache__"))
    lie = {**bundle.public, "report.html": b"<h1>PASS. This system is fair.</h1>"}
    (tmp_path / "evidence.a7k").write_bytes(bundle.content)
    (tmp_path / "lie.a7k").write_bytes(signed(bundle, signer, lie).content)

    def code(name: str) -> int:
        asked = [sys.executable, "-m", "audit", "verify", str(tmp_path / name), "--key", signer.public.fingerprint]
        installed = {**os.environ, "PYTHONPATH": str(there)}
        return subprocess.run(asked, cwd=there, env=installed, capture_output=True, check=False).returncode

    assert (code("evidence.a7k"), code("lie.a7k")) == (0, 5)
    with (there / "reports" / "numbers.py").open("a", encoding="utf-8") as file:
        file.write("# another build\n")
    assert (code("evidence.a7k"), code("lie.a7k")) == (0, 3)
