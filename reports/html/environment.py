"""Templates in one language, with escaping that no file name can switch off and strings that cannot do harm.

Spaces of a page: where a line may not break, and where a script has none.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Final

import jinja2
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from audit.vocabulary.text import __file__ as words
from audit.vocabulary.text import harmless, without_unseen
from reports.html import palette
from reports.language import Language
from reports.plain_text import capital
from reports.sentences import SentenceWriter

_TEMPLATES = Path(__file__).with_name("templates")
_NUMBER = r"(?:&[lg]t;)?[≤≥]?[−+±]?\d(?:[\d.,\u00a0\u202f]*\d)?%?"
_FORMULA = r"(?<![A-Za-z0-9_])[A-Za-z](?:[(/·²]| [=±] )[A-Za-z0-9()−·/²√.=±+′ ]*[A-Za-z0-9)²′]"
_NUMBERS: Final = re.compile(
    r"(?P<kept><(?P<whole>svg|code)\b.*?</(?P=whole)>|<[^>]*>|&(?![lg]t;\d)#?\w+;|\[U\+[0-9A-F]+\])"
    r"|\d{4}-\d\d-\d\d(?:T[\d:.]*\dZ?)?"
    rf"|{_FORMULA}|{_NUMBER}(?:\s?[–…/±^]\s?(?:{_NUMBER}|∞))+|[≤≥−+±]{_NUMBER}|(?:&[lg]t;)?\d[\d.,]*%"
    r"|\[[a-z_]+\] [a-z_]+",
    re.DOTALL,
)


class _Compiled(BytecodeCache):
    """A cache of compiled templates, kept beside the code of Python where that is kept: compiling takes longer than a
    page. They are compiled for the first language, and their code is the same in all languages.

    This holds as long as no template filters a constant: the compiler would compute it in the first language.
    """

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def get_source_checksum(self, source: str) -> str:
        """Return a digest of all that the code of a template depends on."""
        return super().get_source_checksum(source + _compiled_with())

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take the code of a template, if it is there."""
        with suppress(Exception):  # a damaged file is one that is not there
            bucket.bytecode_from_string(self._kept.get(bucket.key) or _place(bucket).read_bytes())

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template."""
        self._kept[bucket.key] = bucket.bytecode_to_string()
        if not sys.dont_write_bytecode:
            path = _place(bucket)
            unfinished = path.with_suffix(f".{os.getpid()}")
            with suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                unfinished.write_bytes(self._kept[bucket.key])
                unfinished.replace(path)


def _place(bucket: Bucket) -> Path:
    return Path(cache_from_source(str(_TEMPLATES / f"{bucket.key}.py")))


@cache
def _compiled_with() -> str:
    """Version of Jinja, and what of ours it calls as it compiles."""
    return "".join(
        [jinja2.__version__, *(Path(source_file).read_text(encoding="utf-8") for source_file in (__file__, words))]
    )


_HEAD: Final = re.compile(r"<h2 .*?</h2>")
_COMPILED = _Compiled()


class Finished(Markup):
    """A part of a page that templates of this project have made. It is put in as it is."""


@cache
def environment(language: Language, folder: Path | None = None) -> Environment:
    """Return the templates of the report in a language. Templates of `folder` come before the shared ones."""
    templates = Environment(
        loader=FileSystemLoader([_TEMPLATES] if folder is None else [folder, _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finish,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
        bytecode_cache=_COMPILED,
    )
    templates.policies["ext.i18n.trimmed"] = True
    templates.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]
    templates.globals["colour"] = palette.NAMES
    templates.filters["count"] = language.numbers.count
    templates.filters["percent"] = language.numbers.percent
    templates.filters["in_hundred"] = language.numbers.points
    templates.filters["probability"] = language.numbers.probability
    templates.filters["css_string"] = css_string
    templates.filters["capital"] = capital
    templates.filters["folded"] = folded
    writer = SentenceWriter(language)
    templates.filters["written"] = writer.written
    templates.filters["known"] = writer.known
    templates.filters["decision"] = writer.decision
    return templates


def css_string(text: str) -> Markup:
    """Return `text` as a CSS string: everything but letters, digits and spaces as hexadecimal escapes, so that nothing
    in it ends the string.
    """
    escaped = "".join(letter if letter.isalnum() or letter == " " else f"\\{ord(letter):x} " for letter in text)
    return Markup(f'"{escaped}"')  # noqa: S704 - nothing in it but letters, digits, spaces and escapes


def folded(sections: str) -> Markup:
    """Return sections whose heads open them: a page shows the heads, and paper shows all."""
    details = _HEAD.sub(r"<details class=depth><summary>\g<0></summary>", str(sections))
    return Markup(details.replace("</section>", "</details>\n</section>"))  # noqa: S704 - made by templates


def isolated(text: str) -> str:
    """Return `text` with moments, ranges, signed numbers, percentages, formulas and keys kept in their order (U+2066,
    U+2069).

    In a line from right to left "42–52%" would otherwise be shown as "52–42%". `text` is markup: tags, drawings and
    code stay as they are.
    """
    return _NUMBERS.sub(lambda match: match[0] if match["kept"] else f"\u2066{match[0]}\u2069", text)


def _finish(value: object) -> object:
    if isinstance(value, Finished):
        return value
    if isinstance(value, Markup):
        return Markup(without_unseen(value))  # noqa: S704 - escaped already; a sentence may hold someone's text
    return harmless(value) if isinstance(value, str) else value


_KEPT: Final = r"<(style|svg|code|title|bdi)\b.*?</\1>"
"""Parts that stay as they are, as data or no sentence: names that somebody gave, commands, drawings and styles."""
_TAG: Final = r"<[^>]*>"
_OFTEN: Final = (
    r"(?<![\d.,\u00a0\u202f])\d{1,3} (?:in|sur|de cada|из|من كل) (?=100?(?!\d)|1[.,\u00a0\u202f ]?000(?!\d))"
)
"""A frequency. It does not match a count of counts in a table cell, which would make the cell as wide as both."""
_AFTER_STOP: Final = (
    r"[。；：，！？](?:</(?:b|small)>)* (?=(?:<(?:b|bdi|small)(?: [^>]*)?>)*[\u3000-\u303f\u4e00-\u9fff“])"
)
"""The space between two sentences that a template joins. Chinese writes none, since its stops hold one."""
_FREQUENCIES: Final = re.compile(f"{_KEPT}|{_TAG}|(?P<often>{_OFTEN})", re.DOTALL)
_STOPS: Final = re.compile(f"{_KEPT}|(?P<stop>{_AFTER_STOP})|{_TAG}", re.DOTALL)


def spaced(text: str, language: Language) -> str:
    """Return `text`, which is markup, with a natural frequency such as "2 in 10" on one line, and Chinese without
    spaces.
    """
    text = _FREQUENCIES.sub(lambda match: match[0].replace(" ", "\u00a0") if match["often"] else match[0], text)
    if language.short != "zh":
        return text
    return _STOPS.sub(lambda match: match[0][:-1] if match["stop"] else match[0], text)
