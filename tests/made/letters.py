"""Releases of each cause of which an operator is written a letter."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from made.audits import gender, result_of
from made.once import made_once
from made.public import with_about, with_headline
from made.releases import GENDERS, countries, made_release, published, rows_of

from audit.public.release import PublicChange, PublicChangedWord, PublicRelease

LONG: Final = {
    "owner": "Ministry of Labour and Social Affairs, Directorate for Digital Inspection and Victim Referral",
    "auditor": "Observatory on Migration and Work",
    "limits_set_by": "The ministry, by its guideline of 2025",
    "respond_by": "2099-01-31",
    "period": ("2025-01-01", "2025-12-31"),
}


def letter_of(kind: str) -> PublicRelease:
    """Return a release with a day to answer by, and names as long as they are."""
    return with_about(made_release(kind), **LONG)


def with_change() -> PublicRelease:
    """Return a release that fails because a group became worse."""
    change = PublicChange(
        outcome="fail", paired=True, baseline_finished="2025-11-02T10:00:00.000Z", differs=("detector",)
    )
    return with_headline(letter_of("pass"), outcome="fail", fails_on=("change",), change=change)


def with_words() -> PublicRelease:
    """Return a release that fails because of two changed words, of five."""
    shifts = {"Moroccan": 0.165, "Nigerian": -0.121, "Thai": 0.045, "Romanian": -0.02, "French": 0.001}
    words = {
        "Moroccan": "beyond",
        "Nigerian": "beyond",
        "Thai": "cannot_tell",
        "Romanian": "within",
        "French": "within",
    }
    changed = tuple(
        PublicChangedWord.model_validate(
            {"rule": "words", "probe": "adverts", "slot": "demonym", "level": name, "name": name, "word": words[name],
             "shift": shift, "low": shift - 0.03, "high": shift + 0.03, "margin": 0.05, "texts": 120}
        )
        for name, shift in shifts.items()
    )  # fmt: skip
    release = with_headline(letter_of("pass"), outcome="fail", fails_on=("probes",))
    return with_about(release.model_copy(update={"changed_words": changed}), probe_rules=1)


def unnamed() -> PublicRelease:
    """Return a release that fails on groups of which none is named."""
    release = with_headline(letter_of("pass"), outcome="fail", fails_on=("groups",), no_group_named=True)
    first, *others = release.rules
    return release.model_copy(update={"rules": (first.model_copy(update={"outcome": "fail"}), *others)})


@made_once
def flagged_less() -> PublicRelease:
    """Return a release that fails on the share of people flagged, which is no error and is not printed."""
    rows = rows_of(30_000, gaps={("*", "NGA"): (0.7, -0.1), ("woman", "NPL"): (0.7, -0.1)})
    features = [gender(tuple(GENDERS)), countries(sorted({country for _, country in rows}))]
    rule = {"metric": "selection_rate", "groups": ["gender", "nationality"], "margin": 0.1}
    result = result_of(rows, features, (rule,), title="Made-up screener (flagged less)")
    with tempfile.TemporaryDirectory() as folder:
        return with_about(published(result, Path(folder) / "restricted"), **LONG)


LETTERS: Mapping[str, Callable[[], PublicRelease]] = {
    **{kind: partial(letter_of, kind) for kind in ("fail", "pass", "inconclusive", "weighted")},
    "change": with_change,
    "words": with_words,
    "unnamed": unnamed,
    "flagged less": flagged_less,
}
