"""Measures how often verdicts and intervals err, and what they can find.

Run it with ``make simulate`` or ``python -m tools.simulate --runs 2000 --only many_groups``. "se" is the Monte Carlo
standard error in points, "most" the upper end of a one-sided 95 % interval. It exits with 1 if a promise is broken:
where so many events would come of a kept one in less than one of 10,000 simulations. With ``--record`` the worst world
of each property is written down for docs/reference/error-rates.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tools.simulate.page import record
from tools.simulate.runner import Promise, Row, run
from tools.simulate.table import ATTACKS, PROMISES, TABLE


def main() -> int:
    """Print what is measured, and say whether every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500, help="simulated audits per world; fewer where one is slow")
    parser.add_argument("--seed", type=int, default=20260801, help="seed of all random numbers")
    parser.add_argument("--only", choices=TABLE, action="append", help="one simulation; can be given several times")
    parser.add_argument("--attacks", action="store_true", help="all attacks on what leaves the house, and nothing else")
    parser.add_argument("--world", default="", help="worlds alone whose label holds this text")
    parser.add_argument("--worlds", type=int, help="so many worlds of each part, chosen by the seed; all without it")
    parser.add_argument("--record", action="store_true", help="keep what is measured for the page of error rates")
    arguments = parser.parse_args()
    broken = 0
    print(
        f"{'world':<90} {'property':<60}{'%':>6}{'se':>6}{'most':>6}{'trials':>8}  promised   (seed {arguments.seed})"
    )
    for name in arguments.only or (ATTACKS if arguments.attacks else TABLE):
        print(f"# {name}", flush=True)
        rows = []
        for row in run(TABLE[name], arguments.runs, arguments.seed, arguments.world, arguments.worlds):
            rows.append(row)
            broken += _shown(row)
        for untried in unmeasured(rows):
            broken += 1
            print(f"{untried}: no trial in any world; give more --runs  NOT MEASURED")
        if arguments.record:
            record(name, rows, arguments.runs, arguments.seed, PROMISES)
    return 1 if broken else 0


def _shown(row: Row) -> bool:
    """Print a row, and say whether its promise is broken."""
    share, promise = row.measured, PROMISES.get(row.property, Promise())
    broken = promise.is_broken(share)
    figures = f"{100 * share.share:>6.1f}{100 * share.standard_error:>6.1f}{100 * share.at_most:>6.1f}{share.trials:>8}"
    remarks = "; ".join(filter(None, (str(promise), share.note, "BROKEN" if broken else "")))
    print(f"{row.world:<90} {row.property:<60}{figures}  {remarks}", flush=True)
    return broken


def unmeasured(rows: Sequence[Row]) -> list[str]:
    """Return the properties with a promise of which no world had a trial: nothing shows that it is kept."""
    promised = {row.property for row in rows if PROMISES.get(row.property, Promise()).kind != "none"}
    return sorted(promised - {row.property for row in rows if row.measured.trials})


if __name__ == "__main__":
    sys.exit(main())
