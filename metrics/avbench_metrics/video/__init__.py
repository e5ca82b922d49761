"""Metrics of the video axis."""
