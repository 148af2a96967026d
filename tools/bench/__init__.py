"""Measurements of this project's speed and memory, against the limit of the machine and against other libraries.

`make bench` (or `python -m tools.bench`) makes its data from a seed in a temporary folder, measures everything in one
run on one machine, and prints a table of what was measured, the goal, and whether it is met. It stores
nothing.
"""
