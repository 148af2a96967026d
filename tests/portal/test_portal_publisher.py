"""Who publishes a portal: read from a small file, printed as text, and a logo that can run and load nothing."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import pytest
from made.pages import find_all, parsed, structure, text
from made.portal import LOGO, made_release, made_site, put, rendered

from audit.cli.outputs.portal_logo import MAX_BYTES, read_logo
from audit.cli.outputs.portals import read_publisher
from audit.errors import AuditError, DataError
from audit.public.site import PublicPublisher


def picture(*more: tuple[bytes, bytes], side: int = 2) -> bytes:
    """A PNG of one colour, with more parts before its end."""
    rows = b"".join(b"\0" + b"\x12\x43\x6d" * side for _ in range(side))
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        *more,
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


def written(folder: Path, content: bytes | str, name: str = "crest.svg") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_file_names_publisher_logo_contact_and_text(tmp_path: Path) -> None:
    written(tmp_path, LOGO)
    file = written(
        tmp_path,
        'name = "Ministry"\nlogo = "crest.svg"\ncontact = "a@b.example"\n'
        '[text]\nen = "One\\nline.\\n\\nTwo."\nfr = "Un."\n',
        "us.toml",
    )
    publisher, files = read_publisher(file)
    assert publisher == PublicPublisher(
        name="Ministry",
        contact="a@b.example",
        logo="logo.svg",
        texts={"en": ("One line.", "Two."), "fr": ("Un.",)},
    )
    assert list(files) == ["logo.svg"]
    alone, nothing = read_publisher(written(tmp_path, 'name = "Ministry"\ntext = "Said."\n', "alone.toml"))
    assert alone.texts == {"": ("Said.",)}
    assert nothing == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name = ", "is no TOML"),
        (b"name = '\xff'", "is no TOML"),
        ("contact = 'x'", "at name: Field required"),
        ("name = 'x'\nscript = 'y'", "at script: Extra inputs"),
        ("name = ''", "at name: String should have at least 1"),
        ("name = 'x'\nlogo = 'none.svg'", "none.svg cannot be read"),
        ("name = 'x' # " + "x" * 70_000, "larger than 64 KiB"),
    ],
)
def test_a_file_that_says_something_else_is_refused_in_one_line(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    with pytest.raises(AuditError, match=re.escape(said)) as caught:
        read_publisher(written(tmp_path, content, "us.toml"))
    assert "\n" not in str(caught.value)


def test_every_page_names_the_publisher_and_the_list_says_its_text(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        if name.endswith(".html"):
            stated = text(parsed(content.decode()))
            assert "Ministry of Labour" in stated
            assert "audits@labour.example" in stated
            depth = name.count("/")
            (logo,) = find_all(parsed(content.decode()), "img")
            assert logo.attrib == {"src": f"{'../' * depth}logo.svg", "alt": ""}
    assert "We publish every audit. Write to us." in text(parsed(files["index.html"].decode()))
    assert "Nous publions tous les audits." in text(parsed(files["fr/index.html"].decode()))
    assert "We publish every audit." in text(parsed(files["zh/index.html"].decode()))
    assert '<div class="own" lang="en">' in files["zh/index.html"].decode()


HOSTILE = "</title><script>x</script>\u202eevil <a href='https://evil.example'>here</a> {{ 7*7 }} %(x)s"


def test_what_a_publisher_writes_is_text(tmp_path: Path) -> None:
    put(tmp_path, made_release(title="S 1"), None)
    made = {}
    for kind, words in (("plain", "Words"), ("hostile", HOSTILE)):
        said = PublicPublisher(name=words, contact=words, texts={"": (words,)})
        made[kind] = rendered(made_site(tmp_path, publisher=said))
    for name in [name for name in made["plain"] if name.endswith(".html")]:
        plain, hostile = (made[kind][name].decode() for kind in ("plain", "hostile"))
        assert structure(parsed(hostile)) == structure(parsed(plain))
        assert "\u202e" not in hostile


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("audits@labour.example", "mailto:audits@labour.example"),
        ("https://labour.example/audits", "https://labour.example/audits"),
        ("javascript:alert(1)", None),
        ("mailto:x@y.example?bcc=z@y.example", None),
        ("https://labour.example/<b>", None),
        ("Room 4, Main Street", None),
    ],
)
def test_a_contact_is_a_link_only_where_it_is_an_address(tmp_path: Path, contact: str, link: str | None) -> None:
    put(tmp_path, made_release(title="S 1"), None)
    made = rendered(made_site(tmp_path, publisher=PublicPublisher(name="P", contact=contact)))
    (footer,) = find_all(parsed(made["index.html"].decode()), "footer")
    assert [each.get("href") for each in find_all(footer, "a")] == ([link] if link else [])
    assert contact in text(footer)


def test_a_png_keeps_its_picture_alone(tmp_path: Path) -> None:
    said = ((b"tEXt", b"Author\0somebody"), (b"eXIf", b"place"))
    name, kept = read_logo(written(tmp_path, picture(*said) + b"<script>", "crest.png"))
    assert (name, kept) == ("logo.png", picture())


def test_an_svg_keeps_its_shapes_and_loses_what_programs_wrote(tmp_path: Path) -> None:
    drawn = (
        '<?xml version="1.0"?><!-- made by a program --><svg xmlns="http://www.w3.org/2000/svg" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:ink="http://ink.example" ink:at="/home/me" width="8">'
        "<ink:view/><metadata>me</metadata><style>.a{fill:#123}</style><defs><g id='g'><path d='M0 0h8'/></g>"
        "<linearGradient id='l'/></defs><use xlink:href='#g' class='a'/><rect fill='url(#l)'/></svg>"
    )
    name, kept = read_logo(written(tmp_path, drawn))
    assert name == "logo.svg"
    root = parsed(f"<!DOCTYPE html><title>t</title>{kept.decode()}")
    assert [each for each in structure(root) if each[0] in ("use", "rect", "style", "path")] != []
    assert not re.search(rb"ink|metadata|/home|program|\bme\b", kept.replace(b"xlink", b""))
    assert read_logo(written(tmp_path, kept, "again.svg")) == (name, kept)


SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {0}>{1}</svg>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SVG.format("", "<script>x</script>"), "holds <script>"),
        (SVG.format("onload='x()'", ""), "holds a script"),
        (SVG.format("", "<g ONCLICK='x'/>"), "holds a script"),
        (SVG.format("", "<foreignObject/>"), "holds <foreignObject>"),
        (SVG.format("", "<image href='data:image/png;base64,x'/>"), "holds <image>"),
        (SVG.format("", "<a href='#x'/>"), "holds <a>"),
        (SVG.format("", "<set attributeName='href' to='javascript:x'/>"), "holds <set>"),
        (SVG.format("", "<use href='https://evil.example/a.svg#a'/>"), "outside of itself"),
        (SVG.format("", "<use xlink:href='data:x#a'/>"), "outside of itself"),
        (SVG.format("", "<g style='fill:url(https://evil.example)'/>"), "may load something"),
        (SVG.format("", "<g fill='url( \"//evil.example\" )'/>"), "may load something"),
        (SVG.format("", "<style>@import '//evil.example';</style>"), "may load something"),
        (SVG.format("", "<style>a{background:u\\72l(//e)}</style>"), "may load something"),
        (SVG.format("", "<style>a{background:image-set('//e' 1x)}</style>"), "may load something"),
        ('<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format("", "&a;"), "a declaration"),
        ("<html xmlns='http://www.w3.org/1999/xhtml'/>", "neither PNG nor SVG"),
        ("<svg/>", "neither PNG nor SVG"),
        ("GIF89a", "neither PNG nor SVG"),
        (SVG.format("", "<g/>" * 70_000), "larger than 256 KiB"),
        (picture()[:-9], "no whole PNG"),
        (picture().replace(b"IDAT", b"IDAX"), "damaged"),
        (picture((b"CgBI", b"x")), "no PNG that every browser shows"),
        (picture(side=4097)[:200] + b"", "larger than 4096 pixels"),
    ],
)
def test_a_logo_that_could_run_or_load_something_is_refused(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=re.escape(said)) as caught:
        read_logo(written(tmp_path, content))
    assert "\n" not in str(caught.value)
    assert caught.value.slug == "portal-logo"


def test_a_link_of_a_logo_is_read_as_far_as_a_logo_goes(tmp_path: Path) -> None:
    path = written(tmp_path, b"\x89PNG\r\n\x1a\n" + b"x" * (MAX_BYTES * 4))
    with pytest.raises(DataError, match="larger than 256 KiB"):
        read_logo(path)
