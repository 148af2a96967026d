"""`python -m audit` is the same as `audit7k`."""

from __future__ import annotations

from audit.cli import main

if __name__ == "__main__":
    main()
