"""Writes its environment and its folder to the first argument, and decides that every row is flagged."""

import json
import os
import sys
from pathlib import Path

Path(sys.argv[1]).write_text(json.dumps({"folder": str(Path.cwd()), **os.environ}), encoding="utf-8")
for line in sys.stdin:
    print(json.dumps({"row_id": json.loads(line)["row_id"], "decision": True}), flush=True)
