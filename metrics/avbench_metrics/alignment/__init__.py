"""Metrics of the alignment axis."""
