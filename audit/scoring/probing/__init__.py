"""Counterfactual probes: texts and rows that differ from each other in one word or column, and what is said of them.

A probe brings its own rows and still ends in numbers: for every template how far the score moved, and which decisions
changed. No text and no row goes further than the detector.
"""
