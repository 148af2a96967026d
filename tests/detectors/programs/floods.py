"""Writes for ever without reading: the first argument, with a line end if there is a second one."""

import sys

piece = sys.argv[1] * 1000 if len(sys.argv) == 2 else (sys.argv[1] + "\n") * 1000
while True:
    sys.stdout.write(piece)
