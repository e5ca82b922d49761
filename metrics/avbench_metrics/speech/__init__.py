"""Metrics of the speech axis."""
