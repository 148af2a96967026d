"""A folder of audits and the portal over it, each made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from made.portal import LOGO, MINISTRY, made_audits, made_site, rendered

from audit.public.site import PublicPublisher, PublicSite
from audit.vocabulary.text import LANGUAGES

PUBLISHER = PublicPublisher(
    name=MINISTRY,
    contact="audits@labour.example",
    logo="logo.svg",
    texts={"en": ("We publish every audit.", "Write to us."), "fr": ("Nous publions tous les audits.",)},
)


@pytest.fixture(scope="session")
def audits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_audits(tmp_path_factory.mktemp("audits"))


@pytest.fixture(scope="session")
def site(audits: Path) -> PublicSite:
    return made_site(audits, LANGUAGES, publisher=PUBLISHER)


@pytest.fixture(scope="session")
def files(site: PublicSite) -> dict[str, bytes]:
    return {**rendered(site), "logo.svg": LOGO.encode()}


@pytest.fixture(scope="session")
def english(audits: Path) -> PublicSite:
    return made_site(audits)


@pytest.fixture(scope="session")
def pages(english: PublicSite) -> dict[str, bytes]:
    return rendered(english)
