"""Takes 1.2 seconds to start and then answers at once."""

import json
import sys
import time

time.sleep(1.2)
for line in sys.stdin:
    print(json.dumps({"row_id": json.loads(line)["row_id"], "score": 0.5}), flush=True)
