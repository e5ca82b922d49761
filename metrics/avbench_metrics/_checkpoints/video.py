"""Checkpoints of video metrics."""

from __future__ import annotations

from avbench.weights import Checkpoint

VIDEO: tuple[Checkpoint, ...] = ()
