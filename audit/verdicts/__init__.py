"""All that can turn a verdict: judging rates, probes, changes against a baseline, and many nights."""
