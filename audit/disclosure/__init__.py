"""The wall between exact and public: exact counts in, rows that may be printed out.

`publish` is the whole story on one page: `shape` takes counts out of a result, `cut` and `tables` make rows of people,
`draws` makes the numbers that are printed and `left` checks them, `words` adds verdicts, and `restricted` keeps key and
log. `read` reads what somebody hands on.
"""
