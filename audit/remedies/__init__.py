"""What would bring the groups within the limits, and who pays: chosen on one half of the cases, judged on the other."""
