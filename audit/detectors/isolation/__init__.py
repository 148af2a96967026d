"""Run a detector in a process of its own, so that the harness loads no model file and runs no foreign code.

`placement` decides which detectors run in a child, and how. `contained` is the detector that stands for one in a child.
`process` starts, asks and ends the child. `child` is the program of the child, and `confinement` takes its rights away.

Importing this package loads nothing else: the child gives up its rights before it has any library with threads.
"""
