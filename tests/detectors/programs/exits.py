"""Answers two rows and then leaves with code 7, half a line behind it. It repeats what it was given on stderr."""

import json
import sys

for count, line in enumerate(sys.stdin):
    print(line, file=sys.stderr, flush=True)
    if count == 2:
        sys.stdout.write('{"row_id": 2, "sc')
        sys.stdout.flush()
        sys.exit(7)
    print(json.dumps({"row_id": json.loads(line)["row_id"], "score": 0.5}), flush=True)
