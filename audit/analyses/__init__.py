"""Counts become estimates and disparities here; one file per question asked."""
