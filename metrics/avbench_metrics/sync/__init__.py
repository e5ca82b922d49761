"""Metrics of the sync axis."""
