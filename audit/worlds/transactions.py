"""A world of payments out of accounts. A row is a transaction; the rows of one account belong together.

A row holds amounts, times and counts. A sign is a number beyond a bound that the detector knows (`BOUNDS`).
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
    "DEU": 0.360, "POL": 0.090, "PHL": 0.090, "NGA": 0.090, "VNM": 0.085, "UKR": 0.075,
    "IND": 0.060, "BRA": 0.050, "MAR": 0.035, "ROU": 0.025, "COL": 0.020, "BGD": 0.010,
    "VEN": 0.0055, "XXA": 0.0030, "FJI": 0.0008, "BTN": 0.0007,
}  # fmt: skip

TRANSACTIONS = World(
    name="transactions",
    title="payments of accounts, as a table in which rows of one account belong together",
    rows_are="synthetic transactions",
    rows=40_000,
    file="transactions",
    id="transaction_id",
    prefix="transaction",
    prevalence=0.20,
    nationalities=_NATIONALITIES,
    sources={"branch": (0.30, 0.20), "online": (0.52, 0.44), "agent": (0.18, 0.36)},
    gender_unknown={"branch": 0.04, "online": 0.08, "agent": 0.12},
    nationality_unknown={"branch": 0.04, "online": 0.10, "agent": 0.15},
    unlabelled={"branch": 0.02, "online": 0.04, "agent": 0.06},
    channel="account_kind",
    channels=("bank account", "mobile wallet"),
    second_channel=0.30,
    signs=(
        Sign("cash_out_soon", 0.56, 0.10, 25, 0.03),
        Sign("many_senders", 0.50, 0.07, 26, 0.03),
        Sign("shared_device", 0.42, 0.05, 26, 0.05),
        Sign("same_reference", 0.46, 0.08, 23, 0.03),
        Sign("at_night", 0.46, 0.14, 17, 0.02),
        Sign("emptied", 0.58, 0.18, 18, 0.03),
        Sign("new_payee", 0.48, 0.14, 17, 0.03),
    ),
    threshold=42,
    channel_effect=0.45,
    tempers=((0.5, 1.2, 0.0), (0.5, 0.8, 0.04)),
    cluster_sizes=(0.24, 0.22, 0.18, 0.13, 0.09, 0.06, 0.04, 0.04),
    findings=(
        Possible(
            "group-gap",
            Group((nationality_level("POL"),)),
            "false_positive_rate",
            0.12,
            WRONGLY_FLAGGED,
            "its ordinary payments look alike: wages passed on to a family soon, from shared devices",
        ),
        Possible(
            "intersection-gap",
            Group((gender_level("woman"), nationality_level("PHL"))),
            "false_positive_rate",
            0.16,
            WRONGLY_FLAGGED,
            "ordinary payments of women of this nationality look like that; those of its men do not",
        ),
        Possible(
            "like-with-like",
            Group((nationality_level("NGA"),)),
            "true_positive_rate",
            0.15,
            "share of victims found, less than among all others; within one kind of account there is no difference",
            "of a mobile wallet less is recorded, whoever has it, and this group has mostly wallets",
        ),
        Possible(
            "biased-labels",
            Group((nationality_level("VNM"),)),
            "base_rate",
            0.30,
            LABELLED_AS_NONE,
            "people whose accounts were used were taken for accomplices, and the label is what was decided",
        ),
        Possible(
            "amplification",
            Group((nationality_level("UKR"),)),
            "selection_rate",
            0.10,
            EXAGGERATED,
            "there is more exploitation among its accounts, and its ordinary payments show the signs more often",
        ),
    ),
)
