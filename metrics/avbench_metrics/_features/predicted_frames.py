"""How far every second frame is from what AMT-S makes of its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Frames, Read
from avbench_metrics._maths.motion_smoothness import predicted_frames, prediction_error

CHECKPOINT = "amt_s"
SMALLEST = 113  # pixels: padded to 128, below which AMT does not work


@dataclass(frozen=True)
class PredictionErrors(Feature):
    """Mean absolute differences of frames 1, 3, 5 ... and AMT-S's middle of their neighbours: grey levels, float64 (pairs,)."""

    batch_size: ClassVar[int] = 1

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is."""
        return (Frames(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """The authors' file."""
        return (CHECKPOINT,)

    def prepare(self, clip: Clip) -> Array:
        """uint8 (frames, H, W, 3); raises ``Unscorable`` for fewer than three frames or sides under 113 pixels."""
        frames, _ = clip.frames(Frames())
        if len(frames) < 3:
            raise Unscorable("The clip has fewer than three frames; none lies between two others.", "too_short")
        height, width = frames.shape[1:3]
        if min(height, width) < SMALLEST:
            raise Unscorable(f"A picture of {width}x{height} is too small for AMT.", "too_small")
        return frames

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Frame by frame, clip by clip."""
        from avbench_metrics._features.networks import amt

        network = weights.network(CHECKPOINT, amt.build, amt.tiny, device, amt_state)

        def errors(frames: Array) -> Array:
            found = [
                prediction_error(frames[i], amt.middle_frame(network, frames[i - 1], frames[i + 1]))
                for i in predicted_frames(len(frames))
            ]
            return np.asarray(found, dtype=np.float64)

        return lambda batch: [errors(frames) for frames in batch]


def amt_state(content: dict[str, Any]) -> dict[str, Any]:
    """The tensors of the authors' file, which lie in its entry ``state_dict``; raises ``KeyError`` where there is none."""
    return dict(content["state_dict"])
