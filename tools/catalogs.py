"""Update and check the catalogs of the report, `reports/locale/*.po`, so that they follow its texts.

    python -m tools.catalogs update            take new messages in, and out those that are gone
    python -m tools.catalogs check             exit 1 where a catalog is behind, incomplete or breaks a rule
    python -m tools.catalogs missing fr        print what is not translated, as a catalog to fill in
    python -m tools.catalogs fill fr FILE      take translations from such a file

Messages come from the Python code and the templates of `reports`, and from texts of `audit` that a report shows: names
of groups, terms, rates, conventions of other libraries, the tables of safeguards, what public figures are called, and
the sentences of `audit.vocabulary.sentences`. No translation is guessed from a similar message: a changed text is a new
one, and its old translation is gone with it (git has it). Files are named without line numbers, so that a catalog
changes where a text does and nowhere else.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract, extract_from_dir
from babel.messages.pofile import read_po, write_po

from audit.analyses.crosscheck.agreement import CONVENTIONS
from audit.public.sentences import SENTENCES as PUBLIC_SENTENCES
from audit.safeguards.catalogue import catalogue
from audit.vocabulary.metrics import METRICS
from audit.vocabulary.sentences import SENTENCES, SLOT_WORDS, WORDS
from audit.vocabulary.terms import TERMS
from audit.vocabulary.text import LANGUAGES
from reports.html.looks.parts import TEXTS as LOOKS
from reports.language import WORDS as WORDS_OF_REPORTS
from reports.languages import LOCALE, REVIEWED_BY, read_catalog, reviewer

REPORTS: Final = LOCALE.parent
ROOT: Final = REPORTS.parent
NAMES: Final = ("audit/vocabulary/names.py", "audit/public/names.py")
"""Modules of `audit` that name groups."""
METHODS: Final = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("**/templates/**.css", "jinja2")]
_AS_RENDERED: Final = {"trimmed": "true", "newstyle_gettext": "true"}  # else "100%" is looked for as "100%%"
OPTIONS: Final = {"**/templates/**.html": _AS_RENDERED, "**/templates/**.css": _AS_RENDERED}
TRANSLATED: Final = tuple(code for code in LANGUAGES if code != "en")

CLAIMS: Final = {
    "fr": r"\béquitab|\bimpartia|sans biais|non biaisé|\bconforme",
    "es": r"\bequitativ|\bimparcial|sin sesgo|insesgad|\bconforme\b|\bjust[oa]s?\b",
    "ar": r"\b(?:ال)?عادل|\b(?:ال)?منصف|غير متحيز|بلا تحيز|ممتثل|الامتثال",
    "ru": r"справедлив|беспристраст|непредвзят|несмещ[её]нн|соответствует требованиям",
    "zh": r"公平|公正|无偏|没有偏见|合规",
}
"""Words that no report says of a system, in each language: fair, unbiased, compliant."""
_PLACE: Final = re.compile(r"%\(\w+\)[a-z]|%%|\{\w+\}")


def extracted() -> Catalog:
    """Return every message of a report, with the files that it comes from."""
    catalog = Catalog(charset="utf-8")
    messages = extract_from_dir(REPORTS, METHODS, OPTIONS, strip_comment_tags=True)
    for name, _, message, comments, context in messages:
        catalog.add(message, None, [(f"reports/{name}", None)], auto_comments=comments, context=context)  # type: ignore[list-item]
    for source in NAMES:
        with (ROOT / source).open("rb") as file:
            for _, text, comments, context in extract("python", file):
                catalog.add(text, None, [(source, None)], auto_comments=comments, context=context)  # type: ignore[list-item]
    for source, text in _texts_of_audit():
        if text not in catalog:
            catalog.add(text, None, [(source, None)])  # type: ignore[list-item]
    return catalog


def _texts_of_audit() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    for term in TERMS.values():
        yield from (("audit/vocabulary/terms", text) for text in (term.name, term.means, term.not_said))
    for metric in METRICS.values():
        words = metric.report._replace(title="")  # figures are in English alone
        texts_of_rate = (metric.plain, metric.among, metric.definition, *words)
        yield from (("audit/vocabulary/data/rates.toml", text) for text in texts_of_rate if text)
    yield from (("audit/vocabulary/sentences.py", word) for word in SLOT_WORDS.values())
    yield from (("audit/analyses/crosscheck/agreement.py", convention.words) for convention in CONVENTIONS.values())
    yield from (("audit/public/sentences.py", text) for text in PUBLIC_SENTENCES.values())
    yield from (("audit/vocabulary/sentences.py", text) for text in (*SENTENCES.values(), *WORDS))
    tables = catalogue()
    yield from (("audit/safeguards/data/clauses.toml", clause.question) for clause in tables.clauses)
    for kind in tables.evidence.values():
        yield from (
            ("audit/safeguards/data/evidence.toml", text)
            for text in (kind.name, *kind.public.values(), *kind.headline.values())
        )
    for source, tables_of_words in (("html/looks/looks.toml", LOOKS), ("data/words.toml", WORDS_OF_REPORTS)):
        for table in tables_of_words.values():
            texts = [text for key, text in table.items() if key != "terms"]
            yield from ((f"reports/{source}", tuple(text) if isinstance(text, list) else text) for text in texts)
    for instrument in tables.instruments:
        yield from (("audit/safeguards/data/instruments", provision.about) for provision in instrument.provisions)


def updated(code: str, template: Catalog) -> Catalog:
    """Return the catalog of a language with exactly the messages of `template`, in an order that never changes by
    itself.
    """
    path = LOCALE / f"{code}.po"
    known = read_catalog(path) if path.exists() else Catalog(locale=code)
    catalog = Catalog(locale=code, project="audit7k reports", charset="utf-8", fuzzy=False)
    catalog.header_comment = (
        "# The words of audit7k reports. Written by `python -m tools.catalogs`, translated by hand.\n"
        f"# {REVIEWED_BY}: who reads this as a native speaker, and stands for it, puts a name there."
    )
    catalog.last_translator = reviewer(path) if path.exists() else ""
    for message in sorted((message for message in template if message.id), key=_order):
        before = known.get(message.id, message.context)
        locations = sorted({(name, None) for name, _ in message.locations})
        string = before.string if before else None
        catalog.add(message.id, string, locations, message.flags, context=message.context)  # type: ignore[arg-type]
    return catalog


def _order(message: Message) -> tuple[str, str, str]:
    return min(name for name, _ in message.locations), first_text(message), message.context or ""


def first_text(message: Message) -> str:
    """Return the text of a message; of a counted noun that for one."""
    return message.id if isinstance(message.id, str) else message.id[0]


def text_of(catalog: Catalog) -> str:
    """Write a catalog as the text of its file. No header holds a date: the same messages give the same bytes."""
    written = io.BytesIO()
    body = [message for message in catalog if message.id]
    bare = Catalog(locale=catalog.locale, charset="utf-8", fuzzy=False)
    for message in body:
        bare.add(message.id, message.string, message.locations, message.flags, context=message.context)
    write_po(written, bare, width=0, omit_header=True, sort_output=False)
    headers = {
        REVIEWED_BY: catalog.last_translator,
        "Language": str(catalog.locale),
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": catalog.plural_forms,
    }
    head = "".join(f'"{name}: {value}\\n"\n' for name, value in headers.items())
    return f'{catalog.header_comment}\nmsgid ""\nmsgstr ""\n{head}\n{written.getvalue().decode()}'


def faults(code: str, template: Catalog) -> Iterator[str]:
    """Find everything that is wrong with a catalog, each in one line."""
    path = LOCALE / f"{code}.po"
    text = path.read_text(encoding="utf-8")
    if text != text_of(updated(code, template)):
        yield f"{code}: not up to date; run python -m tools.catalogs update"
    catalog = read_catalog(path)
    for message in catalog:
        if message.id:
            yield from (f"{code}: {fault}: {first_text(message)[:70]!r}" for fault in faults_of(message, code, catalog))


def faults_of(message: Message, code: str, catalog: Catalog) -> Iterator[str]:
    """Find what is wrong with one translation."""
    string = message.string or ""
    forms = (string,) if isinstance(string, str) else tuple(form or "" for form in string)
    texts = message.id if isinstance(message.id, tuple | list) else (message.id,)
    wanted = catalog.num_plurals if len(texts) > 1 else 1
    if message.fuzzy:
        yield "fuzzy"
    if not all(forms) or len(forms) != wanted:
        yield "not translated"
        return
    places = set(_PLACE.findall(texts[-1]))
    for number, form in enumerate(forms):
        here = set(_PLACE.findall(form))
        of_one = len(texts) > 1 and _lacks_one(here, places) and _is_of_one_number(catalog, number)
        if here != places and not of_one:
            yield "other placeholders"
        if re.search(CLAIMS[code], form, re.IGNORECASE):
            yield "a word that no report says of a system"
        if re.search("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]", form):
            yield "an unseen character"
        if form != form.strip() and first_text(message) == first_text(message).strip():
            yield "spaces at an end"


def _is_of_one_number(catalog: Catalog, form: int) -> bool:
    """Say whether a form of nouns stands for one number alone, so that a word can say it: "two groups" in Arabic."""
    from gettext import c2py

    which = c2py(catalog.plural_expr)
    return sum(which(number) == form for number in range(1000)) == 1


def _lacks_one(here: set[str], places: set[str]) -> bool:
    return here < places and len(places - here) == 1


def is_translated(message: Message) -> bool:
    """Say whether a message has a translation, in every form."""
    forms = message.string or ""
    return bool(forms) if isinstance(forms, str) else all(forms)


def missing(code: str) -> str:
    """Return what is not translated, as a catalog to fill in."""
    catalog = read_catalog(LOCALE / f"{code}.po")
    few = Catalog(locale=code, charset="utf-8", fuzzy=False, last_translator="")
    few.header_comment = f"# What is missing in {code}. Fill in, then: python -m tools.catalogs fill {code} FILE"
    for message in catalog:
        if message.id and not is_translated(message):
            few.add(message.id, None, message.locations, message.flags, context=message.context)
    return text_of(few)


def fill(code: str, path: Path, template: Catalog | None = None) -> int:
    """Take the translations of a file into a catalog; returns how many. What the catalog does not ask is left out."""
    catalog = updated(code, extracted() if template is None else template)
    taken = 0
    with path.open("rb") as file:
        filled = read_po(file, locale=code, abort_invalid=True)
    for message in filled:
        if message.id and is_translated(message):
            held = catalog.get(message.id, message.context)
            if held is not None and held.string != message.string:
                held.string = message.string
                taken += 1
    (LOCALE / f"{code}.po").write_text(text_of(catalog), encoding="utf-8")
    return taken


def main() -> int:
    """Do what the arguments ask for."""
    parser = argparse.ArgumentParser(description="Keep the catalogs of the report in step with its texts.")
    parser.add_argument("what", choices=("update", "check", "missing", "fill"))
    parser.add_argument("language", nargs="?", choices=TRANSLATED)
    parser.add_argument("file", nargs="?", type=Path)
    options = parser.parse_args()
    if options.what == "missing" and options.language:
        print(missing(options.language), end="")
        return 0
    if options.what == "fill" and options.language and options.file:
        print(f"{options.language}: {fill(options.language, options.file)} translations taken")
        return 0
    if options.what in ("missing", "fill"):
        parser.error(f"{options.what} needs a language{' and a file' if options.what == 'fill' else ''}")
    template = extracted()
    if options.what == "check":
        all_faults = [fault for code in TRANSLATED for fault in faults(code, template)]
        print(
            "\n".join(all_faults)
            if all_faults
            else f"{len(template)} messages in {len(TRANSLATED)} languages: complete"
        )
        return 1 if all_faults else 0
    LOCALE.mkdir(exist_ok=True)
    for code in TRANSLATED:
        catalog = updated(code, template)
        (LOCALE / f"{code}.po").write_text(text_of(catalog), encoding="utf-8")
        empty = sum(1 for message in catalog if message.id and not is_translated(message))
        print(f"{code}: {len(template)} messages, {empty} not translated (python -m tools.catalogs missing {code})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
