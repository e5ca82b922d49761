"""Checkpoints of audio metrics."""

from __future__ import annotations

from avbench.weights import Checkpoint

AUDIO: tuple[Checkpoint, ...] = ()
