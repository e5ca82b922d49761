"""Metrics of the audio axis."""
