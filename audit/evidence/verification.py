"""What a bundle of evidence shows, and what it does not: for a reader who has nothing restricted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, Literal

from audit.disclosure.public_files import PAPER, REPORTERS, TRANSLATED, file_of
from audit.disclosure.read import parse_release
from audit.errors import AuditError
from audit.evidence.bundle import LOG, PUBLIC, RESULT, STATEMENT, Bundle, read_bundle, role_of
from audit.evidence.commitments import ROLES, commitments_of
from audit.evidence.envelope import Envelope
from audit.evidence.keys import can_verify, verifies
from audit.evidence.registration import system_of
from audit.evidence.shown import Reading, Shown, State, Verified
from audit.evidence.shown_history import parties_of, shown_of_history
from audit.evidence.statement import Countersignature, Evidence, read_statement, sha256
from audit.evidence.time_stamps import TOKEN, can_stamp
from audit.evidence.trust import Trust, Trusted
from audit.public.release import TEST_RESULTS, PublicRelease
from audit.version import __version__
from audit.vocabulary.file_names import RELEASE, TEST_RESULT
from audit.vocabulary.strict_json import strict_decoder
from audit.vocabulary.text import count_of, listed, printable

_FORMS: Final = {filename: form for form, (filename, _) in REPORTERS.items()}
"""Files that a person or a program opens, and takes for a part of the audit where they lie beside the bundle."""
_EDITED: Final = (*TRANSLATED, "atrs", "algoritmeregister", "croissant", "fria")
"""Forms that people also make in another language, or whose fields they fill in: an address, a licence."""
_NAMED: Final = 20
"""Files that a line names."""


def verify(
    content: bytes,
    name: str,
    trust: Trust,
    today: dt.date,
    beside: Callable[[str], bytes | None] = lambda _: None,
    history: bytes | None = None,
    strangers: Collection[str] = (),
) -> Verified:
    """Look at everything that a bundle says of itself. No restricted file is needed.

    Parameters
    ----------
    content : bytes
        The bundle.
    name : str
        What the lines call it.
    trust : Trust
        Whose keys count. A key that lies in the bundle counts for nothing.
    today : date
        Day by which periods of keys are judged.
    beside : callable
        Returns the file of a name that lies beside the bundle, where a reader would open it; None if there is none.
    history : bytes, optional
        A history that came by another way than the bundle: the bundle's must be a part of it.
    strangers : collection of str
        Names of whatever else lies in the folder of the bundle, for readers who take the folder for the audit.
    """
    try:
        bundle = read_bundle(content, name)
        subjects, evidence = read_statement(bundle.statement, Evidence, STATEMENT)
    except AuditError as error:
        return Verified((Shown("bundle", State.CONTRADICTED, error.message),), None)
    reading = Reading(bundle, evidence, subjects, trust, today, beside, history, tuple(strangers))
    checks: tuple[Callable[[Reading], Iterator[Shown]], ...] = (
        _public_files,
        _files_beside,
        _release,
        _made_again,
        _commitments,
        _software,
        _signatures,
        _test_result,
        _time_stamps,
        _countersignatures,
        shown_of_history,
        _restricted,
    )
    return Verified(tuple(shown for check in checks for shown in check(reading)), evidence)


def _public_files(reading: Reading) -> Iterator[Shown]:
    digests = {f"{PUBLIC}{name}": sha256(content) for name, content in reading.bundle.public.items()}
    if digests == reading.subjects:
        yield Shown("public-files", State.HOLDS, f"the {len(digests)} public files are those that the statement names")
    else:
        yield Shown("public-files", State.CONTRADICTED, "the public files are not those that the statement names")


def _files_beside(reading: Reading) -> Iterator[Shown]:
    """Look at what a reader opens in the place of the bundle: it must be what was signed, or follow from that."""
    public, follow, unsigned = reading.bundle.public, list[str](), list[str]()
    other = sorted(name for name in public if reading.beside(name) not in (None, public[name]))
    if other:
        text = f"{listed(other, _NAMED)} beside the bundle is not what was signed: read what the bundle holds"
        yield Shown("files-beside", State.CONTRADICTED, text)
    release, wrong = _release_in(reading), list[str]()
    for name, form in _FORMS.items():
        content = None if name in public else reading.beside(name)
        if content is None:
            continue
        rendered = None if release is None else _rendered(release, form)
        if content == rendered:
            follow.append(name)
        elif rendered is None or form in _EDITED or not reading.evidence.software.is_this:
            unsigned.append(name)
        else:
            wrong.append(name)
    unsigned += sorted(set(reading.strangers) - public.keys() - _FORMS.keys())
    if wrong:
        text = f"{listed(wrong, _NAMED)} beside the bundle: not what the signed release.json makes"
        yield Shown("files-beside", State.CONTRADICTED, text)
    if follow:
        text = f"{listed(follow, _NAMED)} beside the bundle: made again from the signed release.json"
        yield Shown("files-beside", State.HOLDS, text)
    if unsigned:
        text = f"{listed(unsigned, _NAMED)} beside the bundle: nobody signed it"
        yield Shown("files-beside", State.NOT_SHOWN, text)


def _release(reading: Reading) -> Iterator[Shown]:
    evidence = reading.evidence
    try:
        release = parse_release(reading.bundle.public.get(RELEASE, b""))
    except AuditError as error:
        made_by = evidence.software
        if made_by.is_this:
            yield Shown("release", State.CONTRADICTED, error.message)
        else:  # its bytes may be right, for that version
            text = f"{error.message}; audit7k {printable(made_by.audit7k)} made it ({made_by.install})"
            yield Shown("release", State.NOT_SHOWN, text)
        return
    system = system_of(release.about.owner, release.about.system, release.about.title)
    if (system, release.headline.outcome) != (evidence.system, evidence.headline):
        yield Shown("release", State.CONTRADICTED, "release.json is of another system or verdict than the statement")
        return
    yield Shown("release", State.HOLDS, "release.json has its one form, and the system and verdict of the statement")


def _release_in(reading: Reading) -> PublicRelease | None:
    try:
        return parse_release(reading.bundle.public.get(RELEASE, b""))
    except AuditError:
        return None  # said of it already


def _rendered(release: PublicRelease, form: str) -> bytes | Literal[False] | None:
    """Return the file of a form of a release; None where it cannot be made again here, for want of fonts or packages.

    Whoever lies writes releases that none of our reporters can read: False, which no file is equal to.
    """
    try:
        return None if form == PAPER else file_of(release, form)
    except (AuditError, ImportError):
        return None
    except Exception:  # a name that no vocabulary has, a language that there is none of
        return False


def _made_again(reading: Reading) -> Iterator[Shown]:
    """Make every public file again from the release, and compare it byte for byte, whichever version made it.

    Where it comes out otherwise, only the version that made it can tell a lie from another look.
    """
    public, made_by = reading.bundle.public, reading.evidence.software
    release = _release_in(reading)
    if release is None:
        return
    missing = {REPORTERS[name][0] for name in release.about.formats if name in REPORTERS} - public.keys()
    rendered = {name: _rendered(release, _FORMS[name]) if name in _FORMS else None for name in sorted(public)}
    other = sorted([*missing, *(name for name, content in rendered.items() if content not in (None, public[name]))])
    not_made = [name for name, content in rendered.items() if content is None]
    same = len(public) - len(not_made) - len(set(other) & public.keys())
    if same and not (other and made_by.is_this):
        number = count_of(same, "public file")
        yield Shown("made-again", State.HOLDS, f"{number} made again from release.json, byte for byte")
    if other and made_by.is_this:
        yield Shown("made-again", State.CONTRADICTED, f"{listed(other, _NAMED)}: not what release.json makes")
    elif other or made_by.audit7k != __version__:  # what another version means by the same bytes, it alone knows
        version = f"audit7k {printable(made_by.audit7k)} made the files ({made_by.install})"
        what = listed(other, _NAMED) or "all else that it made"
        yield Shown("made-again", State.NOT_SHOWN, f"whether {what} follows from release.json: {version}")
    if not_made:
        text = f"{listed(not_made, _NAMED)}: not made again here, so nothing shows that it follows from release.json"
        yield Shown("made-again", State.NOT_SHOWN, text)


def _software(reading: Reading) -> Iterator[Shown]:
    made_by = printable(reading.evidence.software.audit7k)
    yield Shown("software", State.CLAIMED, f"made by audit7k {made_by}, unchanged: only a replay by others shows that")


def _commitments(reading: Reading) -> Iterator[Shown]:
    if set(reading.evidence.commitments) != set(ROLES):
        yield Shown("commitments", State.CONTRADICTED, "the statement does not commit to what every audit commits to")


def _signatures(reading: Reading) -> Iterator[Shown]:
    envelope, trust = reading.bundle.envelopes[0], reading.trust
    if not can_verify():
        yield Shown(
            "signature",
            State.NOT_SHOWN,
            "signatures: the extra evidence is not installed; README.txt in the bundle has the lines for OpenSSL",
        )
        return
    wrong = not_verifying(envelope, reading.bundle)
    if wrong:
        yield Shown("signature", State.CONTRADICTED, f"{wrong} of the signatures is none over this statement")
        return
    counted = set()
    for signature in envelope.signatures:
        owner = trust.owner(signature.keyid, "auditor")
        shown = _signer(signature.keyid, owner, reading)
        if owner is not None and shown.state == State.HOLDS:
            counted.add(owner.name)
        yield shown
    if len(counted) < trust.threshold:
        missing = f"signed by {len(counted)} of the {trust.threshold} auditors that are needed"
        yield Shown("threshold", State.NOT_SHOWN, "signed by nobody whom you trust" if not counted else missing)


def _test_result(reading: Reading) -> Iterator[Shown]:
    """Check a test result for policy engines: signed by who signed the statement, and with the same verdict."""
    bundle = reading.bundle
    owners = {signature.keyid for signature in bundle.envelopes[0].signatures}
    for line in bundle.envelopes[1:]:
        signed = {signature.keyid for signature in line.signatures}
        is_wrong = not signed or not signed <= owners or (can_verify() and not_verifying(line, bundle) > 0)
        if line not in bundle.countersignatures and is_wrong:
            yield Shown("test-result", State.CONTRADICTED, "the test result is signed by another than the statement")
    content = bundle.public.get(TEST_RESULT)
    headline = reading.evidence.headline
    words = {TEST_RESULTS[headline], *([TEST_RESULTS["inconclusive"]] if headline == "pass" else [])}  # past its expiry
    if content is not None and _result_word(content) not in words:
        yield Shown("test-result", State.CONTRADICTED, "the test result and the statement differ about the verdict")


def _result_word(content: bytes) -> str:
    """Return the word that a policy engine reads as the verdict, or an empty text where there is none."""
    try:
        return str(strict_decoder(finite=True).decode(content.decode("utf-8"))["predicate"]["result"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def _signer(keyid: str, owner: Trusted | None, reading: Reading) -> Shown:
    if owner is None:
        return Shown("signer", State.CLAIMED, f"signed by {keyid}: a key that you do not trust yet")
    number = [key.fingerprint for key in reading.bundle.keys].index(keyid) + 1
    stamped = reading.stamps().at.get(f"signature-{number}")
    doubt = _doubt(owner, reading.evidence.sealed_at, reading.today if stamped is None else stamped.date(), reading)
    if doubt is not None:
        return Shown("signer", State.CLAIMED, f"signed by {printable(owner.name)}{doubt}")
    return Shown("signer", State.HOLDS, f"signed by {printable(owner.name)} ({owner.role}), {keyid}", owner.name)


def _doubt(owner: Trusted, at: str, by: dt.date, reading: Reading) -> str | None:
    """Return why a signature does not count that says it was made at a moment and was there by a day, or None."""
    day = dt.date.fromisoformat(at[:10])
    if day > reading.today:
        return f" on {day}, a day that is still to come"
    if owner.begins is not None and day < owner.begins:
        return f" before {owner.begins}, from which the key counts"
    if owner.until is not None and max(day, by) > owner.until:
        return f"; nothing shows that it was by {owner.until}"
    return None


def _time_stamps(reading: Reading) -> Iterator[Shown]:
    stamps = reading.stamps()
    if any(name.endswith(TOKEN) for name in reading.bundle.anchors) and not can_stamp():
        yield Shown("time-stamp", State.NOT_SHOWN, "time stamps: the extra timestamp is not installed")
    if stamps.wrong:
        yield Shown("time-stamp", State.CONTRADICTED, f"{printable(', '.join(stamps.wrong))}: no time stamp over this")
    if stamps.of_others:
        names = printable(", ".join(stamps.of_others))
        yield Shown("time-stamp", State.CLAIMED, f"{names}: by a time authority that you have not listed")
    if stamps.unchecked:
        names = printable(", ".join(stamps.unchecked))
        text = f"{names}: list the root of its time authority, or get the stamp with all certificates up to it"
        yield Shown("time-stamp", State.NOT_SHOWN, text)
    for name, time in stamps.at.items():
        what = f"the head of {name} entries" if name.isdecimal() else f"{name}.sig"
        yield Shown(
            "time-stamp", State.HOLDS, f"a time authority that you trust saw {what} on {time:%Y-%m-%d %H:%M} UTC"
        )


def _countersignatures(reading: Reading) -> Iterator[Shown]:
    keys = {signature.keyid for signature in reading.bundle.envelopes[0].signatures}
    auditors = parties_of(reading, keys)
    for envelope in reading.bundle.countersignatures:
        try:
            subjects, countersigned = read_statement(envelope.payload, Countersignature, "a countersignature")
        except AuditError as error:
            yield Shown("countersignature", State.CONTRADICTED, error.message)
            continue
        about_this = subjects == {STATEMENT: sha256(reading.bundle.statement)}
        if not about_this or (can_verify() and (not envelope.signatures or not_verifying(envelope, reading.bundle))):
            yield Shown("countersignature", State.CONTRADICTED, "a countersignature is not over this statement")
            continue
        levels = ", ".join(countersigned.levels)
        for signature in envelope.signatures:
            owner = reading.trust.owner(signature.keyid, "regulator", "auditor")
            signer = f"{signature.keyid}: a key that you do not trust yet" if owner is None else printable(owner.name)
            is_auditor = signature.keyid in keys or (owner is not None and owner.party in auditors)
            doubt = None if owner is None else _doubt(owner, countersigned.signed_at, reading.today, reading)
            counts = owner is not None and doubt is None and can_verify() and not is_auditor
            state = State.HOLDS if counts else State.CLAIMED
            signer = f"{signer}, who signed the audit" if is_auditor else f"{signer}{doubt or ''}"
            name = "" if owner is None else owner.name
            text = f"made again and found equal ({levels}), says {signer}"
            yield Shown("countersignature", state, text, name, countersigned.levels)


def _restricted(reading: Reading) -> Iterator[Shown]:
    """Check the openings of a restricted bundle, and that its files are what was committed to."""
    bundle = reading.bundle
    if bundle.openings is None:
        yield Shown(
            "restricted",
            State.CLAIMED,
            "release.json follows from the exact figures: these are committed to, and not here to be checked",
        )
        return
    opened = {role: opening.sha256 for role, opening in bundle.openings.items()}
    there = {role_of(name): sha256(content) for name, content in bundle.restricted.items()}
    always = {RESULT, *([LOG] if opened.get(role_of(LOG)) else [])}
    are_those = (
        len(there) == len(bundle.restricted) and always <= bundle.restricted.keys() and there.items() <= opened.items()
    )
    if commitments_of(bundle.openings) != reading.evidence.commitments or not are_those:
        yield Shown("restricted", State.CONTRADICTED, "the restricted files are not what the statement commits to")
        return
    if LOG in bundle.restricted and _published_as(bundle.restricted[LOG]) != reading.subjects:
        yield Shown("restricted", State.CONTRADICTED, "the log of releases has other public files than the statement")
        return
    other = _said_otherwise(bundle.restricted[RESULT], opened, reading.evidence.headline)
    if not other:
        yield Shown("restricted", State.HOLDS, "the restricted files are what the statement commits to")
    elif reading.evidence.software.is_this:
        yield Shown("restricted", State.CONTRADICTED, f"the result and the statement differ about {', '.join(other)}")
    else:  # each version has its own form of a question
        text = f"the result and the statement differ about {', '.join(other)}, for the version that reads them here"
        yield Shown("restricted", State.NOT_SHOWN, text)


def _published_as(log: bytes) -> dict[str, str] | None:
    """Return the digests of the public files of a release, as its entry in the log has them; None where it is none."""
    try:
        digests: dict[str, str] = strict_decoder(finite=True).decode(log.partition(b"\n")[2].decode())["sha256"]
        return {f"{PUBLIC}{name}": digest for name, digest in digests.items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _said_otherwise(document: bytes, opened: Mapping[str, str | None], headline: str) -> list[str]:
    """Return what a result says otherwise than the commitments, such as a question that was registered and not asked.

    Its files alone would not show it: a question is none of them.
    """
    from audit.evidence.seal import digests_in  # much to load, for a restricted bundle alone
    from audit.result.file import parse_result

    try:
        result = parse_result(document.decode("utf-8", "replace"), RESULT)
    except AuditError:
        return [RESULT]
    other = [role for role, digest in digests_in(result).items() if opened.get(role) != digest]
    return [*other, *["the verdict"] * (result.overall.outcome != headline)]


def not_verifying(envelope: Envelope, bundle: Bundle) -> int:
    """Return how many signatures of an envelope do not verify with the key in the bundle that they name."""
    keys = {key.fingerprint: key for key in bundle.keys}
    return sum(
        signature.keyid not in keys or not verifies(keys[signature.keyid], signature.signature, envelope.message)
        for signature in envelope.signatures
    )
