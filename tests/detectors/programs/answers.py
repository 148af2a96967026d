"""Answers every row at once, as a program should: the score is the length of the text, up to ten, over ten."""

import json
import sys

for line in sys.stdin:
    row = json.loads(line)
    text = row["features"]["text"]
    answer = {"row_id": row["row_id"], "score": min(len(text or ""), 10) / 10}
    print(json.dumps(answer), flush=True)
