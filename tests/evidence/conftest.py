"""A published audit, a key, and both of its bundles, once a module."""

from __future__ import annotations

from pathlib import Path

import pytest
from made.sealed import published_into, sealed_in, signer_in

from audit.evidence.keys import Signer
from audit.evidence.seal import Bundles


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_into(tmp_path_factory.mktemp("sealed") / "audit-out")


@pytest.fixture(scope="module")
def signer(place: Path) -> Signer:
    return signer_in(place)


@pytest.fixture(scope="module")
def bundles(place: Path, signer: Signer) -> Bundles:
    return sealed_in(place, signer)
