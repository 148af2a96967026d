"""What another file hides of ours ends in one line, and a place on the path that nobody may see offers nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from audit.cli.outputs.portals import find_portal
from audit.errors import AuditError
from audit.plan.offers import names_offered
from audit.result.reporters import GROUP, find_figures


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "AttributeError"),
        ("raise RuntimeError('Maria')", "RuntimeError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("import nothing_of_that_name", "ModuleNotFoundError"),
    ],
)
def test_a_file_that_hides_ours_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "reports"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "reports").mkdir()
    for name in ("__init__", "portal", "figures"):
        (tmp_path / "reports" / f"{name}.py").write_text(text if name != "__init__" else "", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for find, what in ((find_portal, "the portal"), (find_figures, "the maker of figures")):
        with pytest.raises(AuditError) as caught:
            find()
        message = str(caught.value)
        assert message.startswith(f'{what} cannot be loaded ({said}); "reports" is {tmp_path}'), message
        assert "Maria" not in message
        assert caught.value.slug == "reporter-not-loaded"


def test_a_place_on_the_path_that_nobody_may_see_offers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = names_offered(GROUP)
    monkeypatch.setattr(sys, "path", [*sys.path, "/" + "n" * 5000, "/no/such/place"])
    assert names_offered(GROUP) == before
