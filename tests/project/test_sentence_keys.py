"""Every key of a sentence that code or a template names is there, and no text stands under a key that nothing names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.sentence_keys import CATALOGUES, faults

CODE = """
from audit.public.sentences import SENTENCES
from reports.language import WORDS
_TABLE = WORDS["tally"]
def told(language, word):
    return SENTENCES["method"] + _TABLE["beyond"] + language.word("tally", "within") + language.word("states", word)
def joined(harm):
    return f"gap_{harm}", "first", "second"
"""
TEXTS = {
    "reports/data/words.toml": '[tally]\nbeyond = "b"\nwithin = "w"\n[states]\nfirst = "f"\ngap_wide = "g"\n',
    "audit/public/data/sentences.toml": 'method = "m"\n',
}


def written(folder: Path, code: str = CODE, template: str = "", **texts: str) -> list[str]:
    """What is wrong in a small project; `texts` are added to a catalogue by the last part of its path."""
    for name in CATALOGUES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXTS.get(name, "") + texts.get(path.parent.parent.name, ""), encoding="utf-8")
    (folder / "reports" / "told.py").write_text(code, encoding="utf-8")
    (folder / "reports" / "page.html").write_text(template, encoding="utf-8")
    return list(faults(folder))


def test_a_project_whose_keys_are_all_there_and_all_named_is_clean(tmp_path: Path) -> None:
    assert written(tmp_path) == []


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ('SENTENCES["method"]', 'SENTENCES["methods"]', "audit/public/data/sentences.toml has no methods"),
        ('"tally", "within"', '"tally", "inside"', "reports/data/words.toml has no tally.inside"),
        ('_TABLE["beyond"]', '_TABLE["outside"]', "reports/data/words.toml has no tally.outside"),
        ('WORDS["tally"]', 'WORDS["tallies"]', "reports/data/words.toml has no tallies"),
    ],
)
def test_a_key_that_is_missing_is_named_with_its_place(tmp_path: Path, before: str, after: str, key: str) -> None:
    found = written(tmp_path, CODE.replace(before, after))
    assert any(line.startswith("reports/told.py:") and line.endswith(key) for line in found), found


def test_a_key_that_a_template_names_and_no_catalogue_has_is_named(tmp_path: Path) -> None:
    found = written(tmp_path, template='<p>\n{{ language.word("tally", "outside") }}</p>')
    assert found == ["reports/page.html:2: reports/data/words.toml has no tally.outside"]


def test_a_text_under_a_key_that_nothing_names_is_surplus(tmp_path: Path) -> None:
    assert written(tmp_path, public='nobody = "n"\n') == ["audit/public/data/sentences.toml: nothing names nobody"]
