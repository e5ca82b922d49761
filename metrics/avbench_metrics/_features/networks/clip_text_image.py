"""CLIP ViT-B/32 of OpenAI, pictures and text, through open_clip (Radford et al., arXiv 2103.00020).

The parameters bear the names of OpenAI's ``ViT-B-32.pt``. That file holds half precision, and OpenAI's code runs it so on a GPU;
here all is computed in single precision, as OpenAI's code does on a CPU. The two differ in the fourth digit of a cosine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from avbench.compat import mend_torch

EMBEDDING = 512
NO_PARAMETERS = ("input_resolution", "context_length", "vocab_size")  # sizes that OpenAI's archive carries along


class TextImage(nn.Module):
    """Embeddings of length 1 from one space.

    Args:
        vision: ``layers``, ``width``, ``patch_size`` and so on, as open_clip's configurations name them.
        text: the same of text.
    """

    def __init__(self, vision: Mapping[str, Any], text: Mapping[str, Any]) -> None:
        super().__init__()
        mend_torch()
        from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

        self.clip = CLIP(EMBEDDING, CLIPVisionCfg(**vision), CLIPTextCfg(**text), quick_gelu=True)

    def pictures(self, values: Tensor) -> Tensor:
        """RGB (N, 3, 224, 224), normalised by CLIP's mean and deviation, to (N, 512)."""
        return self.clip.encode_image(values, normalize=True)

    def text(self, ids: Tensor) -> Tensor:
        """Token ids (N, 77), whose largest is the end token, to (N, 512)."""
        return self.clip.encode_text(ids, normalize=True)


def build() -> TextImage:
    """ViT-B/32 with QuickGELU, 151,277,313 parameters."""
    network = TextImage(
        {"image_size": 224, "layers": 12, "width": 768, "patch_size": 32},
        {"context_length": 77, "vocab_size": 49_408, "width": 512, "heads": 8, "layers": 12},
    )
    network.eval()
    return network


def tiny() -> TextImage:
    """The same network, two layers of 64."""
    network = TextImage(
        {"image_size": 224, "layers": 2, "width": 64, "head_width": 32, "patch_size": 32},
        {"context_length": 77, "vocab_size": 49_408, "width": 32, "heads": 2, "layers": 2},
    )
    network.eval()
    return network


def convert(archive: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of ``TextImage`` from OpenAI's archive."""
    return {f"clip.{name}": tensor for name, tensor in archive.items() if name not in NO_PARAMETERS}
