"""Answers row N with argument N as it stands, and from the first again; ID is the row's id, BYTE is no UTF-8."""

import json
import sys

for line in sys.stdin:
    row_id = json.loads(line)["row_id"]
    what = sys.argv[1 + row_id % (len(sys.argv) - 1)]
    text = what.replace("ID", str(row_id)).replace("\\n", "\n") + "\n"
    sys.stdout.buffer.write(text.encode().replace(b"BYTE", b"\xff"))
    sys.stdout.flush()
