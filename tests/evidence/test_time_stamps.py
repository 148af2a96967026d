"""Time stamps of an authority that OpenSSL plays: asked for and answered by file, read here and there."""

from __future__ import annotations

import datetime as dt
import random
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from made.sealed import flipped, published_into, sealed_in, signer_in, trusting

from audit.errors import EvidenceError
from audit.evidence.bundle import Bundle
from audit.evidence.checkpoint import checkpoint_of
from audit.evidence.commitments import commitments_of, open_anew
from audit.evidence.history import History
from audit.evidence.registration import QUESTION, system_of
from audit.evidence.seal import digests_by_role, read_published, seal
from audit.evidence.shown import State
from audit.evidence.statement import System
from audit.evidence.time_stamps import in_order, is_over, stamped_at, stamps_among, time_request
from audit.evidence.trust import Trust, Trusted, read_trust
from audit.evidence.verification import verify

CONFIG = """
[tsa]
default_tsa = own
[own]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
[extensions]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
"""


class Authority:
    """A time authority: its certificate, and its replies."""

    def __init__(self, folder: Path, name: str = "Root") -> None:
        self.folder = folder
        (folder / "own.cnf").write_text(CONFIG)
        (folder / "serial").write_text("01\n")
        new_key = "openssl req -newkey rsa:2048 -nodes -keyout"
        root = f"-x509 -subj /CN={name} -days 3650 -out ca.pem -extensions ca -config own.cnf -section none"
        signed = "-CA ca.pem -CAkey ca.key -days 3650 -out tsa.pem -extfile own.cnf -extensions extensions"
        self.run(f"{new_key} ca.key {root}")
        self.run(f"{new_key} tsa.key -subj /CN=Time -out tsa.csr")
        self.run(f"openssl x509 -req -in tsa.csr {signed}")

    @property
    def certificate(self) -> str:
        """Certificate of its root, in PEM."""
        return (self.folder / "ca.pem").read_text()

    def reply(self, request: bytes, more: str = "") -> bytes:
        """Answer a request as `openssl ts` does."""
        (self.folder / "request.tsq").write_bytes(request)
        signed = "-signer tsa.pem -inkey tsa.key -config own.cnf -out reply.tsr"
        self.run(f"openssl ts -reply -queryfile request.tsq {signed} {more}")
        return (self.folder / "reply.tsr").read_bytes()

    def run(self, command: str) -> None:
        """Run a command of OpenSSL in the folder."""
        done = subprocess.run(command.split(), cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def test_a_reply_says_when_the_authority_saw_a_message(authority: Authority) -> None:
    reply = authority.reply(time_request(b"a message"))
    now = dt.datetime.now(dt.UTC)
    assert abs(stamped_at(reply, b"a message", [authority.certificate]) - now) < dt.timedelta(minutes=10)
    assert is_over(reply, b"a message")
    assert not is_over(reply, b"another")
    with pytest.raises(EvidenceError, match="none of an authority"):
        stamped_at(reply, b"another", [authority.certificate])
    with pytest.raises(EvidenceError, match="none of an authority"):
        stamped_at(b"no reply", b"a message", [authority.certificate])


@pytest.mark.parametrize("roots", [1, 2, 3])
def test_certificates_are_read_in_any_order(authority: Authority, roots: int) -> None:
    """OpenSSL writes them as it got them; the reader's library wants the order of DER, which no signature covers."""
    (authority.folder / "message").write_bytes(b"a message")
    more = [(authority.folder / "ca.pem").read_bytes()]
    for number in range(1, roots):
        authority.run(f"openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -subj /CN=Other{number} -out o.pem")
        more.append((authority.folder / "o.pem").read_bytes())
    orders = []
    for order in (more, more[::-1]):
        (authority.folder / "chain.pem").write_bytes(b"".join(order))
        reply = authority.reply(time_request(b"a message"), "-chain chain.pem")
        (authority.folder / "kept.tsr").write_bytes(reply)
        authority.run("openssl ts -verify -in kept.tsr -data message -CAfile ca.pem")
        stamped_at(reply, b"a message", [authority.certificate])
        (authority.folder / "sorted.tsr").write_bytes(in_order(reply))
        authority.run("openssl ts -verify -in sorted.tsr -data message -CAfile ca.pem")
        assert sorted(in_order(reply)) == sorted(reply)
        assert is_over(reply, b"a message")
        assert not is_over(reply, b"another")
        orders.append(in_order(reply) == reply)
    assert roots == 1 or not all(orders)


def test_bytes_that_are_no_reply_are_none(authority: Authority) -> None:
    reply = authority.reply(time_request(b"a message"))
    for cut in range(0, len(reply), 7):
        assert not is_over(reply[:cut], b"a message")
    for size in (0, 1, 2, 3, 200):
        assert in_order(b"\x30\x84" + b"\xff" * size) == b"\x30\x84" + b"\xff" * size


def with_intermediate(authority: Authority) -> Authority:
    """Put an intermediate certificate between an authority's root and its own, as most have."""
    authority.run("openssl req -newkey rsa:2048 -nodes -keyout inter.key -subj /CN=Inter -out inter.csr")
    for name, issuer, section in (("inter", "ca", "ca"), ("tsa", "inter", "extensions")):
        issued = f"-CA {issuer}.pem -CAkey {issuer}.key -days 3650 -extfile own.cnf -extensions {section}"
        authority.run(f"openssl x509 -req -in {name}.csr {issued} -out {name}.pem")
    return authority


@pytest.fixture(scope="module")
def tall(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return with_intermediate(Authority(tmp_path_factory.mktemp("tall")))


@pytest.mark.parametrize("chain", ["inter", "ca", "inter ca", "ca inter", ""])
@pytest.mark.parametrize("listed", ["ca", "inter", "tsa", "tsa inter", "inter ca"])
def test_a_stamp_of_a_listed_authority_is_never_called_false_for_want_of_certificates(
    tall: Authority, chain: str, listed: str
) -> None:
    """It holds where OpenSSL says so too; else it is not shown. A forged one under these names stays contradicted."""
    texts = {name: (tall.folder / f"{name}.pem").read_text() for name in ("ca", "inter", "tsa")}
    (tall.folder / "chain.pem").write_text("".join(texts[name] for name in chain.split()))
    reply = tall.reply(time_request(b"a message"), "-chain chain.pem" if chain else "")
    trusted = [texts[name] for name in listed.split()]
    (tall.folder / "kept.tsr").write_bytes(reply)
    (tall.folder / "message").write_bytes(b"a message")
    (tall.folder / "listed.pem").write_text("".join(trusted))
    asked = ["openssl", "ts", "-verify", "-in", "kept.tsr", "-data", "message", "-CAfile", "listed.pem"]
    holds = subprocess.run(asked, cwd=tall.folder, capture_output=True, check=False).returncode == 0
    assert holds == ("ca" in listed and "inter" in f"{chain} {listed}")
    assert stamps_among({"x.tsr": reply}, {"x": b"another"}, trusted).wrong == ("x.tsr",)
    stamps = stamps_among({"x.tsr": reply}, {"x": b"a message"}, trusted)
    if not chain and listed == "ca":  # nothing in it names the root
        assert stamps.of_others == ("x.tsr",)
    else:
        assert (list(stamps.at), stamps.unchecked) == ((["x"], ()) if holds else ([], ("x.tsr",)))


@pytest.mark.parametrize("listed", ["ca", "inter", "tsa"])
def test_a_forged_reply_with_the_names_of_a_listed_authority_is_false(
    tall: Authority, tmp_path: Path, listed: str
) -> None:
    forger = with_intermediate(Authority(tmp_path))
    (forger.folder / "chain.pem").write_text("".join((forger.folder / f"{n}.pem").read_text() for n in ("inter", "ca")))
    reply = forger.reply(time_request(b"a message"), "-chain chain.pem")
    trusted = [(tall.folder / f"{listed}.pem").read_text()]
    assert stamps_among({"x.tsr": reply}, {"x": b"a message"}, trusted).wrong == ("x.tsr",)


@pytest.mark.parametrize("listed", [True, False])
def test_whatever_bit_of_a_reply_is_another_something_is_said_of_it(authority: Authority, *, listed: bool) -> None:
    """With its authority listed it is right as it was, or not right: no change makes it one of somebody else."""
    reply = authority.reply(time_request(b"a message"), "-chain ca.pem")
    trusted, drawn, said = [authority.certificate] * listed, random.Random(3), Counter[str]()
    for bit in drawn.sample(range(8 * len(reply)), 1_500):
        stamps = stamps_among({"x.tsr": flipped(reply, bit)}, {"x": b"a message"}, trusted)
        said["right" if stamps.at else "of others" if stamps.of_others else "wrong"] += 1
    assert sum(said.values()) == 1_500
    assert (said["right"] == 0) if not listed else (said["of others"] < 60)


def test_an_authority_that_nobody_trusts_shows_nothing(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path)
    with pytest.raises(EvidenceError, match="none of an authority"):
        stamped_at(authority.reply(time_request(b"a message")), b"a message", [other.certificate])


@pytest.fixture(scope="module")
def stamped(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Trust]:
    """A bundle with a time stamp over its signature, and trust in its auditor whose key counts until that day."""
    folder = published_into(tmp_path_factory.mktemp("stamped") / "audit-out")
    signer = signer_in(folder)
    made = sealed_in(folder, signer).public
    made = made.with_time_stamp(authority.reply(time_request(made.signatures["signature-1"])))
    today = dt.datetime.now(dt.UTC).date()  # not before the stamp, also at midnight
    owner = Trusted(role="auditor", name="Auditor", fingerprint=signer.public.fingerprint, until=today)
    return made, trusting(signer).model_copy(update={"signer": (owner,), "time_authority": (authority.certificate,)})


def test_a_key_that_ended_counts_for_what_was_stamped_before(stamped: tuple[Bundle, Trust]) -> None:
    bundle, trust = stamped
    later = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=400)
    assert verify(bundle.content, "evidence.a7k", trust, later).exit_code == 0
    unstamped = replace(bundle, anchors={})
    assert verify(unstamped.content, "evidence.a7k", trust, later).exit_code == 3
    untrusted = trust.model_copy(update={"time_authority": ()})
    assert verify(bundle.content, "evidence.a7k", untrusted, later).exit_code == 3


def test_a_stamp_over_a_statement_does_not_say_when_it_was_signed(
    stamped: tuple[Bundle, Trust], authority: Authority
) -> None:
    """Whoever steals a key signs what had been stamped before: the stamp must be over the signature."""
    bundle, trust = stamped
    reply = authority.reply(time_request(bundle.statement))
    with pytest.raises(EvidenceError, match="no time stamp over a signature"):
        replace(bundle, anchors={}).with_time_stamp(reply)
    later = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=400)
    for name in ("statement.tsr", "signature-1.tsr", "signature-2.tsr"):
        forged = replace(bundle, anchors={name: reply})
        assert verify(forged.content, "evidence.a7k", trust, later).exit_code == 5


def test_a_stamp_over_something_else_contradicts(stamped: tuple[Bundle, Trust], authority: Authority) -> None:
    bundle, trust = stamped
    with pytest.raises(EvidenceError, match="no time stamp over"):
        bundle.with_time_stamp(authority.reply(time_request(b"another statement")))
    forged = replace(bundle, anchors={"signature-1.tsr": authority.reply(time_request(b"another statement"))})
    assert verify(forged.content, "evidence.a7k", trust, dt.datetime.now(dt.UTC).date()).exit_code == 5


def _lines(bundle: Bundle, trust: Trust) -> list[State]:
    today = dt.datetime.now(dt.UTC).date()
    return [
        each.state for each in verify(bundle.content, "evidence.a7k", trust, today).shown if each.code == "time-stamp"
    ]


def test_an_authority_that_the_reader_has_not_listed_is_claimed(
    stamped: tuple[Bundle, Trust], authority: Authority, tmp_path: Path
) -> None:
    bundle, trust = stamped
    assert _lines(bundle, trust) == [State.HOLDS]
    assert _lines(bundle, trust.model_copy(update={"time_authority": ()})) == [State.CLAIMED]
    other = Authority(tmp_path, "Another-Root")
    theirs = trust.model_copy(update={"time_authority": (other.certificate,)})
    assert _lines(bundle, theirs) == [State.CLAIMED]
    assert verify(bundle.content, "evidence.a7k", theirs, dt.datetime.now(dt.UTC).date()).exit_code == 0
    both = trust.model_copy(update={"time_authority": (other.certificate, authority.certificate)})
    assert _lines(bundle, both) == [State.HOLDS]


def test_a_stamp_in_the_name_of_a_listed_authority_contradicts(stamped: tuple[Bundle, Trust], tmp_path: Path) -> None:
    bundle, trust = stamped
    forger = Authority(tmp_path)  # of the same name
    forged = replace(bundle, anchors={"signature-1.tsr": forger.reply(time_request(bundle.signatures["signature-1"]))})
    assert _lines(forged, trust) == [State.CONTRADICTED]


def test_without_the_extra_a_time_stamp_is_not_shown(
    stamped: tuple[Bundle, Trust], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, trust = stamped
    monkeypatch.setattr("audit.evidence.time_stamps.find_spec", lambda _: None)
    for listed in (trust, trust.model_copy(update={"time_authority": ()})):
        assert _lines(bundle, listed) == [State.NOT_SHOWN]
    assert _lines(replace(bundle, anchors={}), trust) == []


def test_the_head_of_a_history_is_stamped_as_text(authority: Authority, tmp_path: Path) -> None:
    signer = signer_in(tmp_path)
    history = History().with_entry(signer, "registered", "2026-11-29T12:00:00Z", System(owner="O", name="N"))
    body = checkpoint_of(history.payloads).body.encode()
    assert is_over(authority.reply(time_request(body)), body)


@pytest.mark.parametrize(
    ("began", "entries", "called", "state"),
    [
        (1, 1, 1, State.HOLDS),
        (-1, 1, 1, State.CLAIMED),  # cut to its first entry, and stamped when all was over
        (1, 3, 1, State.CLAIMED),  # a head of three entries in a file of the name of one
        (1, 3, 3, State.CLAIMED),
    ],
)
def test_a_stamped_head_shows_that_a_registration_came_before_the_start(
    authority: Authority, tmp_path: Path, began: int, entries: int, called: int, state: State
) -> None:
    folder = published_into(tmp_path / "audit-out")
    signer, published = signer_in(folder), read_published(folder, folder / "restricted")
    opened = open_anew({QUESTION: digests_by_role(published)[QUESTION]})
    asked = {"commitments": commitments_of(opened)}
    now = dt.datetime.now(dt.UTC)
    at = f"{now + dt.timedelta(hours=began):%Y-%m-%dT%H:%M:%SZ}"
    about = published.release.about
    system = system_of(about.owner, about.system, about.title)
    history = History().with_entry(signer, "registered", at, system, **asked)
    history = history.with_entry(signer, "started", at, system, answers=0, **asked)
    made = seal(published, at, signer, earlier=opened, history=history.head, registration=0)
    said = {"answers": 1, "headline": published.release.headline.outcome, "statement": made.statement_sha256}
    history = history.with_entry(signer, "sealed", at, system, **said)
    head = checkpoint_of(history.payloads[:entries])
    anchors = {
        f"{called}.checkpoint": head.content,
        f"{called}.tsr": authority.reply(time_request(head.body.encode())),
    }
    bundle = made.with_history(history.content, anchors).public
    trust = trusting(signer).model_copy(update={"time_authority": (authority.certificate,)})
    shown = verify(bundle.content, "evidence.a7k", trust, now.date() + dt.timedelta(days=1)).shown
    assert {each.state for each in shown if each.code == "registration"} == {state}
    assert State.CONTRADICTED not in {each.state for each in shown}


def test_a_file_of_trust_names_the_certificates_of_authorities(authority: Authority) -> None:
    place = authority.folder / "trust.toml"
    place.write_text('time_authority = ["ca.pem"]\n')
    assert read_trust(place).time_authority == (authority.certificate,)
