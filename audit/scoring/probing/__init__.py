"""Counterfactual probes: texts and rows that differ in one word or column, and the answers of the detector to them.

A probe brings its own rows and still ends in numbers: for every template, how far the score moved and which decisions
changed. No text and no row goes further than the detector.
"""
