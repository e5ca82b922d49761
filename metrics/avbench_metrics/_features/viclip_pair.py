"""ViCLIP's embeddings of a clip and of its prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Frames, PromptText, Read
from avbench_metrics._features.resized import centre_crop, short_side, spread

CHECKPOINT = "viclip_internvid_10m"
FRAMES, CONTEXT = 8, 32


@dataclass(frozen=True)
class ViClipPair(Feature):
    """Embeddings of 8 frames, from the middles of eighths of the clip, and of the prompt's text: float32 (2, 768), of length 1."""

    libraries: ClassVar[tuple[str, ...]] = ("open_clip_torch",)
    batch_size: ClassVar[int] = 4

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is, and the prompt."""
        return (Frames(), PromptText())

    @property
    def weights(self) -> tuple[str, ...]:
        """The authors' file."""
        return (CHECKPOINT,)

    def prepare(self, clip: Clip) -> Any:
        """Frames uint8 (8, 224, 224, 3), the last repeated where there are fewer, and tokens int64 (32,).

        Raises ``Unscorable`` where the prompt has no text.
        """
        if not clip.prompt.text:
            raise Unscorable("The prompt has no text.")
        frames, _ = clip.frames(Frames())
        chosen = spread(len(frames), FRAMES)
        chosen = np.append(chosen, np.full(FRAMES - len(chosen), chosen[-1]))
        return centre_crop(short_side(frames[chosen], 224, "bicubic"), 224), tokens_of(clip.prompt.text)

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Clip by clip."""
        import torch
        from torch.nn import functional

        from avbench_metrics._features.networks import clip, viclip

        network = weights.network(CHECKPOINT, viclip.build, viclip.tiny, device, viclip_state)
        mean, deviation = (torch.tensor(values).view(3, 1, 1, 1).to(device) for values in (clip.MEAN, clip.DEVIATION))

        def pair(frames: Array, tokens: Array) -> Array:
            with torch.no_grad():
                video = (torch.from_numpy(frames).to(device).permute(3, 0, 1, 2).float() / 255.0 - mean) / deviation
                seen = network.vision_encoder(video[None])
                read = network.text_encoder(torch.from_numpy(tokens)[None].to(device))
                return np.asarray(functional.normalize(torch.cat([seen, read]), dim=-1).cpu().numpy())

        return lambda batch: [pair(frames, tokens) for frames, tokens in batch]


def tokens_of(text: str) -> Array:
    """CLIP's byte pairs, lower case, int64 (32,): start, text, end, zeros; of a longer text the last of 32 is the end."""
    found = _tokenizer()(text)[0].numpy()
    return np.asarray(found, dtype=np.int64)


@cache
def _tokenizer() -> Any:
    from avbench.compat import mend_torch

    mend_torch()
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer(context_length=CONTEXT)


def viclip_state(content: dict[str, Any]) -> dict[str, Any]:
    """The tensors of the authors' file, which lie in its entry ``model``; raises ``KeyError`` where there is none."""
    return dict(content["model"])
