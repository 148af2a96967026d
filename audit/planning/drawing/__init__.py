"""Drawing an evaluation set from a pool of labelled cases."""
