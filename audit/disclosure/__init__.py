"""The wall between exact and public: exact counts in, one protected table out, and the attack on all that is published.

`release` is the whole story on one page: `protect` makes the table, `attack` looks for what it tells, `gates` and
`explain` hold every public file to it, and `restricted` keeps the key and the log.
"""
