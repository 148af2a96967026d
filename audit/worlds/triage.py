"""A world of referrals to a service that looks for possible victims. A row is a referral with its recorded signs."""

from __future__ import annotations

from typing import Final

from audit.vocabulary.groups import Group
from audit.worlds.world import (
    EXAGGERATED,
    LABELLED_AS_NONE,
    WRONGLY_FLAGGED,
    Possible,
    Sign,
    World,
    gender_level,
    nationality_level,
)

_MISSING: Final = 0.07
"""Share of a sign's cells that are empty, because nobody asked."""

_NATIONALITIES: Final = {
    "PRT": 0.400, "BRA": 0.080, "VNM": 0.080, "NGA": 0.080, "IND": 0.080, "UKR": 0.060,
    "COL": 0.060, "NPL": 0.050, "PHL": 0.040, "MAR": 0.025, "BGD": 0.020, "ROU": 0.015,
    "VEN": 0.0055, "XXA": 0.0030, "FJI": 0.0008, "BTN": 0.0007,
}  # fmt: skip

TRIAGE: Final = World(
    name="triage",
    title="referrals of possible victims, as a table of recorded signs",
    rows_are="synthetic referrals",
    rows=30_000,
    file="referrals",
    id="referral_id",
    prefix="referral",
    prevalence=0.25,
    nationalities=_NATIONALITIES,
    sources={"hotline": (0.46, 0.36), "police": (0.26, 0.24), "ngo": (0.24, 0.26), "border": (0.04, 0.14)},
    gender_unknown={"hotline": 0.09, "police": 0.06, "ngo": 0.06, "border": 0.14},
    nationality_unknown={"hotline": 0.14, "police": 0.07, "ngo": 0.08, "border": 0.05},
    unlabelled={"hotline": 0.05, "police": 0.03, "ngo": 0.03, "border": 0.06},
    channel="interview",
    channels=("in person", "by telephone"),
    second_channel=0.30,
    signs=(
        Sign("movement_controlled", 0.50, 0.07, 26, _MISSING),
        Sign("documents_withheld", 0.48, 0.08, 24, _MISSING),
        Sign("debt_to_recruiter", 0.50, 0.10, 22, _MISSING),
        Sign("threats_reported", 0.44, 0.06, 25, _MISSING),
        Sign("contact_restricted", 0.46, 0.08, 23, _MISSING),
        Sign("answers_coached", 0.40, 0.08, 20, _MISSING),
        Sign("injuries_seen", 0.28, 0.05, 20, _MISSING),
        Sign("travel_arranged", 0.58, 0.20, 17, _MISSING),
        Sign("pay_withheld", 0.54, 0.14, 20, _MISSING),
    ),
    threshold=44,
    channel_effect=0.45,
    findings=(
        Possible(
            "group-gap",
            Group((gender_level("man"),)),
            "true_positive_rate",
            0.20,
            "share of victims found, less than among all others",
            "men's cases of exploitation show fewer of the signs",
        ),
        Possible(
            "intersection-gap",
            Group((gender_level("woman"), nationality_level("IND"))),
            "false_positive_rate",
            0.15,
            WRONGLY_FLAGGED,
            "ordinary cases of women of this nationality show the signs more often; those of its men do not",
        ),
        Possible(
            "like-with-like",
            Group((nationality_level("NGA"),)),
            "true_positive_rate",
            0.20,
            "share of victims found, less than among all others; within one kind of interview there is no difference",
            "on the telephone fewer signs are recorded of anyone, and this group is mostly asked on the telephone",
        ),
        Possible(
            "biased-labels",
            Group((nationality_level("VNM"),)),
            "base_rate",
            0.30,
            LABELLED_AS_NONE,
            "officials believed this group less often, and the label is what they decided",
        ),
        Possible(
            "amplification",
            Group((nationality_level("COL"),)),
            "selection_rate",
            0.10,
            EXAGGERATED,
            "there is more exploitation among its cases, and its ordinary cases show the signs more often",
        ),
    ),
)
