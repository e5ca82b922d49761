"""Checkpoints of sync metrics."""

from __future__ import annotations

from avbench.weights import Checkpoint

SYNC: tuple[Checkpoint, ...] = ()
