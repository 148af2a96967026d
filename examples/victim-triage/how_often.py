"""Repeats the demonstration over many seeds and counts how often what was planted is found, and the control accused.

    python how_often.py 60 1000      60 seeds from 1000 on

A few seconds a seed. The table in README.md was made by this.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from audit import run_audit
from audit.worlds.demo.found import accused_without_cause, what_was_found
from audit.worlds.demo.prepare import prepare_demo


def main(seeds: int, first: int) -> None:
    """`seeds` seeds, from `first` on."""
    states: Counter[tuple[str, str, str, str]] = Counter()
    outcomes: Counter[str] = Counter()
    accusing = 0
    for seed in range(first, first + seeds):
        with tempfile.TemporaryDirectory() as folder:
            prepared = prepare_demo(Path(folder) / "demo", seed=seed)
            result = run_audit(prepared.plan)
        for finding in what_was_found(prepared, result):
            planted = finding.planted
            outcome: str = "absent" if finding.rate.verdict is None else finding.rate.verdict.outcome
            states[planted.kind, planted.metric, planted.group.levels[0].code, outcome] += 1
        outcomes[result.overall.outcome] += 1
        without_cause = accused_without_cause(prepared, result)
        accusing += bool(without_cause)
        named = [(verdict.rule, [level.code for level in verdict.group.levels]) for verdict in without_cause]
        print(f"seed {seed}: {result.overall.outcome}", *named, flush=True)
    print(f"\nof {seeds} seeds; verdict of the audit: {dict(outcomes)}")
    for (kind, metric, code, outcome), times in sorted(states.items()):
        print(f"{kind:8} {metric:20} {code:5} {outcome:13} {times}")
    print(f"audits with a FAIL that nothing planted accounts for: {accusing}")


if __name__ == "__main__":
    arguments = [int(number) for number in sys.argv[1:]]
    main(*arguments, *(60, 1000)[len(arguments) :])
