"""Forms of other standards: made of the public release and nothing else, sealed where they were asked for."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from made.releases import made_result
from made.sealed import SEALED_AT, flipped, members_of, published_into, sealed_in, signer_in, trusting, zipped
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.disclosure.public_files import REPORTERS
from audit.errors import ExitCode
from audit.evidence.bundle import Bundle, read_bundle
from audit.evidence.envelope import Envelope, Signature
from audit.evidence.keys import Signer
from audit.evidence.replay import countersigned, replay
from audit.evidence.seal import has_more_than_a_seal, read_published
from audit.evidence.shown import State
from audit.evidence.statement import canonical
from audit.evidence.verification import verify
from audit.public.release import TEST_RESULTS, Outcome

TODAY = dt.date(2026, 11, 29)
FORMS = ("test-result", "cyclonedx", "croissant", "atrs", "algoritmeregister", "fria")
FILES = tuple(REPORTERS[form][0] for form in FORMS)
WATCHED = """\
import sys
from pathlib import Path
from typer.testing import CliRunner
from audit.cli.commands.app import app
opened = []
here = str(Path.cwd())
def seen(event, given):
    if event == "open" and not isinstance(given[0], int):
        opened.append(str(given[0]))
sys.addaudithook(seen)
done = CliRunner().invoke(app, sys.argv[1:])
assert done.exit_code == 0, done.output
print("\\n".join(sorted({path for path in opened if Path(path).resolve().is_relative_to(here)})))
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A failing audit, published in every form, with its result and its restricted folder beside."""
    folder = tmp_path_factory.mktemp("published") / "audit-out"
    return published_into(folder, made_result("fail"), ("json", "csv", *FORMS))


def invoke(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


def test_a_seal_holds_what_was_asked_for_and_it_is_made_again(published: Path, tmp_path: Path) -> None:
    signer = signer_in(tmp_path)
    bundles = sealed_in(published, signer)
    content = bundles.public.content
    assert read_bundle(content, "evidence.a7k").content == content, "rebuilt byte for byte"
    assert set(bundles.public.public) == {"release.json", "groups.csv", *FILES}
    found = verify(content, "evidence.a7k", trusting(signer), TODAY)
    assert found.exit_code == ExitCode.PASS
    subjects = {each["name"]: each["digest"]["sha256"] for each in json.loads(bundles.public.statement)["subject"]}
    for name in FILES:
        assert subjects[f"public/{name}"] == hashlib.sha256((published / "public" / name).read_bytes()).hexdigest()
    again = list(replay(bundles.restricted, ["public"], None, lambda *_: pytest.fail("nothing is run")))
    assert {each.state for each in again} == {State.HOLDS}
    statement = json.loads(bundles.public.public["test-result.intoto.json"])
    assert statement["subject"][0]["digest"]["sha256"] == subjects["public/release.json"]


def test_the_test_result_is_a_signed_line_that_openssl_reads(published: Path, tmp_path: Path) -> None:
    """As a policy engine takes it: a line of DSSE, whose payload is the statement of in-toto."""
    bundle = sealed_in(published, signer_in(tmp_path)).public
    audit, line = map(json.loads, members_of(bundle.content)["evidence.intoto.jsonl"].splitlines())
    payload = base64.b64decode(line["payload"])
    assert payload == bundle.public["test-result.intoto.json"]
    assert json.loads(payload)["predicate"]["result"] == "FAILED"
    assert line["signatures"][0]["keyid"] == audit["signatures"][0]["keyid"]
    (tmp_path / "pae").write_bytes(b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload))
    (tmp_path / "sig").write_bytes(base64.b64decode(line["signatures"][0]["sig"]))
    (tmp_path / "key.pem").write_bytes(members_of(bundle.content)["key-1.pem"])
    asked = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "pae", "-sigfile", "sig"]
    assert (
        "Verified Successfully"
        in subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    )


def test_a_test_result_that_another_signed_is_contradicted(published: Path, tmp_path: Path) -> None:
    signer, other = signer_in(tmp_path), signer_in(tmp_path, "other.key")
    bundle = sealed_in(published, signer).public
    audit, line = bundle.envelopes
    for forged in (Envelope(line.payload), Envelope(line.payload).signed(other)):
        keys = (signer.public, other.public) if forged.signatures else (signer.public,)
        made = replace(bundle, envelopes=(audit, forged), keys=keys)
        found = verify(made.content, "evidence.a7k", trusting(signer, other), TODAY)
        assert [each.code for each in found.shown if each.state == State.CONTRADICTED] == ["test-result"]
    wrong = Signature(line.signatures[0].keyid, audit.signatures[0].signature)
    made = replace(bundle, envelopes=(audit, Envelope(line.payload, (wrong,))))
    assert verify(made.content, "evidence.a7k", trusting(signer), TODAY).exit_code == ExitCode.NOT_VERIFIED
    assert verify(bundle.content, "evidence.a7k", trusting(signer), TODAY).exit_code == ExitCode.PASS


@pytest.fixture(scope="module")
def sealed_as(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Outcome], tuple[Signer, Bundle]]:
    """An audit of an outcome, published with its test result and sealed, once."""

    @cache
    def made(outcome: Outcome) -> tuple[Signer, Bundle]:
        place = tmp_path_factory.mktemp(outcome)
        folder = published_into(place / "audit-out", made_result(outcome), ("json", "test-result"))
        signer = signer_in(place)
        return signer, sealed_in(folder, signer).public

    return made


@pytest.mark.parametrize(("outcome", "said", "contradicted"), [
    ("fail", b'"result": "PASSED"', True), ("fail", b'"result": "WARNED"', True), ("fail", b'"result": 1', True),
    ("fail", b'"other": "FAILED"', True), ("fail", b"", True), ("pass", b'"result": "FAILED"', True),
    ("pass", b'"result": "WARNED"', False), ("pass", b'"result": "PASSED"', False),
])  # fmt: skip
def test_a_test_result_of_another_verdict_is_contradicted_though_it_is_signed(
    sealed_as: Callable[[Outcome], tuple[Signer, Bundle]], outcome: Outcome, said: bytes, contradicted: bool
) -> None:
    """Whoever seals may sign two verdicts: one for people, one for policy engines. A pass past its expiry is WARNED."""
    (signer, bundle), name = sealed_as(outcome), "test-result.intoto.json"
    word = b'"result": "%b"' % TEST_RESULTS[outcome].encode()
    assert word in bundle.public[name]
    forged = bundle.public[name].replace(word, said)
    statement = json.loads(bundle.statement)
    for each in statement["subject"]:
        if each["name"] == f"public/{name}":
            each["digest"]["sha256"] = hashlib.sha256(forged).hexdigest()
    envelopes = tuple(Envelope(payload).signed(signer) for payload in (canonical(statement), forged))
    made = replace(bundle, envelopes=envelopes, public={**bundle.public, name: forged})
    found = verify(made.content, "evidence.a7k", trusting(signer), TODAY)
    wrong = {each.code: each.text for each in found.shown if each.state == State.CONTRADICTED}
    assert ("made-again" in wrong) == (forged != bundle.public[name])  # where another version made it, nobody knows
    wrong.pop("made-again", "")
    told = {"test-result": "the test result and the statement differ about the verdict"}
    assert wrong == (told if contradicted else {})


def test_no_bit_of_its_line_can_be_another(published: Path, tmp_path: Path) -> None:
    signer = signer_in(tmp_path)
    bundle = sealed_in(published, signer).public
    audit, line = (envelope.line for envelope in bundle.envelopes)
    members, rng = members_of(bundle.content), random.Random(7)
    for bit in rng.sample(range(8 * len(line)), 60):
        members["evidence.intoto.jsonl"] = audit + flipped(line, bit)
        found = verify(zipped(members), "evidence.a7k", trusting(signer), TODAY)
        assert found.exit_code == ExitCode.NOT_VERIFIED


def test_a_countersignature_stands_beside_the_test_result(published: Path, tmp_path: Path) -> None:
    signer, other = signer_in(tmp_path), signer_in(tmp_path, "other.key")
    audit = read_published(published, published / "restricted")
    bundle = sealed_in(published, signer).restricted
    assert not has_more_than_a_seal(bundle, audit)
    again = [*replay(bundle, ["public"], None, lambda *_: pytest.fail("nothing is run"))]
    signed = countersigned(bundle, again, SEALED_AT, other)
    assert (len(bundle.envelopes), len(signed.envelopes), len(signed.countersignatures)) == (2, 3, 1)
    assert has_more_than_a_seal(signed, audit)
    found = verify(signed.for_everybody.content, "evidence.a7k", trusting(signer, other), TODAY)
    assert found.exit_code == ExitCode.PASS
    assert [each.state for each in found.shown if each.code == "countersignature"] == [State.HOLDS]


def test_a_card_signs_the_statement_and_the_test_result_stays_a_file(published: Path, tmp_path: Path) -> None:
    signer = signer_in(tmp_path)
    bundle = sealed_in(published, None).public
    assert len(bundle.envelopes) == 1
    signed = bundle.with_signature(signer.public, signer.sign(bundle.envelopes[0].message))
    assert verify(signed.content, "evidence.a7k", trusting(signer), TODAY).exit_code == ExitCode.PASS


@pytest.mark.parametrize("name", FILES)
def test_one_changed_after_it_was_sealed_is_contradicted(published: Path, tmp_path: Path, name: str) -> None:
    signer = signer_in(tmp_path)
    content = sealed_in(published, signer).public.content
    beside = {name: (published / "public" / name).read_bytes().replace(b"beyond", b"within").replace(b"FAIL", b"PASS")}
    beside[name] += b" " * (name == "croissant.json")
    assert verify(content, "evidence.a7k", trusting(signer), TODAY, beside.get).exit_code == ExitCode.NOT_VERIFIED


def test_a_form_for_a_register_that_nobody_signed_is_no_part_of_the_audit(tmp_path: Path) -> None:
    folder, signer = published_into(tmp_path / "audit-out"), signer_in(tmp_path)
    content = sealed_in(folder, signer).public.content
    found = verify(content, "evidence.a7k", trusting(signer), TODAY, {"fria.csv": b"field"}.get)
    assert found.exit_code == ExitCode.INCONCLUSIVE
    assert "fria.csv beside the bundle: nobody signed it" in [each.text for each in found.shown]


def test_they_are_made_of_the_release_alone_and_no_other_file_is_read(published: Path, tmp_path: Path) -> None:
    alone = tmp_path / "audit-out"
    shutil.copytree(published, alone)
    for name in FILES:
        (alone / "public" / name).unlink()
    place = "audit-out/public/release.json"
    command = ["report", place, "--format", ",".join(("html", *FORMS)), "--lang", "fr", "--out", "made"]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    read = {path.removeprefix(f"{tmp_path}/") for path in done.stdout.split("\n") if path}
    assert {path for path in read if not path.startswith("made/")} == {place}, "a result and a key lie beside it"
    for name in FILES:
        assert (tmp_path / "made" / name).read_bytes() == (published / "public" / name).read_bytes()


def test_a_lawyer_edits_a_mapping_and_fills_it_in(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(published / "public/release.json", tmp_path)
    code, text = invoke("schema", "--mapping", "fria")
    assert code == 0
    Path("own.toml").write_text(text, encoding="utf-8")
    Path("public").mkdir()
    shutil.copy("release.json", "public")
    assert invoke("report", "public/release.json", "--mapping", "own.toml")[0] == 0
    assert [path.name for path in Path("public").iterdir()] == ["release.json"], "what is sealed stays as it is"
    assert Path("own-filled.csv").read_bytes() == (published / "public/fria.csv").read_bytes()
    more = '\n[[field]]\nfield = "x"\nname = "Ours"\ntext = "Ended {about.finished}."\n'
    Path("own.toml").write_text(text + more, encoding="utf-8")
    code, out = invoke("report", "release.json", "--mapping", "own.toml", "--out", "-")
    assert (code, out.rstrip().endswith("x,Ours,Ended 2026-01-01.,")) == (0, True)
    assert invoke("report", "release.json", "--format", "csv", "--mapping", "own.toml", "--out", "both")[0] == 0
    assert sorted(path.name for path in Path("both").iterdir()) == ["groups.csv", "own-filled.csv"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("report", "release.json", "--mapping", "own.toml"), 4, '"about.ownr", which is no place'),
        (("report", "release.json", "--mapping", "release.json"), 4, "release.json is no mapping"),
        (("report", "release.json", "--mapping", "absent.toml"), 4, "absent.toml cannot be read"),
        (("report", "release.json", "--mapping", "."), 4, "cannot be read"),
        (("report", "result.json", "--mapping", "own.toml"), 2, "--mapping is for a public release"),
        (("report", "release.json", "--format", "csv", "--mapping", "own.toml", "--out", "-"), 4, "no place"),
        (("schema", "--mapping", "nothing"), 2, 'no mapping "nothing"'),
        (("schema", "--mapping", "fria", "--plan"), 2, "give one of"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(published / "public/release.json", tmp_path)
    head = 'standard = "s"\nsource = "s"\nchecked = "c"\n[[field]]\nfield = "1"\nname = "Owner"\n'
    Path("own.toml").write_text(f'{head}text = "{{about.ownr}}"\n', encoding="utf-8")
    before = sorted(path.name for path in tmp_path.iterdir())
    found, output = invoke(*arguments)
    assert (found, output.count("error: "), said in output) == (code, 1, True), output
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_description_of_the_set_with_an_address_filled_in_is_no_lie_beside_a_bundle(
    sealed_as: Callable[[Outcome], tuple[Signer, Bundle]], published: Path
) -> None:
    signer, bundle = sealed_as("fail")
    described = json.loads((published / "public" / "croissant.json").read_text(encoding="utf-8"))
    edited = json.dumps({**described, "url": "https://example.org/set"}).encode()
    found = verify(bundle.content, "evidence.a7k", trusting(signer), TODAY, {"croissant.json": edited}.get)
    assert not [shown for shown in found.shown if shown.state == State.CONTRADICTED]
    assert found.exit_code == ExitCode.INCONCLUSIVE
