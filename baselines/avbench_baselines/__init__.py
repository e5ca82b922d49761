"""Bundled models: floors, ceilings and any external program."""
