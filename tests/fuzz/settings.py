"""How much a fuzz test tries: little by default and always the same.

`AUDIT7K_FUZZ_EXAMPLES=2000` tries more than every run of the tests does; `AUDIT7K_FUZZ_SEED=1` tries others;
`AUDIT7K_FUZZ_SHRINK=0` shows a failure as it was found, without minutes of making it smaller.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, TypeVar

from hypothesis import HealthCheck, Phase, seed, settings

EXAMPLES: Final = int(os.environ.get("AUDIT7K_FUZZ_EXAMPLES", "12"))
SEED: Final = os.environ.get("AUDIT7K_FUZZ_SEED")
_QUICK: Final = os.environ.get("AUDIT7K_FUZZ_SHRINK") == "0"
PHASES: Final = [one for one in Phase if not (_QUICK and one in (Phase.shrink, Phase.explain))]
LENIENT: Final = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture)
Test = TypeVar("Test", bound=Callable[..., None])


def some(share: float = 1.0) -> Callable[[Test], Test]:
    """Settings of a fuzz test: the same examples every time, or with AUDIT7K_FUZZ_SEED others."""
    fixed = settings(
        max_examples=max(1, int(EXAMPLES * share)),
        deadline=None,
        phases=PHASES,
        database=None,
        derandomize=SEED is None,
        suppress_health_check=LENIENT,
        print_blob=False,
    )
    return fixed if SEED is None else lambda test: fixed(seed(int(SEED))(test))
