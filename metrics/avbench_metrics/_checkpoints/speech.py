"""Checkpoints of speech metrics."""

from __future__ import annotations

from avbench.weights import Checkpoint

SPEECH: tuple[Checkpoint, ...] = ()
