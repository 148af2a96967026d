"""The detectors of the worlds: files that are copied beside the data, each complete in itself.

They are real detectors: they read the columns that a plan gives them and add up the signs of exploitation. None of
them knows who somebody is, or what is planted.
"""
