"""How often verdicts err, and what they can find.

Run it with ``make simulate`` or ``python -m simulate --runs 2000 --seed 1``. Each row of the table is one setting; "se"
is the Monte Carlo standard error in points. First the statistics alone, then whole audits over a full ladder.
"""

from __future__ import annotations

import argparse
from itertools import chain

from simulate import clustered_comparison, verdict_size, weighted_clusters, whole_audit


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500, help="simulated audits per setting")
    parser.add_argument("--whole-runs", type=int, default=200, help="the same for whole audits, which take longer")
    parser.add_argument("--seed", type=int, default=20260801, help="seed of all random numbers")
    arguments = parser.parse_args()
    print(f"{'setting':<58}{'event':<30}{'%':>6}{'se':>6}{'runs':>8}  expected   (seed {arguments.seed})")
    for row in chain(
        verdict_size.all_settings(arguments.runs, arguments.seed),
        whole_audit.all_settings(arguments.whole_runs, arguments.seed),
        clustered_comparison.all_settings(arguments.runs, arguments.seed),
        weighted_clusters.all_settings(arguments.whole_runs, arguments.seed),
    ):
        numbers = f"{100 * row.share:>6.1f}{100 * row.standard_error:>6.1f}{row.runs:>8}"
        print(f"{row.setting:<58}{row.event:<30}{numbers}  {row.expected}", flush=True)


if __name__ == "__main__":
    main()
