"""CLIP ViT-B/32's embeddings of a prompt and of frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Frames, PromptText, Read

NAME = "clip_vit_b_32"
AT_ONCE = 16


def _network(device: str) -> Any:
    from avbench_metrics._features.networks import clip_text_image

    return weights.network(NAME, clip_text_image.build, clip_text_image.tiny, device, clip_text_image.convert)


def spread(frames: int, count: int) -> Array:
    """``count`` indices evenly from the first to the last of ``frames``, rounded half to even, int64; some repeat if it has fewer.

    The steps are taken in float32, as the official code does: the rounding may decide about a frame.
    """
    import torch

    return np.asarray(torch.linspace(0, frames - 1, count).round().long().numpy())


@dataclass(frozen=True)
class ClipText(Feature):
    """Embedding of the prompt's text, float32 (512,): at most 75 byte pairs and the end token."""

    libraries: ClassVar[tuple[str, ...]] = ("open_clip_torch",)

    @property
    def reads(self) -> tuple[Read, ...]:
        """The prompt's words."""
        return (PromptText(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """See ``Feature``."""
        return (NAME,)

    def prepare(self, clip: Clip) -> Array:
        """Token ids, int64 (1, 77); raises ``Unscorable`` where there are no words."""
        from avbench_metrics._features.networks.imagebind_input import text_ids  # ImageBind reads CLIP's byte pairs

        if not clip.prompt.text.strip():
            raise Unscorable("The prompt has no text.")
        return text_ids([clip.prompt.text], "fixed")

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """See the class."""
        import torch

        network = _network(device)

        def embed(batch: Sequence[Array]) -> Sequence[Array]:
            with torch.inference_mode():
                return list(network.text(torch.from_numpy(np.concatenate(batch)).to(device)).cpu().numpy())

        return embed


@dataclass(frozen=True)
class ClipFrames(Feature):
    """Embeddings of frames spread over the clip, float32 (count, 512), each of length 1.

    Args:
        count: of frames; some repeat where the clip has fewer.
        swapped: red and blue exchanged, as JavisBench feeds them.
    """

    libraries: ClassVar[tuple[str, ...]] = ("open_clip_torch",)
    batch_size: ClassVar[int] = 2
    count: int = 48
    swapped: bool = False

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is."""
        return (Frames(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """See ``Feature``."""
        return (NAME,)

    def prepare(self, clip: Clip) -> Array:
        """Squares, uint8 (count, 224, 224, 3)."""
        from avbench_metrics._features.networks.imagebind_input import squares

        frames = clip.frames(Frames())[0]
        cut = squares(frames[spread(len(frames), self.count)])
        return np.ascontiguousarray(cut[..., ::-1]) if self.swapped else cut

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """See the class."""
        import torch

        from avbench_metrics._features.networks.imagebind_input import normalised

        network = _network(device)

        def embed(cut: Array) -> Array:
            starts = range(0, len(cut), AT_ONCE)
            with torch.inference_mode():
                parts = [network.pictures(torch.from_numpy(normalised(cut[i : i + AT_ONCE])).to(device)).cpu() for i in starts]
            return np.asarray(torch.cat(parts).numpy())

        return lambda batch: [embed(cut) for cut in batch]
