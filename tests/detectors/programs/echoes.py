"""Writes every line that it was given into the file of the first argument, and abstains."""

import json
import sys
from pathlib import Path

with Path(sys.argv[1]).open("a", encoding="ascii") as seen:
    for line in sys.stdin:
        seen.write(line)
        seen.flush()
        print(json.dumps({"row_id": json.loads(line)["row_id"], "abstain": True}), flush=True)
