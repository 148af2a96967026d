"""Statistics of counts: intervals, exact tests, families of tests, sample sizes.

Every function takes arrays with one element for each group and returns arrays. Nothing here reads a file, the clock or
a random state; numpy and scipy are the only imports.
"""
