"""What a bundle must not tell: nothing restricted can be guessed from public bytes, and the noise key goes nowhere."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import itertools
import json
import platform
import re
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from made.entry_points import offered_by_this_version
from made.probes import write_audit, write_texts
from made.published import write_set
from made.releases import made_result
from made.sealed import members_of, published_into, sealed_in, signer_in, trusting
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.errors import EvidenceError
from audit.evidence import commitments
from audit.evidence.bundle import read_bundle
from audit.evidence.seal import digests_by_role, read_published
from audit.evidence.statement import software
from audit.evidence.verification import verify
from audit.result.audit_result import AuditResult
from audit.result.file import load_result

TODAY = dt.date(2026, 11, 29)
NAMES = ("plan.toml", "cases.csv", "set.csv", "table.csv", "audit-out", "predictions.parquet", "case_id")
HOUSE = "house-of-secrets"
COUNTS = """\
schema = 1
[audit]
title = "Table"
owner = "Owner"
use = "victim-identification"
route = "services"
[evaluation_set]
counts = "table.csv"
label_source = "made for a test"
[groups.gender]
column = "gender"
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.1
"""


def _counted(folder: Path) -> None:
    (folder / "plan.toml").write_text(COUNTS, encoding="utf-8")
    (folder / "table.csv").write_text("gender,TP,FN,FP,TN\nwoman,911,77,83,1009\nman,807,181,61,977\n")


def _probed(folder: Path) -> None:
    probe = '[[probes]]\nid = "words"\nkind = "text"\ncolumn = "text"\nslots = ["demonym"]\nlanguages = ["en"]\n'
    write_audit(folder, probe + write_texts(folder, 2), rows=1_000)


WRITERS: dict[str, Callable[[Path], object]] = {"rows": write_set, "counts": _counted, "probes": _probed}


@pytest.fixture(scope="module", params=sorted(WRITERS))
def sealed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audit that the command made, published and sealed, in a folder with a telling name."""
    folder = tmp_path_factory.mktemp("canary") / HOUSE
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(offered_by_this_version(tmp_path_factory.mktemp("site"))))
        patch.chdir(folder)
        WRITERS[request.param](folder)
        for command in (
            ("run", "plan.toml", "--no-crosscheck"),
            ("key", "new", "auditor.key", "--no-passphrase"),
            ("seal", "audit-out", "--key", "auditor.key", "--with-rows"),
            ("verify", "audit-out", "--key", "auditor.key.pub"),
        ):
            if command[0] == "seal":
                time.sleep(1.01)  # a statement says in which second it was made: another one than that of the run
            done = CliRunner().invoke(app, list(command))
            assert done.exit_code in ({0, 1, 3} if command[0] == "run" else {0}), done.output
    return folder / "audit-out"


def bundles_in(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "public" / "evidence.a7k").read_bytes(), (folder / "evidence-restricted.a7k").read_bytes()


def unpacked(content: bytes) -> bytes:
    """All that can be read in a bundle: itself, its members, and what the Base64 in them stands for."""
    held = members_of(content)
    payloads = [json.loads(line)["payload"] for line in held["evidence.intoto.jsonl"].splitlines()]
    return b"\n".join([content, *held.values(), *map(base64.b64decode, payloads)])


def forms_of(digest: bytes) -> list[bytes]:
    """A digest as it can be written."""
    text = digest.hex().encode()
    return [
        digest,
        text,
        text.upper(),
        base64.b64encode(digest).rstrip(b"="),
        base64.urlsafe_b64encode(digest).rstrip(b"="),
    ]


def guesses(result: AuditResult, folder: Path) -> Iterable[str]:
    """What somebody would try: numbers, codes, ids, labels, and whole lines of them."""
    codes = {code for feature in result.features for level in feature.levels for code in [level.code]}
    words = {"0", "1", "true", "false", "woman", "man", *codes}
    ids = {line.partition(",")[0] for path in folder.parent.glob("*.csv") for line in path.read_text().splitlines()}
    numbers = map(str, range(3_000))
    return itertools.chain(words, ids, numbers, (f"{word}\n" for word in words), (json.dumps(word) for word in words))


def test_no_digest_of_anything_restricted_is_public(sealed: Path) -> None:
    public = unpacked(bundles_in(sealed)[0])
    result = load_result(sealed / "result.json")
    place = sealed / "restricted"
    files = [
        path
        for path in sealed.parent.rglob("*")
        if path.is_file() and "public" not in path.parts and ".pub" not in path.name
    ]
    assert len(files) >= 6
    digests = [hashlib.sha256(path.read_bytes()).digest() for path in files]
    roles = digests_by_role(read_published(sealed, place))
    # `release.json` has named the digest of the plan since before there was evidence
    digests += [bytes.fromhex(digest) for role, digest in roles.items() if digest is not None and role != "plan"]
    assert len(digests) > 10
    for digest in digests:
        assert not [form for form in forms_of(digest) if form in public]
    assert result.provenance.plan_sha256.encode() not in members_of(bundles_in(sealed)[0])["statement.json"]


def test_no_digest_of_a_label_a_count_or_an_id_is_public(sealed: Path) -> None:
    """Every token that looks like a digest is held against those of what can be guessed."""
    content = bundles_in(sealed)[0]
    tokens = set(re.findall(rb"(?<![0-9a-f])[0-9a-f]{32,128}(?![0-9a-f])", unpacked(content)))
    assert len(tokens) > 15
    guessed = list(guesses(load_result(sealed / "result.json"), sealed))
    assert len(guessed) > 3_000
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s", "sha3_256"):
        found = {hashlib.new(name, guess.encode()).hexdigest().encode() for guess in guessed}
        assert not found & tokens, name
    for role in commitments.ROLES:  # nor a commitment without its salt
        for thing in ("absent", *(f"sha256:{hashlib.sha256(guess.encode()).hexdigest()}" for guess in guessed[:200])):
            text = f"audit7k commitment v1\n{role}\n{thing}\n".encode()
            assert hashlib.sha256(text).hexdigest().encode() not in tokens


def test_every_digest_of_a_statement_is_of_a_public_file_our_code_or_a_commitment(sealed: Path) -> None:
    public, restricted = (read_bundle(content, "it") for content in bundles_in(sealed))
    assert restricted.openings is not None
    known = {hashlib.sha256(content).hexdigest() for content in public.public.values()}
    known |= {*commitments.commitments_of(restricted.openings).values(), str(software().record)}
    assert set(re.findall(r"[0-9a-f]{64}", public.statement.decode())) == known


def test_the_noise_key_is_in_neither_bundle_and_no_salt_in_the_public_one(sealed: Path) -> None:
    public, restricted = map(unpacked, bundles_in(sealed))
    key = bytes.fromhex((sealed / "restricted" / "key").read_text().strip())
    for held in (public, restricted):
        assert not [form for form in (*forms_of(key), key[::-1]) if form in held]
    openings = read_bundle(bundles_in(sealed)[1], "it").openings
    assert openings is not None
    salts = [bytes.fromhex(opening.salt) for opening in openings.values()]
    assert len(set(salts)) == len(commitments.ROLES) == len(salts)
    for salt in salts:
        assert not [form for form in forms_of(salt) if form in public]


def test_no_name_of_the_house_and_no_time_of_a_step_is_in_what_sealing_adds(sealed: Path) -> None:
    members = members_of(bundles_in(sealed)[0])
    added = b"\n".join(content for name, content in members.items() if not name.startswith("public/"))
    everything = unpacked(bundles_in(sealed)[0])
    origin = load_result(sealed / "result.json").provenance
    times = [origin.started, origin.finished, *(stamp for leg in origin.legs for stamp in leg)]
    for telling in (
        HOUSE,
        str(sealed),
        str(Path.home()),
        platform.node().ljust(5, "."),  # two letters stand in a signature by chance
        "CANARY",
        *times,
        *(each[:19] for each in times),
    ):
        assert telling.encode() not in everything, telling
    for name in (
        "plan.toml",
        "cases.csv",
        "set.csv",
        "table.csv",
        "audit-out",
        "predictions.parquet",
        "case_id",
        platform.python_version(),
    ):
        assert name.encode() not in added, name
    with zipfile.ZipFile(io.BytesIO(bundles_in(sealed)[0])) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_salts_come_from_the_source_of_random_bits_of_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = published_into(tmp_path / "audit-out", made_result("none"))
    asked: list[int] = []

    def token_hex(size: int) -> str:
        asked.append(size)
        return f"{len(asked):064x}"

    first, second = (sealed_in(folder, None).restricted.openings for _ in range(2))
    assert first is not None
    assert second is not None
    assert not {each.salt for each in first.values()} & {each.salt for each in second.values()}
    monkeypatch.setattr("secrets.token_hex", token_hex)
    made = sealed_in(folder, None).restricted.openings
    assert made is not None
    assert asked == [32] * len(commitments.ROLES)
    assert {each.salt for each in made.values()} == {f"{number:064x}" for number in range(1, len(asked) + 1)}


def test_what_is_missing_looks_like_what_is_there(tmp_path: Path) -> None:
    folder = published_into(tmp_path / "audit-out", made_result("none"))
    bundles = sealed_in(folder, signer_in(folder))
    openings = bundles.restricted.openings
    assert openings is not None
    assert {role for role, opening in openings.items() if opening.sha256 is None} >= {"detector", "release-log"}
    said = json.loads(bundles.public.statement)["predicate"]["commitments"]
    assert list(said) == sorted(commitments.ROLES)
    assert len(set(said.values())) == len(commitments.ROLES)


@pytest.mark.parametrize("kind", ["none", "inconclusive", "weighted"])
def test_an_audit_of_every_kind_is_sealed_and_shown(tmp_path: Path, kind: str) -> None:
    folder = published_into(tmp_path / "audit-out", made_result(kind))
    signer = signer_in(folder)
    for bundle in sealed_in(folder, signer):
        found = verify(bundle.content, "it", trusting(signer), TODAY)
        assert found.exit_code == 0, found.shown
        assert found.evidence is not None
        assert found.evidence.headline == made_result(kind).overall.outcome


def test_a_verdict_that_was_changed_where_nothing_is_shown_is_not_sealed(tmp_path: Path) -> None:
    """No log remembers such a release: it is made again."""
    folder = published_into(tmp_path / "audit-out", made_result("none"))
    file = folder / "public" / "release.json"
    text = file.read_text(encoding="utf-8")
    changed = text.replace('"outcome":"inconclusive"', '"outcome":"pass"')
    assert changed != text
    file.write_text(changed, encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"release\.json changed since it was published"):
        read_published(folder, folder / "restricted")
