"""Two answers about the same case: probes and model versions."""
