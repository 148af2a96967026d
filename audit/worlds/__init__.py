"""Synthetic worlds with known truth: rows that describe nobody, what was planted in them, and the rates behind them.

A `World` (world.py) says how rows come about: adverts.py, triage.py and transactions.py are the three there are.
`plant` (strengths.py) puts findings of a stated size into one, `Truth` (truth.py) adds up what it then does to every
group, `synthesise` (folder.py) writes rows, plan, detector and truth, and found.py holds an audit against them.
"""
