"""Keys: those that OpenSSL made are read, both ways; everything else is one line, at once."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from made.releases import made_result
from made.sealed import published_into, sealed_in, trusting

from audit.errors import AuditError, EvidenceError
from audit.evidence.keys import load_signer, new_private_key, parse_public_key, read_public_key, verifies
from audit.evidence.trust import Trust, read_trust
from audit.evidence.verification import verify

TODAY = dt.date(2026, 11, 29)
PASSPHRASE = "five words nobody else joins"


def openssl(*arguments: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True)
    return done.stdout


def never() -> bytes:
    raise AssertionError


@pytest.fixture(scope="module")
def plain() -> bytes:
    return openssl("genpkey", "-algorithm", "ed25519")


@pytest.fixture(scope="module")
def fingerprint(plain: bytes) -> str:
    der = openssl("pkey", "-pubout", "-outform", "DER", stdin=plain)
    return openssl("dgst", "-sha256", "-r", stdin=der).decode().split()[0]


LOCKED = {
    "AES-256": ("-v2", "aes-256-cbc"),
    "AES-128": ("-v2", "aes-128-cbc"),
    "many rounds": ("-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512", "-iter", "200000"),
    "scrypt": ("-scrypt",),
    "triple DES": ("-v2", "des3"),
    "as in 1999": ("-v1", "PBE-SHA1-3DES"),
}


@pytest.mark.parametrize("way", LOCKED)
def test_a_key_that_openssl_made_and_locked_is_opened(tmp_path: Path, plain: bytes, fingerprint: str, way: str) -> None:
    file = tmp_path / "auditor.key"
    file.write_bytes(openssl("pkcs8", "-topk8", *LOCKED[way], "-passout", f"pass:{PASSPHRASE}", stdin=plain))
    signer = load_signer(file, PASSPHRASE.encode)
    assert signer.public.fingerprint == fingerprint
    for wrong in (b"", b"another", b"\xff\xfe", PASSPHRASE.encode() + b"\n"):
        with pytest.raises(EvidenceError, match=r"^the passphrase does not open auditor\.key") as refused:
            load_signer(file, lambda wrong=wrong: wrong)  # type: ignore[misc]
        assert "\n" not in str(refused.value)


def test_a_key_of_ours_is_read_by_openssl_and_signs_the_same(tmp_path: Path) -> None:
    private, public = new_private_key(PASSPHRASE.encode())
    assert b"ENCRYPTED" in private
    file, message, made = tmp_path / "auditor.key", tmp_path / "message", tmp_path / "signature"
    file.write_bytes(private)
    message.write_bytes(b"a message")
    assert openssl("pkey", "-in", str(file), "-passin", f"pass:{PASSPHRASE}", "-pubout") == public.pem
    openssl("pkeyutl", "-sign", "-inkey", str(file), "-passin", f"pass:{PASSPHRASE}", "-rawin", "-in", str(message),
            "-out", str(made))  # fmt: skip
    assert made.read_bytes() == load_signer(file, PASSPHRASE.encode).sign(b"a message")  # Ed25519 draws nothing
    assert verifies(public, made.read_bytes(), b"a message")


def test_a_key_is_read_as_editors_and_builds_leave_it(tmp_path: Path, plain: bytes, fingerprint: str) -> None:
    public = openssl("pkey", "-pubout", stdin=plain)
    for number, (private_as, public_as) in enumerate(
        [
            (plain, public),
            (plain.replace(b"\n", b"\r\n"), public.replace(b"\n", b"\r\n")),
            (b"\n" + plain, b"\n" + public),
        ]
    ):
        private_file, public_file = tmp_path / f"{number}.key", tmp_path / f"{number}.pub"
        private_file.write_bytes(private_as)
        public_file.write_bytes(public_as)
        assert load_signer(private_file, never).public.fingerprint == fingerprint
        assert read_public_key(public_file).fingerprint == fingerprint
    (tmp_path / "link.key").symlink_to("0.key")  # as a build finds its secrets
    assert load_signer(tmp_path / "link.key", never).public.fingerprint == fingerprint


OTHERS: dict[str, Callable[[bytes], bytes]] = {
    "RSA": lambda _: openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "EC": lambda _: openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "EC, locked as in 1999": lambda _: openssl(
        "ec", "-aes128", "-passout", f"pass:{PASSPHRASE}",
        stdin=openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    ),
    "X25519": lambda _: openssl("genpkey", "-algorithm", "x25519"),
    "Ed448": lambda _: openssl("genpkey", "-algorithm", "ed448"),
    "DER": lambda plain: openssl("pkey", "-outform", "DER", stdin=plain),
    "public": lambda plain: openssl("pkey", "-pubout", stdin=plain),
    "cut": lambda plain: plain[:60],
    "empty": lambda _: b"",
    "zeros": lambda _: bytes(10_000_000),
    "text": lambda _: b"my key is under the mat\n",
    "an empty locked one": lambda _: b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----\n",
    "SSH": lambda _: b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", OTHERS)
def test_another_kind_of_key_is_one_line(tmp_path: Path, plain: bytes, kind: str) -> None:
    file = tmp_path / "auditor.key"
    file.write_bytes(OTHERS[kind](plain))
    with pytest.raises(EvidenceError, match=r"auditor\.key") as refused:
        load_signer(file, PASSPHRASE.encode)
    assert "\n" not in str(refused.value)
    if kind != "public":
        with pytest.raises(EvidenceError, match="is no public key of Ed25519"):
            read_public_key(file)


PUBLIC = {
    "two": lambda pem: pem + pem,
    "a private one beside it": lambda pem: pem + b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "another name": lambda pem: pem.replace(b"PUBLIC", b"RSA PUBLIC"),
    "a byte less": lambda pem: pem.replace(b"MCow", b"MCo"),
    "no padding": lambda pem: pem.replace(b"=", b""),
    "a star": lambda pem: pem.replace(b"MCow", b"MC*w"),
}


@pytest.mark.parametrize("how", PUBLIC)
def test_a_public_key_has_one_reading(plain: bytes, how: str) -> None:
    pem = openssl("pkey", "-pubout", stdin=plain)
    with pytest.raises(EvidenceError, match="is no public key"):
        parse_public_key(PUBLIC[how](pem), "it")


@pytest.mark.timeout(60)
def test_what_is_no_file_is_one_line_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    closed = tmp_path / "closed"
    closed.write_text("x")
    closed.chmod(0)
    for name in ("pipe", "folder", "loop", "nothing", *(["closed"] if os.getuid() else [])):
        readers: tuple[Callable[[Path], object], ...] = (
            lambda path: load_signer(path, never),
            read_public_key,
            read_trust,
            lambda path: read_trust(None, [str(path)]),
        )
        for read in readers:
            with pytest.raises(AuditError) as refused:
                read(tmp_path / name)
            assert "\n" not in str(refused.value)


def trust_file(folder: Path, fingerprint: str, more: str = "", before: str = "") -> Path:
    file = folder / "trust.toml"
    signer = f'[[signer]]\nrole = "auditor"\nname = "Office"\nfingerprint = "{fingerprint}"\n'
    file.write_text(before + signer + more, encoding="utf-8")
    return file


PERIODS = {
    "": 0,
    "from = 2026-11-29": 0,
    "from = 2026-11-30": 3,
    "until = 2026-11-29": 0,
    "until = 2026-11-28": 3,
    "from = 2020-01-01\nuntil = 2030-01-01": 0,
}


@pytest.mark.parametrize("period", PERIODS)
def test_a_key_counts_in_its_period(tmp_path: Path, period: str) -> None:
    folder = published_into(tmp_path / "audit-out", made_result("none"))
    (folder / "auditor.key").write_bytes(new_private_key(None)[0])
    signer = load_signer(folder / "auditor.key", never)
    bundle = sealed_in(folder, signer).public.content
    trust = read_trust(trust_file(tmp_path, signer.public.fingerprint, period))
    assert verify(bundle, "it", trust, TODAY).exit_code == PERIODS[period]
    after = dt.date(2031, 1, 1)
    assert verify(bundle, "it", trust, after).exit_code == (3 if "until" in period else PERIODS[period])
    before = dt.date(2019, 1, 1)  # sealed on a day that is still to come
    assert verify(bundle, "it", trust, before).exit_code == 3


def test_a_key_is_that_of_its_role(tmp_path: Path) -> None:
    folder = published_into(tmp_path / "audit-out", made_result("none"))
    (folder / "auditor.key").write_bytes(new_private_key(None)[0])
    signer = load_signer(folder / "auditor.key", never)
    bundle = sealed_in(folder, signer).public.content
    for role in ("regulator", "vendor", "witness"):
        file = trust_file(tmp_path, signer.public.fingerprint)
        file.write_text(file.read_text().replace("auditor", role))
        assert verify(bundle, "it", read_trust(file), TODAY).exit_code == 3


RIGHT = 'role = "auditor"\nname = "A"\nfingerprint = "' + "ab" * 32 + '"\n'
MISTAKES = {
    "an unknown role": 'role = "boss"\nname = "A"\nfingerprint = "{0}"',
    "no fingerprint": 'role = "auditor"\nname = "A"',
    "a short fingerprint": 'role = "auditor"\nname = "A"\nfingerprint = "abc"',
    "capitals": 'role = "auditor"\nname = "A"\nfingerprint = "{1}"',
    "a key that nobody knows": "{2}untill = 2026-01-01",
    "a day that is none": '{2}until = "tomorrow"',
    "an end before the beginning": "{2}from = 2026-02-01\nuntil = 2026-01-31",
    "an hour": "{2}from = 2026-02-01T12:00:00Z",
    "a number as name": 'role = "auditor"\nname = 7\nfingerprint = "{0}"',
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_file_of_trust_is_one_line(tmp_path: Path, mistake: str) -> None:
    file = tmp_path / "trust.toml"
    file.write_text("[[signer]]\n" + MISTAKES[mistake].format("ab" * 32, "AB" * 32, RIGHT))
    with pytest.raises(EvidenceError, match=r"trust\.toml is no file of trust at signer") as refused:
        read_trust(file)
    assert "\n" not in str(refused.value)


THRESHOLDS = ("0", "true", '"2"', "1.0", "-1", "9" * 5_000, "1\nthreshold = 1", "[1]")
TEXTS = ("x = 1", "signer = 7", "signer = [7]", "a = " + "[" * 5_000, "[[signer]", "\0", "no TOML")


@pytest.mark.parametrize("text", [*(f"threshold = {each}" for each in THRESHOLDS), *TEXTS])
def test_a_file_of_trust_has_one_form(tmp_path: Path, text: str) -> None:
    file = tmp_path / "trust.toml"
    for content in (text.encode(), b"\xff" + text.encode(), b"\xef\xbb\xbf" + text.encode()):
        file.write_bytes(content)
        with pytest.raises(EvidenceError, match="is no file of trust"):
            read_trust(file)


def test_two_keys_of_one_person_are_one_signer(tmp_path: Path) -> None:
    folder = published_into(tmp_path / "audit-out", made_result("none"))
    signers = []
    for name in ("first.key", "second.key"):
        (folder / name).write_bytes(new_private_key(None)[0])
        signers.append(load_signer(folder / name, never))
    bundle = sealed_in(folder, signers[0]).public
    both = trusting(*signers, threshold=2)
    assert verify(bundle.content, "it", both, TODAY).exit_code == 3
    message = bundle.envelopes[0].message
    twice = bundle.with_signature(signers[1].public, signers[1].sign(message))
    assert verify(twice.content, "it", both, TODAY).exit_code == 0
    one = Trust(signer=tuple(each.model_copy(update={"name": "Office"}) for each in both.signer), threshold=2)
    assert verify(twice.content, "it", one, TODAY).exit_code == 3
    with pytest.raises(EvidenceError, match="signed this statement before"):
        twice.with_signature(signers[0].public, signers[0].sign(message))


@pytest.mark.parametrize("given", ["deadbeef", "", "sha256:", "nothing.pub", "ab" * 31, "ab" * 33])
def test_what_is_no_fingerprint_is_said(given: str) -> None:
    with pytest.raises(EvidenceError, match="is neither a fingerprint nor the file of a public key"):
        read_trust(None, [given])


def test_a_fingerprint_is_taken_as_it_is_printed() -> None:
    for given in ("ab" * 32, "AB" * 32, "sha256:" + "ab" * 32):
        (owner,) = read_trust(None, [given]).signer
        assert owner.fingerprint == "ab" * 32
