"""Who signed an audit, in a portal: by the keys that its publisher trusts, and by no other."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
from made.portal import made_release, put, rendered
from made.sealed import SEALED_AT, flipped, published_into, sealed_in, signer_in
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.outputs.portal_audits import find_audits
from audit.errors import ResultError
from audit.evidence.keys import Signer
from audit.evidence.replay import countersigned
from audit.evidence.shown import Shown, State
from audit.evidence.trust import read_trust
from audit.public.site import PortalIndex
from audit.vocabulary.attempts import HistoryRecord

DAY = dt.date(2026, 11, 30)


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Signer, Signer]:
    """An audit that an office signed and a ministry made again; the keys of both."""
    folder = tmp_path_factory.mktemp("audits")
    office, ministry = signer_in(folder, "office.key"), signer_in(folder, "ministry.key")
    bundle = sealed_in(published_into(folder / "one"), office).public
    replayed = [Shown("public", State.HOLDS, ""), Shown("counts", State.HOLDS, "")]
    bundle = countersigned(bundle, replayed, SEALED_AT, ministry)
    (folder / "one" / "public" / "evidence.a7k").write_bytes(bundle.content)
    return folder, office, ministry


def trust_in(folder: Path, *signers: tuple[str, str, Signer]) -> Path:
    """A file of trust, by role and name."""
    file = folder / "trust.toml"
    file.write_text(
        "".join(
            f'[[signer]]\nrole = "{role}"\nname = "{name}"\nfingerprint = "{signer.public.fingerprint}"\n'
            for role, name, signer in signers
        ),
        encoding="utf-8",
    )
    return file


def site_of(folder: Path, trust: Path | None) -> tuple[str, PortalIndex, dict[str, bytes]]:
    """The page of the one system, the index and the copied files."""
    found = find_audits(folder, folder / "no-site", DAY, None if trust is None else read_trust(trust))
    files = rendered(found.site(DAY, ("en",)))
    (page,) = [content for path, content in files.items() if path.startswith("systems/")]
    return page.decode(), PortalIndex.model_validate_json(files["index.json"]), found.copies


def test_a_portal_names_whom_its_publisher_trusts(audit: tuple[Path, Signer, Signer], tmp_path: Path) -> None:
    folder, office, ministry = audit
    trust = trust_in(tmp_path, ("auditor", "Audit <office>", office), ("regulator", "Ministry", ministry))
    page, index, copies = site_of(folder, trust)
    said = "Signed by Audit &lt;office&gt;; made again and found equal by Ministry: public files, counts"
    assert said in page
    (listed,) = index.systems[0].audits
    assert listed.seal is not None
    assert listed.seal.signed_by == ("Audit <office>",)
    assert listed.seal.countersigned_by == {"Ministry": ("public", "counts")}
    assert listed.evidence is not None
    assert copies[listed.evidence] == (folder / "one" / "public" / "evidence.a7k").read_bytes()
    assert f'href="../{listed.evidence}"' in page


def test_a_key_that_nobody_vouches_for_names_nobody(audit: tuple[Path, Signer, Signer], tmp_path: Path) -> None:
    folder, _, ministry = audit
    for trust in (None, trust_in(tmp_path, ("regulator", "Ministry", ministry))):
        page, index, _ = site_of(folder, trust)
        assert "Signed with a key that the publisher of this site does not vouch for" in page
        assert ("found equal by Ministry" in page) == (trust is not None)
        assert "Signed by" not in page
        seal = index.systems[0].audits[0].seal
        assert seal is not None
        assert seal.signed_by == ()


def test_an_audit_without_evidence_says_so(audit: tuple[Path, Signer, Signer], tmp_path: Path) -> None:
    shutil.copytree(audit[0] / "one", tmp_path / "one")
    place = tmp_path / "one" / "public" / "evidence.a7k"
    place.rename(tmp_path / "evidence.a7k")
    for _ in ("no file", "a link"):
        page, index, copies = site_of(tmp_path, None)
        assert "Not signed" in page
        assert index.systems[0].audits[0].evidence is None
        assert not [path for path in copies if path.endswith(".a7k")]
        if not place.is_symlink():
            place.symlink_to(tmp_path / "evidence.a7k")


@pytest.mark.parametrize("done", ["a bit", "another release", "no bundle"])
def test_evidence_that_contradicts_its_release_stops_the_site(
    audit: tuple[Path, Signer, Signer], tmp_path: Path, done: str
) -> None:
    shutil.copytree(audit[0] / "one", tmp_path / "one")
    place = tmp_path / "one" / "public" / "evidence.a7k"
    if done == "a bit":
        place.write_bytes(flipped(place.read_bytes(), 8 * 1000))
    elif done == "no bundle":
        place.write_bytes(b"PK")
    else:
        shutil.rmtree(tmp_path / "one" / "public")
        put(tmp_path / "one", made_release("fail"))
        shutil.copy(audit[0] / "one" / "public" / "evidence.a7k", place)
    with pytest.raises(ResultError) as raised:
        site_of(tmp_path, None)
    assert raised.value.slug == "evidence-contradicted"
    assert "\n" not in raised.value.message


def test_a_restricted_bundle_under_the_public_name_stops_the_site(
    audit: tuple[Path, Signer, Signer], tmp_path: Path
) -> None:
    shutil.copytree(audit[0] / "one", tmp_path / "one")
    place = tmp_path / "one" / "public" / "evidence.a7k"
    place.write_bytes(sealed_in(tmp_path / "one", audit[1]).restricted.content)
    with pytest.raises(ResultError, match="holds exact counts"):
        site_of(tmp_path, None)


def test_a_bundle_that_nobody_signed_is_not_called_signed(audit: tuple[Path, Signer, Signer], tmp_path: Path) -> None:
    shutil.copytree(audit[0] / "one", tmp_path / "one")
    (tmp_path / "one" / "public" / "evidence.a7k").write_bytes(sealed_in(tmp_path / "one", None).public.content)
    page, index, _ = site_of(tmp_path, None)
    assert ("Not signed" in page, "Signed with a key" in page) == (True, False)
    assert index.systems[0].audits[0].seal is not None


def test_too_few_signatures_are_said(audit: tuple[Path, Signer, Signer], tmp_path: Path) -> None:
    trust = trust_in(tmp_path, ("auditor", "Office", audit[1]))
    trust.write_text(f"threshold = 2\n{trust.read_text(encoding='utf-8')}", encoding="utf-8")
    page, index, _ = site_of(audit[0], trust)
    assert "Signed by Office; not all that was asked for is shown" in page
    seal = index.systems[0].audits[0].seal
    assert seal is not None
    assert "threshold" in seal.not_shown


def test_what_a_history_shows_is_as_of_the_start_of_the_audit(tmp_path: Path) -> None:
    shown = HistoryRecord(attempt=2, earlier=("fail",), registration="declared", open_registrations=1)
    put(tmp_path, made_release("pass", history=shown))
    page, _, _ = site_of(tmp_path, None)
    said = (
        "Earlier registrations without a result: 1. This is as of the start of the audit; later entries are not shown"
    )
    assert said in page


def test_a_file_of_trust_with_a_mistake_is_one_line(tmp_path: Path) -> None:
    """Also where no audit has evidence."""
    put(tmp_path / "audits", made_release("pass"))
    (tmp_path / "trust.toml").write_text("[[signer]]\n", encoding="utf-8")
    command = [
        "portal",
        str(tmp_path / "audits"),
        "--out",
        str(tmp_path / "site"),
        "--trust",
        str(tmp_path / "trust.toml"),
    ]
    done = CliRunner().invoke(app, command)
    assert (done.exit_code, len(done.output.splitlines())) == (4, 1)
    assert "trust.toml is no file of trust" in done.output
    assert not (tmp_path / "site").exists()
