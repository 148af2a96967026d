"""The lines by which somebody without Python checks a bundle: what they agree to, and what they do not let through."""

from __future__ import annotations

import io
import os
import re
import subprocess
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from audit.errors import EvidenceError
from audit.evidence.bundle import STATEMENT, read_bundle
from audit.evidence.envelope import Envelope
from audit.evidence.keys import Signer
from audit.evidence.readme import check_lines
from audit.evidence.seal import Bundles

Entries = list[tuple[str, bytes]]
LINK = 0o120777 << 16


def entries_of(bundle: bytes) -> Entries:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def packed(entries: Entries, links: Sequence[tuple[str, str]] = ()) -> bytes:
    """Make a zip file of these entries, in this order; a name may stand in it twice."""
    with warnings.catch_warnings(), zipfile.ZipFile(made := io.BytesIO(), "w") as archive:
        warnings.simplefilter("ignore")  # of a name that stands in it twice
        for name, content in entries:
            archive.writestr(name, content)
        for name, target in links:
            (link := zipfile.ZipInfo(name)).external_attr = LINK
            archive.writestr(link, target)
    return made.getvalue()


def checked_without_python(bundle: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the lines of the README of a bundle where it lies, with another bundle's words still in the shell."""
    folder.mkdir(exist_ok=True)
    (folder / "evidence.a7k").write_bytes(bundle)
    commands = f"signed=yes; work=/nowhere\n{check_lines('evidence.a7k', [1])}"
    own = os.environ | {"TMPDIR": str(folder)}
    return subprocess.run(["sh", "-c", commands], cwd=folder, env=own, capture_output=True, text=True, check=False)


def test_openssl_and_the_usual_tools_verify_a_bundle_by_its_own_readme(bundles: Bundles, tmp_path: Path) -> None:
    for bundle in bundles:
        done = checked_without_python(bundle.content, tmp_path)
        assert "Signature Verified Successfully" in done.stdout
        where = Path(done.stdout.rpartition("public: signed, in ")[2].strip())
        assert {at.name: at.read_bytes() for at in where.iterdir()} == bundle.public
        assert not done.stderr


def _changed(entries: Entries, name: str, content: bytes) -> Entries:
    return [(each, content if each == name else kept) for each, kept in entries]


def _passed(entries: Entries) -> Entries:
    statement = dict(entries)[STATEMENT]
    return _changed(entries, STATEMENT, re.sub(rb'"headline":"[a-z]*"', b'"headline":"pass"', statement))


def _with_a_screen_of_its_own(statement: bytes) -> bytes:
    screen = b"\x1b[H\x1b[2JSignature Verified Successfully\x1b[1Epublic: signed, in /tmp/public\x1b[1E"
    return statement.replace(b'"system":{"name":"', b'"system":{"name":"' + screen)


def _signed(entries: Entries, signer: Signer, statement: bytes) -> Entries:
    (signature,) = Envelope(statement).signed(signer).signatures
    return _changed(_changed(entries, STATEMENT, statement), "signature-1.sig", signature.signature)


OTHER = b'{"headline":"pass"}'
FORGERIES: dict[str, Callable[[Entries, Signer], bytes]] = {
    "a file changed": lambda of, _: packed(_changed(of, "public/groups.csv", b"group,people\n")),
    "a file removed": lambda of, _: packed([each for each in of if each[0] != "public/groups.csv"]),
    "a file added": lambda of, _: packed([*of, ("public/other.csv", b"no gap")]),
    "a hidden file": lambda of, _: packed([*of, ("public/.report.html", b"no gap")]),
    "a folder": lambda of, _: packed([*of, ("public/final/report.html", b"no gap")]),
    "another verdict": lambda of, _: packed(_passed(of)),
    "a screen of its own": lambda of, _: packed(
        _changed(of, STATEMENT, _with_a_screen_of_its_own(dict(of)[STATEMENT]))
    ),
    "another verdict, and questions of unzip": lambda of, _: packed([*_passed(of), *[("README.txt", b"y")] * 3]),
    "a link to a file": lambda of, _: packed(
        [each for each in of if each[0] != "public/groups.csv"], [("public/groups.csv", "../annex/groups.csv")]
    ),
    "a link to what is signed, here": lambda of, _: packed(
        [*[each for each in of if each[0] != "public/groups.csv"], ("public/own/groups.csv", b"")],
        [("public/groups.csv", "/proc/self/cwd/audit-out/public/groups.csv")],
    ),
    "a link to a folder": lambda of, _: packed(of, [("public/report-final", "../annex")]),
    "a link to nothing": lambda of, _: packed(of, [("public/report-final", "nothing")]),
    "another statement of the key": lambda of, signer: packed(
        _signed([*(each for each in of if not each[0].startswith("public/")), ("public/folder/", b"")], signer, OTHER)
    ),
}


@pytest.mark.parametrize("forged", FORGERIES)
def test_no_forgery_ends_in_the_word_that_it_is_signed(
    bundles: Bundles, signer: Signer, tmp_path: Path, forged: str
) -> None:
    genuine = entries_of(bundles.public.content)
    made = FORGERIES[forged]([*genuine, ("annex/groups.csv", b"no gap")], signer)
    (tmp_path / "audit-out" / "public").mkdir(parents=True)
    (tmp_path / "audit-out" / "public" / "groups.csv").write_bytes(dict(genuine)["public/groups.csv"])
    done = checked_without_python(made, tmp_path)
    assert (done.stdout.endswith("NOT SIGNED\n"), "public: signed" in done.stdout) == (True, False)
    assert '"headline"' not in done.stdout
    with pytest.raises(EvidenceError):
        read_bundle(made, "it")


def test_what_a_stranger_signed_moves_no_cursor(bundles: Bundles, signer: Signer, tmp_path: Path) -> None:
    """Whoever signs a statement with a key of their own can write anything into it, but no other fingerprint."""
    entries = entries_of(bundles.public.content)
    made = packed(_signed(entries, signer, _with_a_screen_of_its_own(dict(entries)[STATEMENT])))
    said = checked_without_python(made, tmp_path).stdout
    assert ('"headline":' in said, "\x1b" in said) == (True, False)
