"""A set with forms of exploitation, scores with ties, answers that are classes, and what an officer decided."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

NONE, FORMS = "none", ("sexual exploitation", "forced labour")


def made_cases(rows: int = 2400, seed: int = 7) -> pd.DataFrame:
    """Men are dismissed more often by the officer; one case in fifty was decided by nobody."""
    rng = np.random.default_rng(seed)
    gender = rng.choice(["woman", "man"], rows, p=[0.6, 0.4])
    form = rng.choice([NONE, *FORMS], rows, p=[0.5, 0.25, 0.25])
    score = np.clip(rng.normal(np.where(form == NONE, 0.35, 0.6), 0.15), 0.0, 1.0).round(1)
    flagged = score >= 0.5
    dismissed = flagged & (rng.random(rows) < np.where(gender == "man", 0.4, 0.05))
    named = np.where(rng.random(rows) < 0.8, np.where(form == NONE, FORMS[1], form), FORMS[1])
    officer = np.where(flagged & ~dismissed, "refer", "close").astype(object)
    officer[rng.random(rows) < 0.02] = ""
    return pd.DataFrame(
        {
            "id": np.arange(rows).astype(str),
            "gender": gender,
            "country": rng.choice(["PHL", "NGA", "VNM"], rows),
            "form": form,
            "score": score,
            "answer": np.where(flagged, named, NONE),
            "officer": officer,
        }
    )


BY_SCORE: Final[dict[str, Any]] = {"kind": "predictions", "score": "score", "threshold": 0.5}
BY_CLASS: Final[dict[str, Any]] = {
    "kind": "predictions",
    "decision": "answer",
    "decision_positive": list(FORMS),
    "decision_negative": [NONE],
}
WORDS: Final[dict[str, Any]] = {"decision_positive": ["refer"], "decision_negative": ["close"]}
OFFICER: Final[dict[str, Any]] = {"column": "officer", **WORDS}


def made_audit(detector: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """A plan over these cases, with further sections."""
    plan: dict[str, Any] = {
        "schema": 1,
        "audit": {"title": "Triage", "owner": "An office", "use": "hotline-triage", "route": "services"},
        "detector": detector,
        "evaluation_set": {
            "id": "id",
            "label": "form",
            "label_positive": list(FORMS),
            "label_negative": [NONE],
            "label_source": "made for a test",
        },
        "groups": {"gender": {"column": "gender"}, "nationality": {"column": "country"}},
        "rules": [
            {"metric": "true_positive_rate", "groups": ["gender", "nationality"], "margin": 0.1},
            {"metric": "false_positive_rate", "groups": ["gender"], "margin": 0.1},
        ],
    }
    return {**plan, **{key: {**plan.get(key, {}), **section} for key, section in sections.items()}}
