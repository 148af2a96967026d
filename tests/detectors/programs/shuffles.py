"""Answers in its own way: `swap` the third and fourth row, `skip` the third one, answer the second one `twice`."""

import json
import sys

held = None
for line in sys.stdin:
    row_id = json.loads(line)["row_id"]
    answer = json.dumps({"row_id": row_id, "score": 0.5})
    if sys.argv[1] == "swap" and row_id == 2:
        held = answer
        continue
    if sys.argv[1] == "skip" and row_id == 2:
        continue
    print(answer, flush=True)
    if held is not None:
        print(held, flush=True)
        held = None
    if sys.argv[1] == "twice" and row_id == 1:
        print(answer, flush=True)
