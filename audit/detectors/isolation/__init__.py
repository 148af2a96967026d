"""Runs a detector in a process of its own: what loads a model file or runs somebody's code stays out of the harness.

`placement` says which detectors are contained and how, `contained` is the detector that stands for one in a child,
`process` starts, asks and ends the child, `child` is what runs there and `confinement` what it gives up first.

Importing this package loads nothing else: the child gives up its rights before it has any library with threads.
"""
