"""Bundles that somebody changed: not one byte of what audit7k wrote can be another, and none takes long to refuse."""

from __future__ import annotations

import datetime as dt
import json
import random
import stat
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from made.releases import made_result
from made.sealed import SUMS, flipped, members_of, published_into, signer_in, trusting, zipped

from audit.errors import EvidenceError
from audit.evidence.bundle import MOST_MEMBERS, Bundle, read_bundle
from audit.evidence.keys import Signer
from audit.evidence.seal import Bundles
from audit.evidence.shown import State
from audit.evidence.trust import Trust
from audit.evidence.verification import verify

TODAY = dt.date(2026, 11, 29)
LINES = "evidence.intoto.jsonl"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small audit, so that thousands of changes take a second."""
    return published_into(tmp_path_factory.mktemp("sealed") / "audit-out", made_result("none"))


@pytest.fixture(scope="module")
def trust(signer: Signer) -> Trust:
    return trusting(signer)


@pytest.fixture(scope="module")
def members(bundles: Bundles) -> dict[str, bytes]:
    return members_of(bundles.public.content)


def code_of(content: bytes, trust: Trust) -> int:
    return int(verify(content, "evidence.a7k", trust, TODAY).exit_code)


def refused(content: bytes) -> bool:
    try:
        read_bundle(content, "evidence.a7k")
    except EvidenceError:
        return True
    return False


def test_these_tests_pack_as_audit7k_does(bundles: Bundles, trust: Trust) -> None:
    """So that every change below is the only one."""
    for bundle in bundles:
        assert zipped(members_of(bundle.content)) == bundle.content
        assert code_of(bundle.content, trust) == 0


def accepted_bits(content: bytes, anywhere: int, in_directory: int) -> list[int]:
    """Which bits can be turned over, of this many that are drawn of a bundle and of its directory."""
    directory, drawn = content.index(b"PK\1\2") * 8, random.Random(7)
    bits = [drawn.randrange(8 * len(content)) for _ in range(anywhere)]
    bits += [drawn.randrange(directory, 8 * len(content)) for _ in range(in_directory)]
    return [bit for bit in bits if not refused(flipped(content, bit))]


def test_no_bit_of_a_bundle_can_be_another(bundles: Bundles) -> None:
    assert accepted_bits(bundles.public.content, 2_000, 1_000) == []


def test_no_one_of_20_000_bits_of_a_bundle_can_be_another(bundles: Bundles) -> None:
    assert accepted_bits(bundles.public.content, 20_000, 2_000) == []


def test_no_bit_of_a_member_can_be_another_where_sums_and_zip_were_made_again(
    members: dict[str, bytes], trust: Trust
) -> None:
    drawn = random.Random(7)
    for name in sorted(set(members) - {SUMS}):
        for _ in range(40):
            changed = flipped(members[name], drawn.randrange(8 * len(members[name])))
            assert code_of(zipped({**members, name: changed}), trust) != 0, name


@pytest.mark.parametrize("length", [1, 21, 22, 64])
def test_bytes_before_after_and_missing_are_seen(bundles: Bundles, length: int) -> None:
    content = bundles.public.content
    for changed in (
        b"x" * length + content,
        content + b"\0" * length,
        content[:-length],
        content[length:],
        b"x" * length,
    ):
        assert refused(changed)
    assert refused(b"")


NAMES = (
    "../evil.txt", "/etc/evil", "public/../evil.txt", "public//evil.txt", "C:\\evil.txt", "public\\evil.txt",
    "public/", "public/a/b.txt", "public/.hidden", "public/a\0b", "public/a\nb", "public/a:b", "public/con?",
    "public/RELEASE.json", "public/\u0072elease.json ", "public/\u00e9.txt", "anchors/../evil", "evil.exe", ".", "",
    "restricted/key", "restricted/result.json", "openings.json", "key-2.pem", "key-x.pem", "signature-2.sig",
    "readme.txt", "history.checkpoint", "anchors/report.html", "anchors/1.checkpoint", "anchors/key.pem", "history.a7h",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_member_that_nothing_names_is_refused(members: dict[str, bytes], trust: Trust, name: str) -> None:
    assert code_of(zipped({**members, name: b"evil"}), trust) == 5


@pytest.mark.parametrize("name", ["README.txt", SUMS, LINES, "key-1.pem", "signature-1.sig", "statement.json",
                                  "public/release.json", "public/groups.csv"])  # fmt: skip
@pytest.mark.parametrize(
    "content", [None, b"", b"\xff\xfe", b"[" * 100_000, b"1" * 100_000, b"\0" * 100_000, b"null\n"]
)
def test_a_member_that_is_missing_or_something_else_is_refused(
    members: dict[str, bytes], trust: Trust, name: str, content: bytes | None
) -> None:
    other = {each: was for each, was in members.items() if each != name}
    made = other if content is None else {**other, name: content}
    assert code_of(zipped(made, sums=name != SUMS), trust) == 5


def _linked(entry: zipfile.ZipInfo) -> None:
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16


FORMS: dict[str, Callable[[zipfile.ZipInfo], object]] = {
    "deflated": lambda entry: setattr(entry, "compress_type", zipfile.ZIP_DEFLATED),
    "bzip2": lambda entry: setattr(entry, "compress_type", zipfile.ZIP_BZIP2),
    "lzma": lambda entry: setattr(entry, "compress_type", zipfile.ZIP_LZMA),
    "link": _linked,
    "executable": lambda entry: setattr(entry, "external_attr", (stat.S_IFREG | 0o755) << 16),
    "of DOS": lambda entry: setattr(entry, "create_system", 0),
    "extra field": lambda entry: setattr(entry, "extra", b"ab\2\0xx"),
    "comment": lambda entry: setattr(entry, "comment", b"read me"),
    "another day": lambda entry: setattr(entry, "date_time", (2026, 11, 29, 0, 0, 0)),
    "internal attributes": lambda entry: setattr(entry, "internal_attr", 1),
}


@pytest.mark.parametrize("form", FORMS)
def test_another_way_to_pack_the_same_members_is_refused(members: dict[str, bytes], form: str) -> None:
    assert refused(zipped(members, FORMS[form]))


def test_a_name_twice_descriptors_zip64_and_another_order_are_refused(
    members: dict[str, bytes], tmp_path: Path
) -> None:
    twice = tmp_path / "twice"
    twice.write_bytes(zipped(members))
    with zipfile.ZipFile(twice, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(zipfile.ZipInfo("public/release.json", (1980, 1, 1, 0, 0, 0)), b"{}")
    assert refused(twice.read_bytes())
    for name, wide, order in (("zip64", True, False), ("order", False, True), ("plain", False, False)):
        made = tmp_path / name
        with zipfile.ZipFile(made, "w") as archive:
            for member in sorted(members, reverse=order):
                with archive.open(zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0)), "w", force_zip64=wide) as file:
                    file.write(members[member])
        assert refused(made.read_bytes())


def cost_of(content: bytes) -> tuple[float, int]:
    """Processor seconds and bytes of memory that it takes to refuse a bundle."""
    tracemalloc.start()
    began = time.process_time()
    try:
        assert refused(content)
        return time.process_time() - began, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_is_made_to_be_costly_is_refused_at_no_cost(members: dict[str, bytes], bundles: Bundles) -> None:
    whole = bundles.public.content
    end = whole.rindex(b"PK\5\6")
    directory = b"PK\1\2" + bytes(42)
    envelope = b'{"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[]}\n'
    costly = {
        "bomb": zipped({**members, "public/bomb.txt": bytes(30_000_000)}, FORMS["deflated"]),
        "directory": whole[:end] + directory * 100_000 + b"PK\5\6" + bytes(18),
        "members": zipped({f"public/{number:06}": b"" for number in range(20 * MOST_MEMBERS)}),
        "overlapping": b"".join(b"PK\3\4" + bytes(26) for _ in range(100_000)),
        "size": b"PK\3\4" + bytes(14) + b"\xff" * 12 + whole,
        "envelopes": zipped({**members, LINES: envelope * 100_000}),
        "nesting": zipped({**members, "openings.json": b'{"a":' * 2_000_000}),
        "number": zipped({**members, "openings.json": b"9" * 10_000_000}),
    }
    for name, content in costly.items():
        seconds, most = cost_of(content)
        assert seconds < 2.0, name
        assert most < 5 * len(content) + 2**24, name


def test_a_key_that_signed_nothing_has_no_place_in_a_bundle(bundles: Bundles, tmp_path: Path, trust: Trust) -> None:
    other = signer_in(tmp_path).public
    assert refused(replace(bundles.public, keys=(*bundles.public.keys, other)).content)
    assert refused(replace(bundles.public, keys=(other, *bundles.public.keys)).content)
    twice = replace(bundles.public, keys=bundles.public.keys * 2)
    assert refused(twice.content)


def test_a_public_bundle_holds_nothing_restricted(bundles: Bundles) -> None:
    """Without openings nobody looks at what lies there."""
    assert refused(replace(bundles.public, restricted=bundles.restricted.restricted).content)


def changed_restricted(bundle: Bundle) -> dict[str, Bundle]:
    openings = dict(bundle.openings or {})
    result, plan, cases = bundle.restricted["result.json"], openings["plan"], openings["cases"]
    files = {
        "changed": {"result.json": result + b"\n"},
        "missing": {},
        "more": {"result.json": result, "evil.exe": b"evil"},
        "rows": {"result.json": result, "evaluation-set.csv": b"case\n"},
        "twice": {"result.json": result, "result.csv": result},
    }
    opened = {
        "another salt": {**openings, "plan": plan.model_copy(update={"salt": "0" * 64})},
        "another digest": {**openings, "cases": cases.model_copy(update={"sha256": "0" * 64})},
        "one role less": {role: each for role, each in openings.items() if role != "cases"},
        "one role more": {**openings, "diary": plan},
        "swapped": {**openings, "plan": cases, "cases": plan},
    }
    return {name: replace(bundle, restricted=held) for name, held in files.items()} | {
        name: replace(bundle, openings=held) for name, held in opened.items()
    }


def test_a_restricted_bundle_is_held_to_what_was_committed_to(bundles: Bundles, trust: Trust) -> None:
    for name, changed in changed_restricted(bundles.restricted).items():
        shown = {each.code: each.state for each in verify(changed.content, "it", trust, TODAY).shown}
        assert shown["restricted"] == State.CONTRADICTED, name


def test_openings_have_one_form(bundles: Bundles, trust: Trust) -> None:
    members = members_of(bundles.restricted.content)
    text = members["openings.json"].decode()
    document = json.loads(text)
    salt = document["plan"]["salt"]
    others = {
        "spaces": json.dumps(document, sort_keys=True) + "\n",
        "no end of line": text[:-1],
        "another order": json.dumps(dict(reversed(document.items())), separators=(",", ":")) + "\n",
        "a key twice": text.replace('{"cases"', '{"cases":{"salt":"","sha256":null},"cases"', 1),
        "capitals": text.replace(salt, salt.upper()),
        "a shorter salt": text.replace(salt, salt[:-2]),
        "a longer salt": text.replace(salt, salt + "00"),
        "a number": text.replace(f'"{salt}"', "7"),
        "one thing more": text.replace(f'"salt":"{salt}"', f'"note":"x","salt":"{salt}"'),
        "one thing less": text.replace(f'"salt":"{salt}",', ""),
        "a list": f"[{text}]",
        "null": "null\n",
        "NaN": "NaN\n",
    }
    for name, other in others.items():
        assert other != text, name
        assert code_of(zipped({**members, "openings.json": other.encode()}), trust) == 5, name
