"""`python -m audit` is the same as `audit7k`."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the working folder: who sent the cases may have put a module there

    from audit7k import main

    main()
