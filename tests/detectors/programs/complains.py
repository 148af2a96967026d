"""Writes 70 kB to stderr for each row, with the row in it, and answers."""

import json
import sys

for line in sys.stdin:
    sys.stderr.write(line * (70_000 // len(line) + 1))
    sys.stderr.flush()
    print(json.dumps({"row_id": json.loads(line)["row_id"], "score": 0.5}), flush=True)
