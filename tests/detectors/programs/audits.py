"""A harness with the program of the arguments, for a test that interrupts it: prints the exception that ended it."""

import sys
from pathlib import Path

import pyarrow as pa

from audit.detectors.command import CommandDetector
from audit.detectors.protocol import RunContext
from audit.plan.detectors import CommandDetector as CommandSection
from audit.scoring.foreign_errors import open_detector

section = CommandSection(kind="command", command=tuple(sys.argv[1:]), features=("text",), threshold=0.5)
detector = CommandDetector(section, Path.cwd())
try:
    with open_detector(detector, "command", RunContext(Path.cwd(), ("text",), "score", (0.0, 1.0), 2)):
        detector.score(pa.record_batch({"row_id": [0, 1], "text": ["a", "b"]}))
except KeyboardInterrupt:
    print("interrupted", flush=True)
