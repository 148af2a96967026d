"""Published audits in a folder, ready to be sealed, and keys to seal them with."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from made.audits import gender, result_of
from made.releases import GENDERS, RULES, countries, rows_of

from audit.disclosure.publish import publish
from audit.evidence.keys import Signer, load_signer, new_private_key
from audit.evidence.seal import Bundles, read_published, seal
from audit.evidence.trust import Trust, Trusted
from audit.result.audit_result import AuditResult
from audit.result.json_text import result_to_json
from audit.stages import Scope

SUMS = "SHA256SUMS"
SEALED_AT = "2026-11-29T12:00:00Z"


@cache
def failing() -> AuditResult:
    """A result of two genders and ten countries, of which one fails."""
    rows = rows_of(4_000, places=10)
    return result_of(
        rows, [gender(tuple(GENDERS)), countries(sorted({code for _, code in rows}))], RULES, scope=Scope.RECORDS
    )


def published_into(folder: Path, result: AuditResult | None = None, formats: Sequence[str] = ("json", "csv")) -> Path:
    """Publish a result into an output folder, as a run does, and return the folder."""
    result = result or failing()
    public = folder / "public"
    public.mkdir(parents=True)

    def write(files: dict[str, bytes]) -> None:
        for name, content in files.items():
            (public / name).write_bytes(content)

    publish(result, folder / "restricted", lambda files: write(dict(files)), formats, ("en",))
    (folder / "result.json").write_text(result_to_json(result), encoding="utf-8")
    return folder


def signer_in(folder: Path, name: str = "auditor.key", passphrase: bytes = b"") -> Signer:
    """Make a key in a folder, the public part beside it, and return it opened."""
    private, public = new_private_key(passphrase or None)
    (folder / name).write_bytes(private)
    (folder / f"{name}.pub").write_bytes(public.pem)
    return load_signer(folder / name, lambda: passphrase)


def sealed_in(folder: Path, signer: Signer | None) -> Bundles:
    """Seal what was published into a folder."""
    return seal(read_published(folder, folder / "restricted"), SEALED_AT, signer)


def members_of(content: bytes) -> dict[str, bytes]:
    """Unpack a bundle."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(
    members: Mapping[str, bytes],
    change: Callable[[zipfile.ZipInfo], object] = lambda _: None,
    *,
    sums: bool = True,
) -> bytes:
    """Pack members as audit7k does; `change` sees the entry of each before it is written, `sums` makes those anew."""
    rest = {name: content for name, content in members.items() if name != SUMS or not sums}
    if sums:
        lines = (f"{hashlib.sha256(rest[name]).hexdigest()}  {name}\n" for name in sorted(rest))
        rest[SUMS] = "".join(lines).encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", allowZip64=True) as archive:
        for name in sorted(rest):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
            change(entry)
            archive.writestr(entry, rest[name], compress_type=entry.compress_type)
    return made.getvalue()


def flipped(content: bytes, bit: int) -> bytes:
    """Turn one bit over."""
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def trusting(*signers: Signer, threshold: int = 1) -> Trust:
    """Trust the keys of these auditors."""
    owners = [
        Trusted(role="auditor", name=f"Auditor {number}", fingerprint=signer.public.fingerprint)
        for number, signer in enumerate(signers, start=1)
    ]
    return Trust(signer=tuple(owners), threshold=threshold)
