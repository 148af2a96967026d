"""``python -m simulate``."""

from simulate.verdict_size import main

main()
