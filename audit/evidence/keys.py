"""Keys of Ed25519, in files that OpenSSL makes and reads, and files under a secret.

No other module imports `cryptography`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.errors import AuditError, EvidenceError
from audit.storage import bytes_of_result

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.x509 import Certificate, Name

SIGNATURE_BYTES: Final = 64
_LARGEST: Final = 64 * 1024
_MOST_WITHIN: Final = 16
"""Certificates of a reply that are looked at: whoever makes one can put many into it."""
_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of a public key in DER (RFC 8410, section 4)."""
_PRIME: Final = 2**255 - 19
_ORDER_8: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_WEAK: Final = frozenset({0, 1, _PRIME - 1, _ORDER_8, _PRIME - _ORDER_8})
"""The y of the points of order 1, 2, 4 and 8: under such a key anybody can sign, and OpenSSL lets it pass."""
_KEPT: Final = b"audit7k kept 1\n"
"""How a file under a secret begins."""
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_PEM: Final = re.compile(rb"\s*-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END PUBLIC KEY-----\s*")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key of Ed25519."""

    raw: bytes
    """Its 32 bytes."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key in DER, in hexadecimal: `openssl pkey -pubin -outform DER | sha256sum` says the same."""
        return hashlib.sha256(_PREFIX + self.raw).hexdigest()

    @property
    def pem(self) -> bytes:
        """The key as OpenSSL writes it."""
        body = base64.b64encode(_PREFIX + self.raw)
        return b"-----BEGIN PUBLIC KEY-----\n" + body + b"\n-----END PUBLIC KEY-----\n"


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, for as long as a command needs it."""

    public: PublicKey
    sign: Callable[[bytes], bytes]
    """Returns the 64 bytes of a signature over a message."""


def can_verify() -> bool:
    """Say whether the extra that checks signatures is installed."""
    return find_spec("cryptography") is not None


def parse_public_key(content: bytes, name: str) -> PublicKey:
    """Read a public key in PEM. Raises EvidenceError if it is none of Ed25519; `name` is what the error calls it."""
    match = _PEM.fullmatch(content)
    try:
        der = base64.b64decode(b"".join(match[1].split()), validate=True) if match else b""
    except binascii.Error:
        der = b""
    if not der.startswith(_PREFIX) or len(der) != len(_PREFIX) + 32 or _is_weak(der[len(_PREFIX) :]):
        raise EvidenceError(
            f"{name} is no public key of Ed25519 in PEM",
            slug="not-a-key",
            hint="openssl pkey -in auditor.key -pubout makes one of a private key",
        )
    return PublicKey(der[len(_PREFIX) :])


def _is_weak(raw: bytes) -> bool:
    y = int.from_bytes(raw, "little") % 2**255  # the bit above is the sign of x
    return y >= _PRIME or y in _WEAK


def read_public_key(path: Path) -> PublicKey:
    """Read the file of a public key. Raises EvidenceError as `parse_public_key` does, ResultError if there is none."""
    return parse_public_key(_content(path), path.name)


def verifies(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Say whether a signature over a message was made with the private part of a key; never for a weak key.

    Raises
    ------
    EvidenceError
        If the extra `evidence` is not installed.
    """
    _need_extra()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, message)
    except InvalidSignature:
        return False
    return not _is_weak(key.raw)


def new_private_key(passphrase: bytes | None) -> tuple[bytes, PublicKey]:
    """Make a key: the private part in PKCS 8, encrypted if there is a passphrase, and the public one.

    Raises
    ------
    EvidenceError
        If the extra `evidence` is not installed.
    """
    _need_extra()
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    locked = form.BestAvailableEncryption(passphrase) if passphrase else form.NoEncryption()
    return private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, locked), _public(private)


def load_signer(path: Path, passphrase: Callable[[], bytes]) -> Signer:
    """Read a private key; `passphrase` is asked for only if the file is encrypted.

    Raises
    ------
    EvidenceError
        If it is no private key of Ed25519, the passphrase does not open it, or the extra `evidence` is not installed.
    ResultError
        If there is no such file.
    """
    _need_extra()
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    content = _content(path)
    is_locked = b"ENCRYPTED" in content
    try:
        private = form.load_pem_private_key(content, passphrase() if is_locked else None)
    except AuditError:
        raise
    except Exception as error:
        if is_locked and isinstance(error, ValueError | TypeError):  # TypeError: an empty one
            raise EvidenceError(f"the passphrase does not open {path.name}", slug="wrong-passphrase") from None
        raise _no_private_key(path) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise _no_private_key(path)
    return Signer(_public(private), private.sign)


class Claim(Enum):
    """What a reply that does not verify has to do with the certificates that somebody trusts."""

    OTHER = "other"
    """It names none of them."""
    OPEN = "open"
    """It names one, and lacks what leads up to it, or that one is no root: nothing can be checked."""
    FALSE = "false"
    """It names one whose key did not sign what it says it did."""


def claim_of(contents: Iterable[bytes], signed_by: Iterable[tuple[Name, int]], trusted: Iterable[Certificate]) -> Claim:
    """Hold the certificates within a reply against trusted ones.

    Parameters
    ----------
    contents : iterable of bytes
        The certificates within the reply, in DER.
    signed_by : iterable of (Name, int)
        Issuer and serial number of the certificates that signed the reply.
    trusted : iterable of Certificate

    Raises
    ------
    Exception
        Of any kind, where a certificate is none.
    """
    from cryptography.x509 import load_der_x509_certificate

    signers, roots = list(signed_by), list(trusted)
    within = [load_der_x509_certificate(content) for content in contents]
    names = {name for inner in within for name in (inner.subject, inner.issuer)} | {issuer for issuer, _ in signers}
    if not any(root.subject in names for root in roots):
        return Claim.OTHER
    if len(within) > _MOST_WITHIN:
        return Claim.OPEN
    pairs = [(inner, root) for inner in within for root in roots]
    if any(inner.issuer == root.subject and not _is_issued_by(inner, root) for inner, root in pairs):
        return Claim.FALSE
    if any(inner.subject == root.subject and inner.public_key() != root.public_key() for inner, root in pairs):
        return Claim.FALSE
    above = [inner for inner in within if (inner.issuer, inner.serial_number) in signers]
    for _ in range(len(within) + 1):
        above = [upper for upper in (*within, *roots) if any(_is_issued_by(below, upper) for below in above)]
    return Claim.FALSE if any(upper in roots and upper.issuer == upper.subject for upper in above) else Claim.OPEN


def _is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def certificates(texts: Iterable[str]) -> list[Certificate]:
    """Read certificates in PEM. Raises EvidenceError if one is none, or the extra `evidence` is not installed."""
    _need_extra()
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return [certificate for text in texts for certificate in load_pem_x509_certificates(text.encode())]
    except ValueError:
        raise EvidenceError("a certificate of a time authority is none in PEM", slug="not-a-key") from None


def sealed_under(secret: bytes, content: bytes) -> bytes:
    """Encrypt bytes under a secret: AES-256-GCM, with a key of its own for each file (RFC 5869, RFC 7914).

    Raises
    ------
    EvidenceError
        If the extra `evidence` is not installed.
    """
    _need_extra()
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt = os.urandom(_SALT_BYTES)
    nonce = os.urandom(_NONCE_BYTES)
    head = _KEPT + salt + nonce
    return head + AESGCM(_derived(secret, b"file", salt)).encrypt(nonce, content, head)


def opened_under(secret: bytes, sealed: bytes, name: str) -> bytes:
    """Return what `sealed_under` encrypted; `name` is what the error calls it.

    Raises
    ------
    EvidenceError
        If it was encrypted under another secret or changed since, or the extra `evidence` is not installed.
    """
    _need_extra()
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    size = len(_KEPT) + _SALT_BYTES + _NONCE_BYTES
    head, rest = sealed[:size], sealed[size:]
    salt, nonce = head[len(_KEPT) : -_NONCE_BYTES], head[-_NONCE_BYTES:]
    try:
        if len(head) < size or not head.startswith(_KEPT):
            raise InvalidTag
        return AESGCM(_derived(secret, b"file", salt)).decrypt(nonce, rest, head)
    except InvalidTag:
        raise EvidenceError(f"the secret does not open {name}", slug="wrong-secret") from None


def figures_key(secret: bytes) -> bytes:
    """Return the 32 bytes of the key of public figures that belongs to a secret: equal each time.

    Raises
    ------
    EvidenceError
        If the extra `evidence` is not installed.
    """
    _need_extra()
    return _derived(secret, b"figures", None)


def _derived(secret: bytes, purpose: bytes, salt: bytes | None) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    # The name of the set and key is public, and a weak secret could be guessed by it: each guess costs 32 MB.
    stretched = Scrypt(salt=_KEPT, length=32, n=2**15, r=8, p=1).derive(secret)
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=_KEPT + purpose).derive(stretched)


def _content(path: Path) -> bytes:
    """Return the file of a key, through links too: a build finds its secrets behind them. Raises ResultError."""
    return bytes_of_result(Path(os.path.realpath(path)), _LARGEST)


def _public(private: Ed25519PrivateKey) -> PublicKey:
    return PublicKey(private.public_key().public_bytes_raw())


def _no_private_key(path: Path) -> EvidenceError:
    return EvidenceError(
        f"{path.name} is no private key of Ed25519 in PEM",
        slug="not-a-key",
        hint="make one: audit7k key new auditor.key, or openssl genpkey -algorithm ed25519",
    )


def _need_extra() -> None:
    if not can_verify():
        raise EvidenceError(
            'signatures need the extra "evidence"',
            slug="evidence-extra",
            hint="pip install 'audit7k[evidence]', or use OpenSSL as README.txt in the bundle says",
        )
