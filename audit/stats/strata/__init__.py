"""Rates of stratified samples from populations whose sizes are known."""
