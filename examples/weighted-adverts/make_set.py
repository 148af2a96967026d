"""Makes adverts.parquet and reference.csv beside this file, or in the folder given. Every advert is made up.

What is planted, so that an audit can be held against it:

- Adverts of one advertiser are alike: their scores share a part (cluster `advertiser`).
- Cases of exploitation, and adverts for the rarer nationalities, were drawn more often (weight `design_weight`).
- Adverts for domestic work are harder to recognise, and most adverts for Filipinos are for domestic work: they seem to
  be found less often, and are not when adverts of the same form are compared.
- Adverts for Nepalis are found much less often, whatever the form.
- Adverts for Vietnamese women on the messaging channel are wrongly flagged much more often; nobody else's on it are.
- A fifth of the adverts was drawn at random before anybody looked (`drawn_at_random`).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ADVERTISERS = 2_600
NATIONALITIES = {"PHL": 0.26, "IND": 0.22, "VNM": 0.18, "ETH": 0.13, "BGD": 0.11, "NPL": 0.04, "KEN": 0.06}
RARE = ("ETH", "BGD", "KEN", "NPL")
DOMESTIC = {"PHL": 0.85}
REFERENCE = "level,share\nwoman,0.62\nman,0.37\nnon-binary,0.01\n"


def main(folder: Path) -> None:
    """Write both files into `folder`."""
    rng = np.random.default_rng(20240412)
    cluster = np.repeat(np.arange(ADVERTISERS), 1 + rng.poisson(4.0, ADVERTISERS))
    size = len(cluster)
    by_advertiser = rng.choice(list(NATIONALITIES), ADVERTISERS, p=list(NATIONALITIES.values()))
    nationality = by_advertiser[cluster]
    domestic = rng.random(size) < np.array([DOMESTIC.get(code, 0.25) for code in nationality])
    gender = rng.choice(["woman", "man", "non-binary"], size, p=[0.58, 0.41, 0.01])
    channel = rng.choice(["web", "messaging", "print"], size, p=[0.5, 0.35, 0.15])
    exploited = rng.random(size) < 0.45
    is_drawn = rng.random(size) < np.where(exploited | np.isin(nationality, RARE), 0.95, 0.38)
    weight = np.where(exploited | np.isin(nationality, RARE), 1.0, 2.5)

    shared = 0.45 * rng.standard_normal(ADVERTISERS)[cluster]
    signal = np.where(exploited, 1.25, -1.25) + shared + 0.9 * rng.standard_normal(size)
    signal -= np.where(exploited & domestic, 1.2, 0.0)
    signal -= np.where(exploited & (nationality == "NPL"), 1.2, 0.0)
    planted = ~exploited & (nationality == "VNM") & (gender == "woman") & (channel == "messaging")
    signal += np.where(planted, 1.7, 0.0)
    score = 1.0 / (1.0 + np.exp(-signal))

    columns = {
        "advert": pa.array([f"advert-{number:05d}" for number in range(1, size + 1)]),
        "advertiser": pa.array([f"advertiser-{number:04d}" for number in cluster]),
        "exploitative": pa.array(exploited),
        "gender": pa.array(gender),
        "nationality": pa.array(nationality),
        "form": pa.array(np.where(domestic, "domestic work", "other work")),
        "channel": pa.array(channel, mask=rng.random(size) < 0.02),
        "design_weight": pa.array(weight),
        "drawn_at_random": pa.array(rng.random(size) < 0.20),
        "score": pa.array(np.round(score, 6)),
    }
    table = pa.table(columns).filter(pa.array(is_drawn))
    pq.write_table(table, folder / "adverts.parquet")
    (folder / "reference.csv").write_text(REFERENCE, encoding="utf-8", newline="\n")
    print(f"{table.num_rows} synthetic adverts of {ADVERTISERS} advertisers")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
