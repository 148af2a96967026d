"""Statistics on counts: intervals, exact tests, families of tests, planning.

Every function takes arrays with one element per group and returns arrays; nothing here reads a file, the clock or
a random state, and numpy and scipy.special are the only imports.
"""
