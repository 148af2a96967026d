"""Turn rows into counts. Nothing beyond this room knows how large the data were."""
