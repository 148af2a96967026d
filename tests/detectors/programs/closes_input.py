"""Answers one row, closes its input, and sleeps."""

import json
import os
import sys
import time

row = json.loads(sys.stdin.readline())
print(json.dumps({"row_id": row["row_id"], "score": 0.5}), flush=True)
os.close(0)
time.sleep(600)
