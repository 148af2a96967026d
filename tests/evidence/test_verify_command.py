"""The commands `key`, `seal`, `attach` and `verify` as a person starts them: exit codes, one line, what lies where."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from made.entry_points import offered_by_this_version
from made.published import PLAN, write_set
from made.sealed import flipped
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.evidence.bundle import read_bundle

RUN = ("run", "plan.toml", "--no-crosscheck", "--report", "json", "--report", "csv")
BUNDLE, RESTRICTED = "audit-out/public/evidence.a7k", "audit-out/evidence-restricted.a7k"


def invoke(*arguments: str, **environment: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments), env=environment)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert "Traceback" not in done.stderr
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audit that was published and sealed, and two keys."""
    folder = tmp_path_factory.mktemp("once")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(offered_by_this_version(tmp_path_factory.mktemp("site"))))
        patch.chdir(folder)
        write_set(folder)
        assert invoke(*RUN)[0] == 1
        for name in ("auditor.key", "other.key"):
            assert invoke("key", "new", name, "--no-passphrase")[0] == 0
        assert invoke("seal", "audit-out", "--key", "auditor.key")[0] == 0
    return folder


@pytest.fixture
def here(once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with what was sealed; the working directory from here on."""
    monkeypatch.syspath_prepend(str(offered_by_this_version(tmp_path / "site")))
    folder = tmp_path / "here"
    shutil.copytree(once, folder)
    monkeypatch.chdir(folder)
    return folder


def shown(*arguments: str) -> tuple[int, dict[str, str]]:
    code, out, err = invoke("verify", *arguments, "--json")
    assert not err
    said = json.loads(out)
    assert said["exit_code"] == code
    return code, {each["code"]: each["state"] for each in said["shown"]}


def test_verify_says_what_holds_and_never_the_verdict_as_its_own(here: Path) -> None:
    fingerprint = invoke("key", "show", "auditor.key")[1].strip()
    for place in (BUNDLE, "audit-out/public", "audit-out"):
        for key in ("auditor.key.pub", fingerprint):
            code, out, _ = invoke("verify", place, "--key", key)
            assert (code, "signed by the owner of" in out, "The statement says" in out) == (0, True, True)
    code, states = shown(RESTRICTED, "--key", fingerprint)
    assert (code, states["restricted"]) == (0, "holds")


def test_nobody_is_trusted_but_who_is_named(here: Path) -> None:
    assert shown("audit-out") == (3, {**shown("audit-out")[1], "signer": "claimed", "threshold": "not shown"})
    code, out, _ = invoke("verify", "audit-out", "--key", "other.key.pub")
    assert (code, "a key that you do not trust yet" in out) == (3, True)
    assert invoke("seal", "audit-out", "--key", "other.key")[0] == 0  # a forger has a key too
    assert shown("audit-out", "--key", "auditor.key.pub")[0] == 3
    assert invoke("seal", "audit-out")[2].count("not signed yet") == 1
    assert shown("audit-out", "--key", "auditor.key.pub")[0] == 3


def test_what_was_changed_is_contradicted(here: Path) -> None:
    content = Path(BUNDLE).read_bytes()
    Path(BUNDLE).write_bytes(flipped(content, 8 * 1000))
    code, out, _ = invoke("verify", "audit-out", "--key", "auditor.key.pub")
    assert (code, "Do not rely on it" in out) == (5, True)


@pytest.mark.parametrize(
    ("name", "code"),
    [("release.json", 5), ("groups.csv", 5), ("report.html", 3), ("report.pdf", 3), ("junit.xml", 5),
     ("test-result.intoto.json", 5), ("badge.svg", 5), ("letter.html", 3), ("funnel.svg", 3), ("auditor.key.pub", 0)],
)  # fmt: skip
def test_a_file_beside_the_bundle_that_a_reader_would_open_is_looked_at(here: Path, name: str, code: int) -> None:
    place = Path("audit-out/public") / name
    place.unlink(missing_ok=True)
    assert shown("audit-out", "--key", "auditor.key.pub")[0] == 0
    place.write_text("no verdict")
    assert shown("audit-out", "--key", "auditor.key.pub")[0] == code
    place.unlink()
    (here / "elsewhere").write_text("no verdict")
    place.symlink_to(here / "elsewhere")  # a server follows it
    assert shown("audit-out", "--key", "auditor.key.pub")[0] == code
    place.unlink()
    os.mkfifo(place)
    assert shown("audit-out", "--key", "auditor.key.pub")[0] == 0


def test_what_cannot_be_read_is_one_line(here: Path) -> None:
    os.mkfifo("pipe")
    Path("empty").write_bytes(b"")
    cases: dict[tuple[str, ...], int] = {
        ("verify", "nothing.a7k"): 4,
        ("verify", "pipe"): 4,
        ("verify", "audit-out", "--trust", "nothing.toml"): 4,
        ("verify", "audit-out", "--trust", "plan.toml"): 4,
        ("verify", "audit-out", "--key", "deadbeef"): 4,
        ("verify", "audit-out", "--key", "auditor.key"): 4,
        ("verify", "audit-out", "--key", "pipe"): 4,
        ("verify",): 2,
        ("key", "show", "nothing.key"): 4,
        ("key", "show", "pipe"): 4,
        ("key", "show", "audit-out"): 4,
        ("key", "show", "empty"): 4,
        ("key", "new", "auditor.key", "--no-passphrase"): 2,
        ("key", "new", "audit-out", "--no-passphrase"): 2,
        ("key", "new", "no/folder.key", "--no-passphrase"): 75,
        ("key", "new", "short.key"): 2,
        ("seal", "nothing"): 4,
        ("seal", "audit-out", "--key", "nothing.key"): 4,
        ("seal", "audit-out", "--key", "auditor.key.pub"): 4,
        ("seal", "audit-out", "--key", "pipe"): 4,
        ("seal", "audit-out", "--restricted-folder", "nothing"): 4,
        ("attach", BUNDLE, "empty", "--key", "auditor.key.pub"): 4,
        ("attach", BUNDLE, "nothing", "--key", "auditor.key.pub"): 4,
        ("attach", "plan.toml", "empty", "--key", "auditor.key.pub"): 4,
    }
    before = Path(BUNDLE).read_bytes()
    for arguments, code in cases.items():
        found, out, err = invoke(*arguments, AUDIT7K_PASSPHRASE="short")
        assert found == code, (arguments, err)
        assert not out, arguments
        assert (err.startswith("error: ") and err.count("\n") == 1) or code == 2, (arguments, err)
    assert Path(BUNDLE).read_bytes() == before
    assert not Path("nothing").exists()
    assert not list(here.glob("short*"))


def test_a_key_is_for_its_owner_and_opens_with_its_passphrase_alone(here: Path) -> None:
    words = "five words nobody else joins"
    code, out, _ = invoke("key", "new", "locked.key", AUDIT7K_PASSPHRASE=words)
    assert (code, out) == (0, invoke("key", "show", "locked.key.pub")[1])
    assert stat.S_IMODE(Path("locked.key").stat().st_mode) == 0o600
    assert words.encode() not in Path("locked.key").read_bytes()
    assert invoke("seal", "audit-out", "--key", "locked.key", AUDIT7K_PASSPHRASE=words)[0] == 0
    for wrong in ("another", ""):
        code, _, err = invoke("seal", "audit-out", "--key", "locked.key", AUDIT7K_PASSPHRASE=wrong)
        assert (code, err.startswith("error: the passphrase does not open locked.key")) == (4, True)
    code, _, err = invoke("seal", "audit-out", "--key", "locked.key")
    assert (code, "there is no terminal to ask for it" in err) == (2, True)


def without_cryptography(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = (
        "import importlib.util as util, sys\n"
        "found = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'cryptography' else found(name, *more)\n"
        "sys.modules['cryptography'] = None\n"
        "import audit.cli\n"
        "audit.cli.main()\n"
    )
    command = [sys.executable, "-P", "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


def test_without_the_extra_all_but_signatures_is_checked(here: Path) -> None:
    done = without_cryptography("verify", "audit-out", "--key", "auditor.key.pub")
    assert done.returncode == 3, done.stderr
    assert "README.txt in the bundle has the lines for OpenSSL" in done.stdout
    assert "release.json has its one form" in done.stdout
    assert "holds         signed by" not in done.stdout
    for arguments in (("seal", "audit-out", "--key", "auditor.key"), ("key", "new", "new.key", "--no-passphrase")):
        done = without_cryptography(*arguments)
        assert done.returncode == 4
        assert done.stderr.startswith('error: signatures need the extra "evidence"')
        assert done.stderr.count("\n") == 1
    Path(BUNDLE).write_bytes(Path(BUNDLE).read_bytes() + b"x")
    assert without_cryptography("verify", "audit-out").returncode == 5


def signed_by_openssl(folder: Path, statement: bytes, key: str) -> Path:
    head = f"DSSEv1 28 application/vnd.in-toto+json {len(statement)} ".encode()
    (folder / "pae").write_bytes(head + statement)
    command = ["openssl", "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", "pae", "-out", "signature"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "signature"


def test_a_signature_of_openssl_is_attached_to_both_bundles(here: Path) -> None:
    assert invoke("seal", "audit-out")[0] == 0
    statement = read_bundle(Path(BUNDLE).read_bytes(), "it").statement
    assert read_bundle(Path(RESTRICTED).read_bytes(), "it").statement == statement
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", "card.key"], check=True)
    subprocess.run(["openssl", "pkey", "-in", "card.key", "-pubout", "-out", "card.pub"], check=True)
    made = str(signed_by_openssl(here, statement, "card.key"))
    shutil.move(RESTRICTED, "handed-on.a7k")  # under another name it is as restricted as before
    for bundle, mode in ((BUNDLE, 0o666 & ~_umask()), ("handed-on.a7k", 0o600)):
        assert invoke("attach", bundle, made, "--key", "other.key.pub")[0] == 4
        assert invoke("attach", bundle, made, "--key", "card.pub")[0] == 0
        assert stat.S_IMODE(Path(bundle).stat().st_mode) == mode
        assert shown(bundle, "--key", "card.pub")[0] == 0
        code, _, err = invoke("attach", bundle, made, "--key", "card.pub")
        assert (code, "has signed this statement before" in err) == (4, True)


def _umask() -> int:
    os.umask(mask := os.umask(0o077))
    return mask


def evidence_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*evidence*"))


@pytest.mark.parametrize(
    "again",
    [RUN, ("run", "plan.toml", "--no-crosscheck", "--restricted"), ("report", "audit-out"),
     ("report", "audit-out", "--format", "json,badge")],
)  # fmt: skip
def test_evidence_never_lies_beside_a_later_release(here: Path, again: tuple[str, ...]) -> None:
    assert len(evidence_in(here)) == 2
    assert invoke(*again)[0] in {0, 1}
    assert evidence_in(here) == []


def test_evidence_of_somebody_else_in_a_folder_of_exact_reports_stays(here: Path) -> None:
    assert invoke("report", "audit-out", "--restricted")[0] == 0
    assert len(evidence_in(here)) == 2


def test_what_is_published_must_be_of_the_result(here: Path) -> None:
    write_set(here, PLAN.replace("margin = 0.1", "margin = 0.4"))
    assert invoke("run", "plan.toml", "--no-crosscheck", "--restricted", "--out", "other")[0] in {0, 1, 3}
    shutil.copy("other/result.json", "audit-out/result.json")
    code, _, err = invoke("seal", "audit-out", "--key", "auditor.key")
    assert (code, "are of another result" in err) == (4, True)


def test_seal_takes_the_rows_of_the_plan_from_wherever_it_is_started(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")
    seal = ("seal", "../audit-out", "--key", "../auditor.key", "--with-rows")
    code, _, err = invoke(*seal)
    assert (code, "name it with --plan" in err) == (2, True)
    assert invoke(*seal, "--plan", "../plan.toml")[0] == 0
    held = read_bundle((here / RESTRICTED).read_bytes(), "it").restricted
    assert held["evaluation-set.csv"] == (here / "cases.csv").read_bytes()
    assert shown(str(here / RESTRICTED), "--key", "../auditor.key.pub")[0] == 0
    (here / "cases.csv").write_text((here / "cases.csv").read_text() + "CANARY-more,1,0.5,woman,north,\n")
    code, _, err = invoke(*seal, "--plan", "../plan.toml")
    assert (code, "evaluation-set.csv is not what was audited" in err) == (4, True)
    (here / "cases.csv").unlink()
    assert invoke(*seal, "--plan", "../plan.toml")[0] == 4


def test_a_folder_that_the_plan_names_is_found_or_asked_for(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(here, PLAN + '[disclosure]\nfolder = "kept"\n')
    assert invoke(*RUN, "--out", "second")[0] == 1
    assert invoke("seal", "second", "--key", "auditor.key")[0] == 0
    shutil.move("second", "moved")
    assert invoke("seal", "moved", "--key", "auditor.key")[0] == 0
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")
    code, _, err = invoke("seal", "../moved", "--key", "../auditor.key")
    assert (code, "name the folder with --restricted-folder" in err) == (2, True)
    assert invoke("seal", "../moved", "--key", "../auditor.key", "--restricted-folder", "../kept")[0] == 0
    code, _, err = invoke("seal", "../moved", "--key", "../auditor.key", "--restricted-folder", "../moved/restricted")
    assert (code, "has no key" in err) == (4, True)
    assert not (here / "moved" / "restricted").exists()


def test_two_audits_that_share_a_restricted_folder_are_sealed_each(here: Path) -> None:
    write_set(here, PLAN.replace("threshold = 0.5", "threshold = 0.95"))
    assert invoke(*RUN, "--out", "later", "--restricted-folder", "audit-out/restricted")[0] in {1, 3}
    assert invoke("seal", "later", "--key", "auditor.key", "--restricted-folder", "audit-out/restricted")[0] == 0
    assert invoke("seal", "audit-out", "--key", "other.key")[0] == 0
    assert shown("later", "--key", "auditor.key.pub")[0] == 0
    assert shown("audit-out", "--key", "other.key.pub")[0] == 0


def test_bundles_of_two_auditors_are_verified_by_one_file_of_trust(here: Path) -> None:
    shutil.copytree("audit-out", "second")
    assert invoke("seal", "second", "--key", "other.key")[0] == 0
    signers = "".join(
        f'[[signer]]\nrole = "auditor"\nname = "{name}"\n'
        f'fingerprint = "{invoke("key", "show", f"{name}.key")[1].strip()}"\n'
        for name in ("auditor", "other")
    )
    Path("trust.toml").write_text(signers)
    for folder, name in (("audit-out", "auditor"), ("second", "other")):
        code, out, _ = invoke("verify", folder, "--trust", "trust.toml")
        assert (code, f"signed by {name} (auditor)" in out) == (0, True)
    Path("trust.toml").write_text(f"threshold = 2\n{signers}")
    assert shown("audit-out", "--trust", "trust.toml")[0] == 3


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_seal_that_is_killed_leaves_bundles_that_hold(
    here: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Each file is an old or a new one, whole; sealing again makes both new."""
    renames = 0

    def rename(old: str | Path, new: str | Path) -> None:
        nonlocal renames
        renames += 1
        if renames > after:
            raise KeyboardInterrupt
        Path(old).rename(new)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", rename)
        patch.setattr("os.replace", rename)
        assert invoke("seal", "audit-out", "--key", "other.key")[0] != 0
    for bundle in (BUNDLE, RESTRICTED):
        assert shown(bundle, "--key", "auditor.key.pub", "--key", "other.key.pub")[0] == 0
    assert invoke("seal", "audit-out", "--key", "other.key")[0] == 0
    assert (
        read_bundle(Path(BUNDLE).read_bytes(), "it").statement
        == read_bundle(Path(RESTRICTED).read_bytes(), "it").statement
    )


def test_words_of_a_stranger_are_shown_as_text(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fingerprint = invoke("key", "show", "auditor.key")[1].strip()
    Path("trust.toml").write_text(
        f'[[signer]]\nrole = "auditor"\nname = "\\u001b[2Jme\\u202e\\n"\nfingerprint = "{fingerprint}"\n'
    )
    for arguments in (("audit-out",), ("audit-out", "--json")):
        code, out, _ = invoke("verify", *arguments, "--trust", "trust.toml")
        assert code == 0
        assert "\x1b" not in out
        assert "\u202e" not in out
