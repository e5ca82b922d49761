"""Toybox: procedural clips whose answers are known."""
