"""A sealed audit: what a reader who trusts a key is shown, what nobody is, and what is refused."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from made.sealed import published_into, sealed_in, signer_in, trusting

from audit.errors import EvidenceError
from audit.evidence.keys import Signer
from audit.evidence.seal import Bundles, read_published
from audit.evidence.shown import State
from audit.evidence.trust import Trust
from audit.evidence.verification import verify

TODAY = dt.date(2026, 11, 29)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_into(tmp_path_factory.mktemp("sealed") / "audit-out")


@pytest.fixture(scope="module")
def signer(place: Path) -> Signer:
    return signer_in(place)


@pytest.fixture(scope="module")
def bundles(place: Path, signer: Signer) -> Bundles:
    return sealed_in(place, signer)


def test_whoever_trusts_the_key_is_shown_that_it_holds(bundles: Bundles, signer: Signer) -> None:
    for bundle in bundles:
        found = verify(bundle.content, "evidence.a7k", trusting(signer), TODAY)
        assert found.exit_code == 0, found.shown


def test_a_key_in_a_bundle_proves_nothing(bundles: Bundles) -> None:
    found = verify(bundles.public.content, "evidence.a7k", Trust(), TODAY)
    assert found.exit_code == 3
    assert State.HOLDS not in {each.state for each in found.shown if each.code in {"signer", "threshold"}}


def checked_without_python(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the lines of the README of an unpacked bundle, but for that of a commitment."""
    lines = (folder / "README.txt").read_text().splitlines()
    typed = (line for line in lines if line.startswith("   ") and "printf 'audit7k" not in line)
    commands = "\n".join(line for line in typed if "what this must print" not in line)
    return subprocess.run(["bash", "-c", commands], cwd=folder, capture_output=True, text=True, check=False)


def test_openssl_and_the_usual_tools_verify_a_bundle_by_its_own_readme(bundles: Bundles, tmp_path: Path) -> None:
    zipfile.ZipFile(io.BytesIO(bundles.public.content)).extractall(tmp_path)
    done = checked_without_python(tmp_path)
    assert "Signature Verified Successfully" in done.stdout
    assert "public: signed" in done.stdout
    assert not done.stderr


@pytest.mark.parametrize("done", ["changed", "removed", "added"])
def test_the_usual_tools_see_a_public_file_that_was(bundles: Bundles, tmp_path: Path, done: str) -> None:
    zipfile.ZipFile(io.BytesIO(bundles.public.content)).extractall(tmp_path)
    file = tmp_path / "public" / ("other.csv" if done == "added" else "groups.csv")
    file.unlink() if done == "removed" else file.write_text("group,people\n")
    sums = [
        f"{hashlib.sha256(at.read_bytes()).hexdigest()}  public/{at.name}\n" for at in (tmp_path / "public").iterdir()
    ]
    (tmp_path / "SHA256SUMS").write_text("".join(sums))  # whoever changes a file makes new sums
    said = checked_without_python(tmp_path).stdout
    assert "NOT SIGNED" in said
    assert "public: signed" not in said


@pytest.mark.parametrize(
    "forged", ["statement", "hidden file", "folder", "a list of their own", "a message of their own", "a link"]
)
def test_no_forgery_ends_in_the_word_that_it_is_signed(bundles: Bundles, tmp_path: Path, forged: str) -> None:
    """Whoever packs a bundle also puts in what the lines would write, for somebody who may not write over it."""
    place = tmp_path / "unpacked"
    zipfile.ZipFile(io.BytesIO(bundles.public.content)).extractall(place)
    statement, outside = place / "statement.json", tmp_path / "mine.txt"
    outside.write_text("mine")
    if forged in {"statement", "a message of their own"}:
        genuine = statement.read_bytes()
        statement.write_bytes(re.sub(rb'"headline":"[a-z]*"', b'"headline":"pass"', genuine))
        assert statement.read_bytes() != genuine
        if forged == "a message of their own":
            head = f"DSSEv1 28 application/vnd.in-toto+json {len(genuine)} "
            (place / "pae").write_bytes(head.encode() + genuine)
    else:
        name = {"hidden file": ".report.html", "folder": "final/report.html"}.get(forged, "groups.csv")
        (place / "public" / name).parent.mkdir(exist_ok=True)
        (place / "public" / name).write_text("no gap")
    if forged == "a list of their own":
        listed = (
            f"{hashlib.sha256(at.read_bytes()).hexdigest()}  public/{at.name}" for at in (place / "public").iterdir()
        )
        (place / "signed").write_text("\n".join(sorted(listed)))
    if forged == "a link":
        for name in ("signed", "pae", "public.txt"):
            (place / name).symlink_to(outside)
    said = checked_without_python(place).stdout
    assert ("NOT SIGNED" in said, "public: signed" in said) == (True, False)
    assert outside.read_text() == "mine"


def test_a_public_file_that_was_changed_is_not_sealed(tmp_path: Path) -> None:
    folder = published_into(tmp_path / "audit-out")
    (folder / "public" / "groups.csv").write_text("group,people\n")
    with pytest.raises(EvidenceError, match=r"groups\.csv changed since it was published"):
        read_published(folder, folder / "restricted")


def test_sealing_and_verifying_cost_little(place: Path, signer: Signer, bundles: Bundles) -> None:
    """Processor time of the best of five, once all modules are loaded."""

    def best(act: Callable[[], object]) -> float:
        times = []
        for _ in range(5):
            began = time.process_time()
            act()
            times.append(time.process_time() - began)
        return min(times)

    sealing = best(lambda: sealed_in(place, signer))
    verifying = best(lambda: verify(bundles.public.content, "evidence.a7k", trusting(signer), TODAY))
    print(f"sealed in {sealing:.3f} s, verified in {verifying:.3f} s")
    assert sealing < 0.3
    assert verifying < 0.1
