"""Checkpoints of alignment metrics."""

from __future__ import annotations

from avbench.weights import Checkpoint

ALIGNMENT: tuple[Checkpoint, ...] = ()
