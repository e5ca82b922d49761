"""``avbench explain``: how a number of a report came about."""

from __future__ import annotations

import argparse


def add_options(sub: argparse.ArgumentParser) -> None:
    """Options of the command."""


def execute(arguments: argparse.Namespace) -> int:
    """Print it."""
    return 0
