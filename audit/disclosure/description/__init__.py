"""A differentially private description of an evaluation set: who is in it, with a stated epsilon.

`tables` says what can be counted, from the plan alone; `counting` counts it; `mechanism` adds the noise; `ledger` holds
what was spent; `describe` puts them together, and `document` is what comes out.
"""
