"""Scores: ranking, calibration, thresholds and costs."""
