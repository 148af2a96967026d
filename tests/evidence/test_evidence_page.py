"""The page about evidence, followed to the letter, with OpenSSL as the second party."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from made.published import FEW, write_set
from made.sealed import members_of
from made.warm_command import warm_command

from audit.evidence.readme import check_lines, readme

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "evidence.md"
Shell = Callable[[str], tuple[int, str]]
SEAL = "audit7k seal audit-out --key auditor.key"
UNSIGNED = "audit7k seal audit-out"
ATTACH = "audit7k attach audit-out/public/evidence.a7k auditor.sig --key auditor.key.pub"
VERIFY = "audit7k verify audit-out/public/evidence.a7k"


def blocks(heading: str, language: str = "console") -> list[str]:
    """Return the lines of a section that a reader types."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(rf"^```{language}\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    assert found, heading
    return [line for block in found for line in block.splitlines()]


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    with warm_command(tmp_path_factory.mktemp("warm")) as words:
        yield words


def sign_on_a_card(folder: Path) -> None:
    """Sign the message of README.txt, as a card would: with a key that audit7k does not see."""
    statement = members_of((folder / "audit-out" / "public" / "evidence.a7k").read_bytes())["statement.json"]
    (folder / "message").write_bytes(f"DSSEv1 28 application/vnd.in-toto+json {len(statement)} ".encode() + statement)
    locked = ["-inkey", "auditor.key", "-passin", "env:AUDIT7K_PASSPHRASE"]
    command = ["openssl", "pkeyutl", "-sign", *locked, "-rawin", "-in", "message", "-out", "auditor.sig"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def test_the_page_is_followed_to_the_letter(warm: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT7K_PASSPHRASE", "five words nobody else joins")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    write_set(tmp_path, counts=FEW)
    script = tmp_path / "bin" / "audit7k"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(warm)} "$@"\n')
    script.chmod(0o755)

    def typed(line: str) -> tuple[int, str]:
        done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert typed("audit7k run plan.toml --no-crosscheck --report json --report csv")[0] == 1
    make, *sealing = blocks("Seal an audit")
    code, said = typed(make)
    fingerprint = said.splitlines()[0]
    assert (code, len(fingerprint)) == (0, 64)
    assert sealing == [SEAL, UNSIGNED, ATTACH]
    for line in sealing:
        if line == ATTACH:
            assert typed(f"{VERIFY} --key auditor.key.pub")[0] == 3  # nobody has signed
            sign_on_a_card(tmp_path)
        assert typed(line)[0] == 0, line
    _verify(tmp_path, typed, fingerprint)


def test_limits_are_registered_and_an_audit_countersigned_as_the_page_says(
    warm: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIT7K_PASSPHRASE", "five words nobody else joins")
    write_set(tmp_path, counts=FEW)

    def typed(line: str) -> tuple[int, str]:
        command = [*warm, *shlex.split(line)[1:]]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    keys = [typed(f"audit7k key new {name}.key")[1].splitlines()[0] for name in ("auditor", "regulator")]
    endings = [typed(line)[0] for line in blocks("Register limits before the data")]
    assert endings == [0, 0, 1]  # the audit fails, and is sealed
    seed = typed("audit7k history history.a7h --beacon 4711")[1].strip()
    assert seed.isdecimal()
    assert typed("audit7k history history.a7h --beacon 4712")[1].strip() != seed
    shutil.copy(tmp_path / "audit-out" / "evidence-restricted.a7k", tmp_path)
    (line,) = blocks("Countersign")
    code, said = typed(f"{line} --folder .")
    assert code == 0, said
    owners = zip(("auditor", "regulator"), keys, strict=True)
    (tmp_path / "trust.toml").write_text(
        "".join(f'[[signer]]\nrole = "{role}"\nname = "{role}"\nfingerprint = "{key}"\n' for role, key in owners)
    )
    code, said = typed("audit7k verify evidence.a7k --trust trust.toml --history history.a7h")
    assert "fixed before scoring began" in said
    assert "made again and found equal (public, counts), says regulator" in said
    assert code == 0, said


def _verify(folder: Path, typed: Shell, fingerprint: str) -> None:
    trust = "\n".join(blocks("Verify one", "toml")).replace("FINGERPRINT", fingerprint)
    (folder / "trust.toml").write_text(re.sub(r"^until = .*$", "", trust, flags=re.MULTILINE))
    by_hand = blocks("Verify one")
    assert by_hand == [f"{VERIFY} --key auditor.key.pub", f"{VERIFY} --trust trust.toml"]
    for line in by_hand:
        code, said = typed(line)
        assert (code, fingerprint in said) == (0, True), said
    code, said = typed("\n".join(blocks("Verify one without Python")))
    for word in (
        fingerprint,
        "Signature Verified Successfully",
        "public: signed",
        '"headline":"fail"',
        '"sealed_at":"',
        '"system":{',
    ):
        assert word in said
    assert code == 0


def test_the_lines_for_openssl_are_those_of_a_bundle() -> None:
    path, *lines = blocks("Verify one without Python")
    assert [path, *lines] == check_lines("audit-out/public/evidence.a7k", [1]).splitlines()
    in_bundle = [line.removeprefix("   ") for line in readme([1]).decode().splitlines()]
    assert "\n".join(lines) in "\n".join(in_bundle)
