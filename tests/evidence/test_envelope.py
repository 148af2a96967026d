"""Envelopes and statements that somebody wrote in another way, a trusted signer too: one form is read, and no other."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import random
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made.releases import made_result
from made.sealed import SEALED_AT, flipped, published_into, sealed_in, signer_in, trusting

from audit.errors import EvidenceError
from audit.evidence.bundle import Bundle
from audit.evidence.commitments import Opening, commitment
from audit.evidence.envelope import Envelope, Signature, parse_envelope
from audit.evidence.history import History, Kind
from audit.evidence.keys import PublicKey, Signer, parse_public_key, verifies
from audit.evidence.seal import read_published, seal
from audit.evidence.shown import Verified
from audit.evidence.statement import Countersignature, System, canonical
from audit.evidence.trust import Trusted
from audit.evidence.verification import not_verifying, verify
from audit.version import __version__
from audit.vocabulary.file_names import STATEMENT_TYPE

TODAY = dt.date(2026, 11, 29)
Document = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_into(tmp_path_factory.mktemp("sealed") / "audit-out", made_result("none"))


@pytest.fixture(scope="module")
def signer(folder: Path) -> Signer:
    return signer_in(folder)


@pytest.fixture(scope="module")
def bundle(folder: Path, signer: Signer) -> Bundle:
    return sealed_in(folder, signer).public


def holds(line: bytes, bundle: Bundle) -> bool:
    """Whether a line is read and its signatures are right."""
    try:
        envelope = parse_envelope(line, "it")
    except EvidenceError:
        return False
    return bool(envelope.signatures) and not not_verifying(envelope, bundle)


def test_no_bit_of_an_envelope_can_be_another(bundle: Bundle) -> None:
    """Three bits of every byte: of the payload, the signature, the name of the key, and what stands between them."""
    line = bundle.envelopes[0].line
    assert holds(line, bundle)
    drawn = random.Random(7)
    bits = [8 * byte + bit for byte in range(len(line)) for bit in drawn.sample(range(8), 3)]
    assert not [bit for bit in bits if holds(flipped(line, bit), bundle)]


def rewritten(line: bytes) -> dict[str, bytes]:
    """Ways to write the same envelope, and some that are none."""
    document: Document = json.loads(line)
    (signature,) = document["signatures"]
    text, keyid, sig = line.decode(), signature["keyid"], signature["sig"]
    slack = chr(ord(sig[-3]) + 1)  # two characters of padding follow, so that four bits of this one are spare
    assert base64.b64decode(f"{sig[:-3]}{slack}==") == base64.b64decode(sig)
    again: Document = {**document, "signatures": [signature, signature]}
    strings = {
        "spaces": json.dumps(document),
        "another order": json.dumps(dict(reversed(document.items())), separators=(",", ":")) + "\n",
        "no end of line": text[:-1],
        "two ends of line": text + "\n",
        "a carriage return": text[:-1] + "\r\n",
        "a mark of byte order": "\ufeff" + text,
        "an escape": text.replace('"sig"', '"s\\u0069g"'),
        "spare bits": text.replace(sig, sig[:-3] + slack + "=="),
        "no padding": text.replace(sig, sig.rstrip("=")),
        "Base64 for addresses": text.replace("+", "-").replace("/", "_"),
        "a line end in Base64": text.replace(sig, sig[:10] + "\\n" + sig[10:]),
        "a key twice": text.replace('{"payload":', '{"payload":"","payload":', 1),
        "a signature twice": canonical(again).decode() + "\n",
        "a capital in the name of the key": text.replace(keyid, keyid.upper()),
        "another type": text.replace("in-toto+json", "in-toto+jsom"),
    }
    documents: dict[str, object] = {
        "one thing more": {**document, "note": "x"},
        "no type": {name: each for name, each in document.items() if name != "payloadType"},
        "no signatures": {name: each for name, each in document.items() if name != "signatures"},
        "a table of signatures": {**document, "signatures": {}},
        "no list": {**document, "signatures": None},
        "a list of lists": {**document, "signatures": [[keyid, sig]]},
        "a list as name": {**document, "signatures": [{"keyid": [keyid], "sig": sig}]},
        "a number as name": {**document, "signatures": [{"keyid": 7, "sig": sig}]},
        "half a character as name": {**document, "signatures": [{"keyid": "\ud800", "sig": sig}]},
        "words as name": {**document, "signatures": [{"keyid": "your auditor", "sig": sig}]},
        "a short signature": {**document, "signatures": [{"keyid": keyid, "sig": "AAAA"}]},
        "an empty signature": {**document, "signatures": [{"keyid": keyid, "sig": ""}]},
        "no signature": {**document, "signatures": [{"keyid": keyid}]},
        "a certificate": {**document, "signatures": [{**signature, "cert": "x"}]},
        "a number as payload": {**document, "payload": 7},
        "a list": [document],
        "a text": text,
        "nothing": None,
        "true": True,
    }
    whole = {name: canonical({"": each})[4:-1] + b"\n" for name, each in documents.items()}
    return {name: each.encode() for name, each in strings.items()} | whole


def test_an_envelope_is_read_in_one_form_alone(bundle: Bundle) -> None:
    line = bundle.envelopes[0].line
    accepted = [name for name, other in rewritten(line).items() if other == line or holds(other, bundle)]
    assert not accepted


@pytest.mark.parametrize("content", [b"", b"\n", b"[" * 10**6, b'{"payload":' * 10**5, b"NaN\n", b"9" * 10**6, b"\xff"])
def test_what_is_no_envelope_is_refused(content: bytes) -> None:
    with pytest.raises(EvidenceError, match="is no envelope"):
        parse_envelope(content, "it")


def signed_anyway(bundle: Bundle, signer: Signer, payload: bytes) -> Verified:
    """Let a trusted signer sign any bytes, and verify what comes of it."""
    envelope = Envelope(payload).signed(signer)
    return verify(replace(bundle, envelopes=(envelope,)).content, "it", trusting(signer), TODAY)


def changed(statement: bytes, change: Callable[[Document, Document], object]) -> bytes:
    """Change the statement or its predicate, and write it in the right form."""
    document: Document = json.loads(statement)
    change(document, document["predicate"])
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


CHANGES: dict[str, Callable[[Document, Document], object]] = {
    "another kind of statement": lambda all_, _: all_.update(_type="https://in-toto.io/Statement/v0.1"),
    "another predicate": lambda all_, _: all_.update(predicateType="urn:audit7k:countersignature:v1"),
    "one thing more": lambda all_, _: all_.update(note="x"),
    "one thing more in the predicate": lambda _, said: said.update(note="x"),
    "one thing less": lambda _, said: said.pop("software"),
    "no predicate": lambda all_, _: all_.pop("predicate"),
    "a list as predicate": lambda all_, said: all_.update(predicate=[said]),
    "no subject": lambda all_, _: all_.update(subject=[]),
    "a table of subjects": lambda all_, _: all_.update(subject={}),
    "a file less": lambda all_, _: all_["subject"].pop(),
    "a file twice": lambda all_, _: all_["subject"].append(all_["subject"][0]),
    "two files in another order": lambda all_, _: all_["subject"].reverse(),
    "another digest too": lambda all_, _: all_["subject"][0]["digest"].update(md5="0"),
    "a number as digest": lambda all_, _: all_["subject"][0]["digest"].update(sha256=7),
    "a list as name": lambda all_, _: all_["subject"][0].update(name=["public/release.json"]),
    "a number as name": lambda all_, _: all_["subject"][0].update(name=7),
    "half a character as name": lambda all_, _: all_["subject"][0].update(name="\ud800"),
    "nothing as name": lambda all_, _: all_["subject"][0].update(name=None),
    "a text for a number": lambda _, said: said.update(schema_version="1"),
    "a fraction for a number": lambda _, said: said.update(schema_version=1.0),
    "true for a number": lambda _, said: said.update(schema_version=True),
    "a text for an entry": lambda _, said: said.update(registration="1"),
    "an entry below the first": lambda _, said: said.update(registration=-1),
    "a huge entry": lambda _, said: said.update(registration=10**4000),
    "a null that is left out": lambda _, said: said.update(registration=None),
    "another version": lambda _, said: said.update(schema_version=2),
    "30 February": lambda _, said: said.update(sealed_at="2026-02-30T12:00:00Z"),
    "25 o'clock": lambda _, said: said.update(sealed_at="2026-11-29T25:00:00Z"),
    "digits of another script": lambda _, said: said.update(sealed_at="２０２６-11-29T12:00:00Z"),
    "an end of line after the time": lambda _, said: said.update(sealed_at=SEALED_AT + "\n"),
    "a day without a time": lambda _, said: said.update(sealed_at="2026-11-29"),
    "a time elsewhere": lambda _, said: said.update(sealed_at="2026-11-29T12:00:00+02:00"),
    "a verdict of its own": lambda _, said: said.update(headline="approved"),
    "a commitment less": lambda _, said: said["commitments"].pop("cases"),
    "a commitment more": lambda _, said: said["commitments"].update(diary="0" * 64),
    "a short commitment": lambda _, said: said["commitments"].update(cases="0" * 63),
    "a commitment in capitals": lambda _, said: said["commitments"].update(cases="A" * 64),
    "a registration without a history": lambda _, said: said.update(registration=1),
    "another verdict": lambda _, said: said.update(headline="pass"),
    "another owner": lambda _, said: said["system"].update(owner="Somebody else"),
    "half a character as owner": lambda _, said: said["system"].update(owner="\ud800"),
    "a place in a history that is not there": lambda _, said: said.update(history={"index": 1, "previous": "0" * 64}),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_not_even_a_trusted_signer_can_sign_another_form(bundle: Bundle, signer: Signer, name: str) -> None:
    payload = changed(bundle.statement, CHANGES[name])
    assert payload != bundle.statement
    assert signed_anyway(bundle, signer, payload).exit_code == 5


def test_a_statement_has_one_way_to_be_written(bundle: Bundle, signer: Signer) -> None:
    statement = bundle.statement
    text = statement.decode()
    document = json.loads(statement)
    others = {
        "spaces": json.dumps(document, sort_keys=True),
        "another order": json.dumps(dict(reversed(document.items())), separators=(",", ":")),
        "an end of line": text + "\n",
        "a key twice": text.replace('{"_type"', '{"_type":"x","_type"', 1),
        "an escape": text.replace("in-toto.io", "in-toto\\u002eio"),
        "a number that is none": text.replace('"schema_version":1', '"schema_version":NaN'),
        "a number beyond all": text.replace('"schema_version":1', '"schema_version":1e999'),
        "deep nesting": text.replace('"schema_version":1', '"schema_version":' + "[" * 10_000 + "]" * 10_000),
        "letters as they are": text.replace('"owner":"', '"owner":"é'),
        "nothing": "",
        "null": "null",
    }
    assert signed_anyway(bundle, signer, statement).exit_code == 0
    for name, other in others.items():
        assert other != text, name
        assert signed_anyway(bundle, signer, other.encode()).exit_code == 5, name


def test_a_statement_from_the_future_is_not_shown(bundle: Bundle, signer: Signer) -> None:
    payload = changed(bundle.statement, lambda _, said: said.update(sealed_at="2027-01-01T00:00:00Z"))
    assert signed_anyway(bundle, signer, payload).exit_code == 3


def test_openssl_computes_the_commitments(tmp_path: Path) -> None:
    opening = Opening(salt="5a" * 32, sha256="ab" * 32)
    text = tmp_path / "text"
    text.write_bytes(b"audit7k commitment v1\nplan\nsha256:" + b"ab" * 32 + b"\n")
    command = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{opening.salt}", str(text)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == commitment("plan", opening)


@pytest.mark.parametrize("salt", ["5a" * 31, "5a" * 33, "5A" * 32, "", "5a" * 32 + "\n"])
def test_a_salt_has_one_length(salt: str) -> None:
    """HMAC fills up with zeros: a salt of 31 bytes and one with a zero after it would open the same commitment."""
    with pytest.raises(ValueError, match="salt"):
        Opening(salt=salt, sha256=None)


WEAK = (
    "01" + "00" * 31, "01" + "00" * 30 + "80", "ec" + "ff" * 30 + "7f", "00" * 32, "ee" + "ff" * 30 + "7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)  # fmt: skip


@pytest.mark.parametrize("raw", WEAK)
def test_a_key_under_which_anybody_can_sign_is_no_key(raw: str) -> None:
    """Under the first, one signature is right for every message, and OpenSSL says so too."""
    key, anybody = PublicKey(bytes.fromhex(raw)), b"\1" + bytes(63)
    assert not any(verifies(key, anybody, f"message {number}".encode()) for number in range(64))
    with pytest.raises(EvidenceError, match="is no public key"):
        parse_public_key(key.pem, "it")


def test_a_signature_is_of_one_key_and_one_statement(bundle: Bundle, signer: Signer, tmp_path: Path) -> None:
    other, (first,) = signer_in(tmp_path), bundle.envelopes[0].signatures
    stripped = replace(bundle, envelopes=(replace(bundle.envelopes[0], signatures=()),), keys=())
    assert verify(stripped.content, "it", trusting(signer), TODAY).exit_code == 3
    named = Signature(other.public.fingerprint, first.signature)
    swapped = replace(bundle.envelopes[0], signatures=(named,))
    taken = replace(bundle, envelopes=(swapped,), keys=(other.public,))
    assert verify(taken.content, "it", trusting(other), TODAY).exit_code == 5
    moved = replace(bundle, envelopes=(Envelope(bundle.statement[:-1] + b" ", bundle.envelopes[0].signatures),))
    assert verify(moved.content, "it", trusting(signer), TODAY).exit_code == 5
    with pytest.raises(EvidenceError, match="signed this statement before"):
        bundle.envelopes[0].signed(signer)
    with pytest.raises(EvidenceError, match="none over this statement"):
        bundle.with_signature(other.public, first.signature)
    with pytest.raises(EvidenceError, match="none over this statement"):
        bundle.with_signature(signer.public, first.signature + b"\0")


@pytest.mark.parametrize(("named", "code"), [(0, 0), (None, 5), (1, 5)])
def test_a_registration_is_the_one_that_the_start_answers(
    folder: Path, signer: Signer, named: int | None, code: int
) -> None:
    published = read_published(folder, folder / "restricted")
    system = System(owner=published.release.about.owner, name=published.release.about.title)
    history, entries = History(), list[tuple[Kind, int | None]]()
    entries += [("registered", None), ("registered", None), ("started", 0)]
    for kind, answers in entries:
        history = history.with_entry(signer, kind, SEALED_AT, system, answers=answers)
    made = seal(published, SEALED_AT, signer, history=history.head, registration=named)
    sealed: Document = {"answers": 2, "headline": published.release.headline.outcome}
    history = history.with_entry(signer, "sealed", SEALED_AT, system, statement=made.statement_sha256, **sealed)
    bundle = made.with_history(history.content, {}).public
    assert verify(bundle.content, "it", trusting(signer), TODAY).exit_code == code


def countersigned(bundle: Bundle, signer: Signer, **changes: Any) -> Bundle:
    """Add a countersignature that says what you like."""
    said = {"schema_version": 1, "signed_at": SEALED_AT, "levels": ["counts"], "software": {"audit7k": "0"}, **changes}
    subject = [{"name": "statement.json", "digest": {"sha256": hashlib.sha256(bundle.statement).hexdigest()}}]
    kind = {"_type": STATEMENT_TYPE, "predicateType": Countersignature.TYPE}
    envelope = Envelope(canonical({**kind, "subject": subject, "predicate": said}))
    return bundle.with_envelope(envelope.signed(signer), signer.public)


COUNTERSIGNED: dict[str, tuple[Document, Document, str]] = {
    "as it should be": ({}, {}, "holds"),
    "within its period": ({}, {"from": "2026-01-01", "until": "2026-12-31"}, "holds"),
    "before its key counts": ({}, {"from": "2026-11-30"}, "claimed"),
    "with a key that may be stolen": ({}, {"until": "2026-11-28"}, "claimed"),
    "tomorrow": ({"signed_at": "2026-11-30T12:00:00Z"}, {}, "claimed"),
    "by a witness": ({}, {"role": "witness"}, "claimed"),
    "without a level": ({"levels": []}, {}, "contradicted"),
    "of another level": ({"levels": ["vibes"]}, {}, "contradicted"),
    "with one thing more": ({"verdict": "pass"}, {}, "contradicted"),
}


@pytest.mark.parametrize("how", COUNTERSIGNED)
def test_a_countersignature_counts_as_a_signature_does(
    bundle: Bundle, signer: Signer, tmp_path: Path, how: str
) -> None:
    said, owned, state = COUNTERSIGNED[how]
    regulator = signer_in(tmp_path)
    owner = {"role": "regulator", "name": "Regulator", "fingerprint": regulator.public.fingerprint, **owned}
    trust = trusting(signer)
    trust = trust.model_copy(update={"signer": (*trust.signer, Trusted.model_validate(owner))})
    found = verify(countersigned(bundle, regulator, **said).content, "it", trust, TODAY)
    assert [each.state for each in found.shown if each.code == "countersignature"] == [state]
    assert found.exit_code == (5 if state == "contradicted" else 0)


def test_a_countersignature_is_of_one_statement_and_one_key(bundle: Bundle, signer: Signer, tmp_path: Path) -> None:
    regulator = signer_in(tmp_path)
    made = countersigned(bundle, regulator)
    first, second = made.envelopes
    for changed in (
        replace(made, envelopes=(first, replace(second, signatures=())), keys=bundle.keys),
        replace(made, envelopes=(second, first)),
        replace(made, envelopes=(first, first)),
        replace(made, envelopes=(first, Envelope(second.payload, first.signatures))),
        countersigned(bundle.with_signature(regulator.public, regulator.sign(bundle.envelopes[0].message)), regulator),
    ):
        found = verify(changed.content, "it", trusting(signer, regulator), TODAY)
        assert "holds" not in {each.state for each in found.shown if each.code == "countersignature"}


@pytest.mark.parametrize(("version", "code"), [(__version__, 5), ("0.0.1", 3)])
def test_a_release_that_another_version_wrote_otherwise_is_not_called_changed(
    bundle: Bundle, signer: Signer, version: str, code: int
) -> None:
    """Whoever updates must not be told that honest evidence was tampered with."""
    other = json.dumps(json.loads(bundle.public["release.json"]), indent=1).encode()

    def change(all_: Document, said: Document) -> None:
        said["software"]["audit7k"] = version
        (release,) = [each for each in all_["subject"] if each["name"] == "public/release.json"]
        release["digest"]["sha256"] = hashlib.sha256(other).hexdigest()

    made = replace(bundle, public={**bundle.public, "release.json": other})
    assert signed_anyway(made, signer, changed(bundle.statement, change)).exit_code == code
    same = changed(bundle.statement, lambda _, said: said["software"].update(audit7k=version))
    assert signed_anyway(bundle, signer, same).exit_code == (0 if version == __version__ else 3)  # not made again
