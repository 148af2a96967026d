"""The detectors of the worlds: files that are written beside the data, each complete in itself.

They are real detectors: they read the columns that a plan gives them and add up what speaks for exploitation. None of
them is told who somebody is, or what is planted.
"""
