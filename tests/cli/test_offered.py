"""What another package offers in the place of a portal or of figures ends in one line, or is used."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.cli.outputs.portals import find_portal
from audit.errors import AuditError
from audit.plan.offers import MAKERS, names_offered
from audit.result.reporters import find_figures

FINDERS = {"portal": find_portal, "figures": find_figures}
PORTAL = 'class Made:\n    name = "other"\n    languages = ("en",)\n    def render(self, site): return {}\n'
FIGURES = 'class Made:\n    kinds = ("funnel",)\n    def draw(self, *asked): return b""\n'


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Install a distribution whose module has this text, and which offers `Made` of it as "other"."""

    def into_site(text: str) -> None:
        name = f"offered_{uuid.uuid4().hex}"
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[{MAKERS}]\nother = {name}:Made\n", encoding="utf-8")

    monkeypatch.syspath_prepend(tmp_path)
    return into_site


@pytest.mark.parametrize(("kind", "text"), [("portal", PORTAL), ("figures", FIGURES)])
def test_what_keeps_the_protocol_is_found(install: Callable[[str], None], kind: str, text: str) -> None:
    install(text)
    assert FINDERS[kind]("other") is not None


@pytest.mark.parametrize("kind", FINDERS)
@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "no installed package offers"),
        (["Made = object"] * 2, "more than one installed package offers"),
        (["raise RuntimeError('Maria')"], "cannot be loaded (RuntimeError)"),
        (["raise SystemExit(3)"], "cannot be loaded (SystemExit)"),
        (["Made = object"], "is none"),
    ],
    ids=["none", "two", "raises", "exits", "another-thing"],
)
def test_anything_else_is_one_line(install: Callable[[str], None], kind: str, texts: list[str], said: str) -> None:
    for text in texts:
        install(text)
    with pytest.raises(AuditError) as caught:
        FINDERS[kind]("other")
    assert said in str(caught.value)
    assert "Maria" not in str(caught.value)
    assert caught.value.slug == "not-offered"


def test_a_place_on_the_path_that_nobody_may_see_offers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = names_offered(MAKERS)
    monkeypatch.setattr(sys, "path", [*sys.path, "/" + "n" * 5000, "/no/such/place"])
    assert names_offered(MAKERS) == before
