"""A sealed audit: what a reader who trusts a key is shown, what nobody is, and what is refused."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from made.sealed import published_into, sealed_in, trusting

from audit.errors import EvidenceError
from audit.evidence.keys import Signer
from audit.evidence.seal import Bundles, read_published
from audit.evidence.shown import State
from audit.evidence.trust import Trust
from audit.evidence.verification import verify

TODAY = dt.date(2026, 11, 29)


def test_whoever_trusts_the_key_is_shown_that_it_holds(bundles: Bundles, signer: Signer) -> None:
    for bundle in bundles:
        found = verify(bundle.content, "evidence.a7k", trusting(signer), TODAY)
        assert found.exit_code == 0, found.shown


def test_a_key_in_a_bundle_proves_nothing(bundles: Bundles) -> None:
    found = verify(bundles.public.content, "evidence.a7k", Trust(), TODAY)
    assert found.exit_code == 3
    assert State.HOLDS not in {each.state for each in found.shown if each.code in {"signer", "threshold"}}


def test_a_public_file_that_was_changed_is_not_sealed(tmp_path: Path) -> None:
    folder = published_into(tmp_path / "audit-out")
    (folder / "public" / "groups.csv").write_text("group,people\n")
    with pytest.raises(EvidenceError, match=r"groups\.csv changed since it was published"):
        read_published(folder, folder / "restricted")


def test_sealing_and_verifying_cost_little(place: Path, signer: Signer, bundles: Bundles) -> None:
    """Processor time of the best of five, once all modules are loaded."""

    def best(act: Callable[[], object]) -> float:
        times = []
        for _ in range(5):
            began = time.process_time()
            act()
            times.append(time.process_time() - began)
        return min(times)

    sealing = best(lambda: sealed_in(place, signer))
    verifying = best(lambda: verify(bundles.public.content, "evidence.a7k", trusting(signer), TODAY))
    print(f"sealed in {sealing:.3f} s, verified in {verifying:.3f} s")
    assert sealing < 0.3
    assert verifying < 0.1
