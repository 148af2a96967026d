"""Makes transactions.csv, reference.csv and truth.json beside this file, or in the folder given.

Every row is made up and describes nobody. The same as `audit7k synthesise transactions` writes;
detector and plan are here.
"""

import sys
from pathlib import Path

from audit.worlds.folder import make_example

if __name__ == "__main__":
    print(make_example("transactions", Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent))
