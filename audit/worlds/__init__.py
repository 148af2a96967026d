"""Synthetic worlds with known truth: rows that describe nobody, findings planted in them, and the rates behind them.

A `World` (world.py) describes how rows come about; adverts.py, triage.py and transactions.py hold the three worlds.
`plant` (strengths.py) puts findings of a stated size into a world. `Truth` (truth.py) computes the rates of every group
then. `synthesise` (folder.py) writes rows, plan, detector and truth. found.py compares an audit with the truth.
"""
