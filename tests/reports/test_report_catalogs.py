"""The catalogs: complete, in step with the texts, and by the rules; and the tool that keeps them so."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from audit.evaluation.nationality import countries, regions
from audit.vocabulary.text import LANGUAGES
from reports.html import HtmlReporter
from reports.languages import LOCALE, language, read_catalog, reviewer
from tools import catalogs


@pytest.fixture(scope="module")
def template() -> Catalog:
    return catalogs.extracted()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The French catalog in a folder of its own, to be broken."""
    (tmp_path / "fr.po").write_text((LOCALE / "fr.po").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(catalogs, "LOCALE", tmp_path)
    return tmp_path


@pytest.mark.parametrize("code", catalogs.TRANSLATED)
def test_a_catalog_is_complete_and_in_step_with_the_texts(code: str, template: Catalog) -> None:
    """If this fails: python -m tools.catalogs update, then translate (CONTRIBUTING.md)."""
    assert list(catalogs.faults(code, template)) == []


@pytest.mark.parametrize(
    ("code", "said", "unwanted"),
    [
        ("es", "named with a chance", "señal"),  # which is said of a person who is flagged
        ("fr", "is not in the set", "le jeu"),
        ("ru", "times as likely or more", "%(factor)s раз"),  # "раза" after 5 and more is wrong
    ],
)
def test_a_word_stands_for_one_thing_and_agrees_with_every_number(code: str, said: str, unwanted: str) -> None:
    shown = [str(one.string) for one in read_catalog(LOCALE / f"{code}.po") if said in catalogs.first_text(one)]
    assert shown
    assert [text for text in shown if unwanted in text] == []


def test_the_six_languages_are_those_of_the_reporter() -> None:
    assert HtmlReporter.languages == LANGUAGES


def test_texts_of_audit_are_among_the_messages(template: Catalog) -> None:
    for text in (
        "share of victims found",
        "Rogan-Gladen",
        "AIF360 reports a precision of 0 for a group in which nobody is flagged",
        "Can an outsider repeat the audit?",
        "never 0%% and never 100%%",
    ):
        assert any(text in catalogs.first_text(message) for message in template if message.id), text


@pytest.mark.parametrize(
    ("shown", "fault"),
    [
        ("", "not translated"),
        ("%(groups)s groupes", "other placeholders"),
        ("groupes", "other placeholders"),
        ("%(count)s groupes traités équitablement", "a word that no report says of a system"),
        ("%(count)s\u200f groupes", "an unseen character"),
        ("%(count)s groupes ", "spaces at an end"),
    ],
)
def test_a_faulty_translation_is_found(shown: str, fault: str) -> None:
    catalog = Catalog(locale="fr")
    catalog.add("%(count)s groups", shown)
    (message,) = [each for each in catalog if each.id]
    assert list(catalogs.faults_of(message, "fr", catalog)) == [fault]


def test_a_form_for_one_number_alone_may_say_it_in_a_word() -> None:
    arabic = Catalog(locale="ar")
    arabic.add(
        ("%(count)s group", "%(count)s groups"),
        ("لا مجموعات", "مجموعة واحدة", "مجموعتان", "%(count)s مجموعات", "%(count)s مجموعة", "%(count)s مجموعة"),
    )
    (message,) = [each for each in arabic if each.id]
    assert list(catalogs.faults_of(message, "ar", arabic)) == []
    russian = Catalog(locale="ru")  # its first form is that of 1, 21, 31 …
    russian.add(("%(count)s group", "%(count)s groups"), ("одна группа", "%(count)s группы", "%(count)s групп"))
    (message,) = [each for each in russian if each.id]
    assert list(catalogs.faults_of(message, "ru", russian)) == ["other placeholders"]


def test_a_new_text_makes_a_catalog_fail_and_its_translation_mends_it(elsewhere: Path) -> None:
    template = catalogs.extracted()
    template.add("A text that is new here", None, [("reports/words.py", None)])  # type: ignore[list-item]
    assert list(catalogs.faults("fr", template)) == ["fr: not up to date; run python -m tools.catalogs update"]
    (elsewhere / "fr.po").write_text(catalogs.text_of(catalogs.updated("fr", template)), encoding="utf-8")
    assert list(catalogs.faults("fr", template)) == ["fr: not translated: 'A text that is new here'"]
    asked = catalogs.missing("fr")
    assert 'msgid "A text that is new here"\nmsgstr ""' in asked
    given = elsewhere / "given.po"
    given.write_text(asked.replace('here"\nmsgstr ""', 'here"\nmsgstr "Un texte nouveau"'), encoding="utf-8")
    assert catalogs.fill("fr", given, template) == 1
    assert list(catalogs.faults("fr", template)) == []


def test_a_text_that_is_gone_leaves_the_catalog(elsewhere: Path) -> None:
    template = Catalog()
    template.add("%(part)s of %(whole)s", None, [("reports/words.py", None)])  # type: ignore[list-item]
    kept = catalogs.updated("fr", template)
    assert [message.string for message in kept if message.id] == ["%(part)s sur %(whole)s"]


def test_a_name_of_a_reader_survives_an_update(elsewhere: Path, template: Catalog) -> None:
    path = elsewhere / "fr.po"
    read = path.read_text(encoding="utf-8").replace('"X-Reviewed-By: \\n"', '"X-Reviewed-By: A. Reader\\n"')
    path.write_text(read, encoding="utf-8")
    assert catalogs.text_of(catalogs.updated("fr", template)) == read
    assert reviewer(path) == "A. Reader"


def test_every_country_and_region_has_a_name_in_every_language() -> None:
    known = {*countries(), *regions()}
    for code in catalogs.TRANSLATED:
        places = language(code).places
        assert set(places) == known
        assert all(name == name.strip() and len(name) > 1 for name in places.values())
    assert language("fr").places["053"] == "Australie et Nouvelle-Zélande"
    assert language("es").places["PSE"] == "Estado de Palestina"


def test_no_two_places_have_one_name_on_one_rung() -> None:
    for code in catalogs.TRANSLATED:
        places = language(code).places
        for rung in (countries(), regions()):
            shown = [places[each] for each in rung]
            assert len(set(shown)) == len(shown), code


def test_the_table_of_names_says_where_each_comes_from() -> None:
    table = Path(catalogs.REPORTS) / "data" / "names.csv"
    with table.open(encoding="utf-8", newline="") as file:
        assert {row["source"] for row in csv.DictReader(file)} == {"M49", "by hand"}
