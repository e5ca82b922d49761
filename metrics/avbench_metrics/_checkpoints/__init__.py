"""Every checkpoint that the bundled metrics can use, one module per kind of network."""

from __future__ import annotations

from avbench.weights import Checkpoint
from avbench_metrics._checkpoints.alignment import ALIGNMENT
from avbench_metrics._checkpoints.audio import AUDIO
from avbench_metrics._checkpoints.speech import SPEECH
from avbench_metrics._checkpoints.sync import SYNC
from avbench_metrics._checkpoints.video import VIDEO

CHECKPOINTS: tuple[Checkpoint, ...] = (*ALIGNMENT, *AUDIO, *SPEECH, *SYNC, *VIDEO)
