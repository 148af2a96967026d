"""Makes evaluation.parquet and training.parquet beside this file, or in the folder given as an argument.

The cases are synthetic. How they are drawn, and what is planted in them, stands in
`audit/worlds/demo/referral_cases.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow.parquet as pq

from audit.worlds.demo.prepare import DEFAULT_SEED, make_cases


def main(folder: Path) -> None:
    """Write both files into `folder`."""
    evaluation, training = make_cases(DEFAULT_SEED)
    pq.write_table(evaluation, folder / "evaluation.parquet", compression="zstd")
    pq.write_table(training, folder / "training.parquet", compression="zstd")
    print(f"{evaluation.num_rows} synthetic cases to judge by, {training.num_rows} others to train on")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
