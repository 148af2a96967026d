"""Simulations of how often verdicts and intervals err, and what they can find.

Run it with ``make simulate`` or ``python -m tools.simulate --runs 2000 --only many_groups``. Each row is one setting;
"se" is the Monte Carlo standard error in points. A subject with `SETTINGS` can be asked for one of them alone:
``--only nightly --setting fail-rare-growing`` gives the row that all of them give. First the statistics alone, then
whole audits.
"""

from __future__ import annotations

import argparse
import importlib
from types import ModuleType
from typing import Final

SUBJECTS: Final = {
    "exact_sizes": 1.0,
    "verdict_size": 1.0,
    "many_groups": 1.0,
    "weighted_clusters": 1.0,
    "clustered_comparison": 1.0,
    "unlike_clusters": 1.0,
    "hidden_clusters": 0.4,
    "informative_weights": 1.0,
    "strata": 0.4,
    "auc_coverage": 2.0,
    "calibration_size": 2.0,
    "conditional": 2.0,
    "second_questions": 2.0,
    "costs_and_own_measures": 1.0,
    "subgroup_scan": 0.4,
    "unknown_factors": 2.0,
    "public_sets": 0.4,
    "public_guesses": 2.0,
    "public_replay": 0.2,
    "public_small": 4.0,
    "public_weighted": 0.04,
    "selected": 1.0,
    "planning": 1.0,
    "joint_planning": 0.06,
    "changes": 0.6,
    "blind_attempts": 8.0,
    "swaps": 4.0,
    "drawing": 0.8,
    "whole_audit": 0.4,
    "nightly": 0.6,
    "public_words": 0.08,
    "public_near_limits": 1.0,
    "public_named": 0.4,
    "remedies": 1.0,
}
"""Modules of this folder in their order, and how many runs of each setting they get for one of `--runs`."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500, help="simulated audits per setting; fewer where one is slow")
    parser.add_argument("--seed", type=int, default=20260801, help="seed of all random numbers")
    parser.add_argument("--only", choices=SUBJECTS, action="append", help="one subject; can be given several times")
    parser.add_argument("--setting", help="one setting of the subject that --only names, where it has names for them")
    arguments = parser.parse_args()
    subjects = arguments.only or list(SUBJECTS)
    chosen = {} if arguments.setting is None else {"only": arguments.setting}
    if chosen and (len(subjects) != 1 or arguments.setting not in getattr(_module(subjects[0]), "SETTINGS", ())):
        parser.error("--setting is a name of SETTINGS in the one subject that --only names")
    print(f"{'setting':<90} {'event':<34}{'%':>6}{'se':>6}{'runs':>8}  expected   (seed {arguments.seed})")
    for subject in subjects:
        print(f"# {subject}", flush=True)
        runs = max(1, round(arguments.runs * SUBJECTS[subject]))
        for row in _module(subject).all_settings(runs, arguments.seed, **chosen):
            numbers = f"{100 * row.share:>6.1f}{100 * row.standard_error:>6.1f}{row.runs:>8}"
            print(f"{row.setting:<90} {row.event:<34}{numbers}  {row.expected}", flush=True)


def _module(subject: str) -> ModuleType:
    return importlib.import_module(f"tools.simulate.{subject}")


if __name__ == "__main__":
    main()
