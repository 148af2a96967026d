"""The documentation builds, is up to date, and says nothing that is not there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from audit.errors import hints
from audit.evidence.trust import Trust, Trusted
from audit.plan.sampling_design import DrawSection, DuplicatesSection, PoolSection, Quota
from audit.public.site import PublicPublisher
from audit.result.audit_result import Waiver
from audit.vocabulary.text import LANGUAGES
from tools.simulate.table import TABLE

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MODULES = {path.name for room in ("audit", "reports", "tools", "tests") for path in (ROOT / room).rglob("*.py")}
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"])


def build(folder: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=240)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = build(ROOT, folder)
    assert built.returncode == 0, built.stderr
    return folder


def small_docs(folder: Path) -> None:
    """Two pages, built as ours are."""
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    navigation = "nav:\n  - Pages:\n      - Index: index.md\n      - Statistics: statistics.md\n"
    (folder / "mkdocs.yml").write_text(settings.partition("\nnav:\n")[0] + f"\n{navigation}", encoding="utf-8")
    (folder / "docs").mkdir()
    (folder / "docs" / "statistics.md").write_text("# Statistics\n", encoding="utf-8")
    shutil.copytree(ROOT / "tools", folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))


def test_each_hint_is_of_an_error_that_is_raised() -> None:
    code = "".join(
        path.read_text(encoding="utf-8") for room in ("audit", "reports") for path in (ROOT / room).rglob("*.py")
    )
    assert not [slug for slug in hints() if f'slug="{slug}"' not in code]


def test_planted_faults_stop_the_build_and_each_is_named(tmp_path: Path) -> None:
    """Every warning stops it, as the repository has none."""
    small_docs(tmp_path)
    for page, text in {
        "index.md": "# Index\n\n[nowhere](no-such-page.md)\n\n[nowhere](statistics.md#no-such-heading)\n",
        "forgotten.md": "# A page that no navigation names\n",
    }.items():
        (tmp_path / "docs" / page).write_text(text, encoding="utf-8")
    built = build(tmp_path, tmp_path / "site")
    assert built.returncode == 1
    assert "Aborted with 3 warnings in strict mode" in built.stdout + built.stderr
    warnings = re.split(r"^(?=[A-Z]+ +- )", built.stderr, flags=re.MULTILINE)
    for fault in ("no-such-page.md", "#no-such-heading", "forgotten.md"):
        assert any(warning.startswith("WARNING") and fault in warning for warning in warnings), (fault, built.stderr)


class _Loads(HTMLParser):
    """Collects what a browser would fetch to show a page; links to follow are another matter."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "link" and values.get("rel") != "canonical":
            self.addresses.append(values.get("href") or "")
        elif tag in {"script", "img", "iframe", "source", "video", "object"}:
            self.addresses.append(values.get("src") or values.get("data") or "")


def test_the_pages_load_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 10
    assert (site / "search" / "search_index.js").exists()  # the search needs no server
    for page in pages:
        loads = _Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        assert loads.addresses
        elsewhere = [address for address in loads.addresses if re.match(r"(?:[a-z]+:)?//", address)]
        assert not elsewhere, page.name
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", text), style.name


def test_every_decision_is_in_the_navigation(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    records = sorted((DOCS / "decisions").glob("*.md"))
    assert [record.name[:4] for record in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    for record in records:
        assert f'href="decisions/{record.stem}.html"' in start


def test_every_picture_is_there_is_small_and_loads_nothing() -> None:
    """`make pictures` draws those that show a screen."""
    from tools.screenshots import HEIGHTS

    pictures = {path.name: path for path in (DOCS / "img").iterdir()}
    assert {f"{name}.png" for name in HEIGHTS} <= set(pictures)
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for name, path in pictures.items():
        assert f"img/{name})" in shown, name
        assert path.stat().st_size < 200_000, name
        assert path.suffix == ".png" or "href" not in path.read_text(encoding="utf-8"), name


def test_decisions_have_one_form_of_heading() -> None:
    """Those before the twentieth have another, and stay as they were accepted."""
    for record in sorted((DOCS / "decisions").glob("*.md"))[19:]:
        assert record.read_text(encoding="utf-8").startswith(f"# {record.stem[:4]}: "), record.name


def test_the_generated_pages_are_up_to_date() -> None:
    command = [sys.executable, "-m", "tools.document", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


def commands() -> set[str]:
    reference = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    return set(re.findall(r"^## (\S+)$", reference, re.MULTILINE))


def test_the_commands_are_those_of_the_project() -> None:
    assert commands() >= {
        "demo",
        "init",
        "codes",
        "check",
        "run",
        "gate",
        "report",
        "figure",
        "portal",
        "explain",
        "schema",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_commands_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    code = re.findall(r"`([^`\n]+)`", text)
    for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL):
        code += block.splitlines()
    named = {found for line in code for found in re.findall(r"^audit7k ([a-z]\w*)", line.strip())}
    assert named <= commands() | {"COMMAND"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_targets_and_files_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    makefiles = (ROOT / "Makefile", ROOT / "examples" / "pipelines" / "make" / "audit7k.mk")
    made = "".join(path.read_text(encoding="utf-8") for path in makefiles)
    targets = set(re.findall(r"^([a-z]+):", made, re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= targets
    for path in re.findall(r"`((?:audit|reports|tests|tools|docs|examples)/[\w./-]*\w)`", text):
        assert (ROOT / path).exists(), path
    for command in re.findall(r"tools\.simulate ([^`]*)", text):
        for subject in re.findall(r"--only (\w+)", command):
            assert subject in TABLE or subject == "NAME", command
    if "how-to" not in page.parts:  # there a reader writes files too
        assert set(re.findall(r"`(\w+\.py)`", text)) <= MODULES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_quotes_only_plan_keys_that_exist(page: Path) -> None:
    """Every `key = value` in a TOML example is a key of the plan, a drawn set, a waiver, a portal, or of trust."""
    reference = (DOCS / "reference" / "plan.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^\| `(\w+)` \|", reference, re.MULTILINE)) | {"schema"}
    for model in (PoolSection, DrawSection, DuplicatesSection, Quota):
        known |= set(model.model_fields)
    known |= {*Waiver.model_fields, *PublicPublisher.model_fields, *LANGUAGES}
    known |= {*Trust.model_fields, *Trusted.model_fields, "from"}
    for block in re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        keys = set(re.findall(r"^(\w+) *=", block, re.MULTILINE))
        assert keys <= known


def test_the_draft_is_called_a_draft() -> None:
    """Wherever the resolution is named, the same page says whose draft it is."""
    naming = [page for page in PAGES if re.search(r"resolution", page.read_text(encoding="utf-8"))]
    assert naming
    for page in naming:
        text = " ".join(page.read_text(encoding="utf-8").split())
        assert "draft" in text, page.name
    index = " ".join((DOCS / "index.md").read_text(encoding="utf-8").split())
    assert "a draft** submitted by Belarus, Nicaragua and the Syrian Arab Republic" in index
