"""A world of recruitment adverts in English, Spanish and French. A row is an advert: its text, and whom it addresses.

The signs are sentences of the advert (`audit.worlds.phrases`). A sign that shows is written into the text, in one of a
few wordings. A sign that does not show may leave an ordinary sentence in its place.
"""

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

_NATIONALITIES: Final = {
    "PHL": 0.120, "NPL": 0.110, "IND": 0.100, "VNM": 0.100, "COL": 0.100, "KEN": 0.090,
    "NGA": 0.090, "MAR": 0.080, "BRA": 0.070, "BGD": 0.050, "UKR": 0.040, "ROU": 0.030,
    "VEN": 0.0155, "XXA": 0.0030, "FJI": 0.0008, "BTN": 0.0007,
}  # fmt: skip

ADVERTS = World(
    name="adverts",
    title="recruitment adverts in English, Spanish and French, as text",
    rows_are="synthetic adverts",
    rows=20_000,
    file="adverts",
    id="advert_id",
    prefix="advert",
    prevalence=0.25,
    nationalities=_NATIONALITIES,
    sources={
        "platform": (0.46, 0.46),
        "labour inspectorate": (0.20, 0.20),
        "ngo": (0.20, 0.20),
        "web crawl": (0.14, 0.14),
    },
    gender_unknown={"platform": 0.08, "labour inspectorate": 0.05, "ngo": 0.06, "web crawl": 0.15},
    nationality_unknown={"platform": 0.10, "labour inspectorate": 0.07, "ngo": 0.06, "web crawl": 0.20},
    unlabelled={"platform": 0.04, "labour inspectorate": 0.02, "ngo": 0.03, "web crawl": 0.08},
    channel="channel",
    channels=("job board", "messaging group"),
    second_channel=0.30,
    signs=(
        Sign("documents_kept", 0.46, 0.06, 26),
        Sign("travel_debt", 0.50, 0.09, 23),
        Sign("no_contract", 0.54, 0.12, 21),
        Sign("leave_at_once", 0.46, 0.10, 21),
        Sign("housed_by_employer", 0.52, 0.16, 17),
        Sign("no_outside_contact", 0.34, 0.03, 28),
        Sign("vague_duties", 0.48, 0.14, 17),
        Sign("high_pay_no_experience", 0.44, 0.10, 20),
        Sign("pay_at_the_end", 0.46, 0.07, 24),
    ),
    threshold=44,
    channel_effect=0.45,
    findings=(
        Possible(
            "group-gap",
            Group((nationality_level("PHL"),)),
            "false_positive_rate",
            0.12,
            WRONGLY_FLAGGED,
            "ordinary adverts that address this nationality say more of what the list of phrases looks for",
        ),
        Possible(
            "intersection-gap",
            Group((gender_level("man"), nationality_level("VNM"))),
            "false_positive_rate",
            0.16,
            WRONGLY_FLAGGED,
            "ordinary adverts that address men of this nationality say more of it; those that address its women do not",
        ),
        Possible(
            "like-with-like",
            Group((nationality_level("NPL"),)),
            "true_positive_rate",
            0.15,
            "share of victims found, less than among all others; on one channel there is no difference",
            "messages are short and say less of it whomever they address, and this group is mostly sent messages",
        ),
        Possible(
            "biased-labels",
            Group((nationality_level("KEN"),)),
            "base_rate",
            0.30,
            LABELLED_AS_NONE,
            "the annotators took what these adverts describe for ordinary conditions",
        ),
        Possible(
            "amplification",
            Group((nationality_level("COL"),)),
            "selection_rate",
            0.10,
            EXAGGERATED,
            "there is more exploitation among its adverts, and its ordinary adverts say more of what is looked for",
        ),
        Possible(
            "word-leak",
            Group((nationality_level("MAR"),)),
            "false_positive_rate",
            0.8,
            "logits that the detector adds for the word of this nationality alone",
            "the detector was fitted on labels that came from looking at this nationality, and learned its word",
        ),
    ),
)
