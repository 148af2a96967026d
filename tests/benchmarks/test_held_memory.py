"""What scoring holds at its peak does not grow with the rows: two sizes on both sides of every limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.bench.harness import MOST_HELD
from tools.bench.scored_set import write_set

SCORE = """
import sys
from pathlib import Path
from tools.bench.scoring import memory
memory(Path(sys.argv[1]))
status = Path("/proc/self/status").read_text()
print(status.partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say what a process held")
def test_a_set_twelve_times_as_large_is_scored_in_the_memory_of_the_smaller(tmp_path: Path) -> None:
    """About five seconds: below a million rows ids are compared in memory, and the other way would not be seen."""
    held = []
    for rows in (100_000, 1_200_000):
        path = tmp_path / f"{rows}.parquet"
        write_set(path, rows)
        done = subprocess.run(
            [sys.executable, "-c", SCORE, str(path)], check=True, capture_output=True, text=True, timeout=300
        )
        held.append(int(done.stdout))
    assert held[1] <= MOST_HELD * held[0]
