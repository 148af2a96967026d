"""Scores and numbers in a file: every cell a finite number in range, or an abstention, before SQL compares anything.

DuckDB orders NaN above every number, so that `NaN >= 0.5` is true there: a broken model would be counted as one that
flags everyone. Texts are read by a closed grammar, because SQL would also take `inf`, `1_000` and ` 0.5 `.
"""

from __future__ import annotations
