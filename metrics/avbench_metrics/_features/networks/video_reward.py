"""VideoReward: Qwen2-VL-2B (transformers) with one head that reads a reward at every mark of its question.

Sources: Liu et al., arXiv 2501.13918; github.com/KwaiVGI/VideoAlign; Qwen2-VL, arXiv 2409.12191. The published file holds the whole
network, bfloat16, with its low-rank adapters beside the weights they change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from avbench.compat import mend_torch

VOCABULARY, VIDEO = 151_660, 151_656  # entries; id of the place of a piece of picture
RANK, ALPHA = 64, 128  # of the adapters
PREFIX = "base_model.model."
LAYERS = ("visual.", "model.visual."), ("model.", "model.language_model.")  # older and present names in transformers

TINY_VOCABULARY, TINY_VIDEO = 1000, 1
_NO_ENDS = {"bos_token_id": None, "eos_token_id": None}  # nothing is generated
_TEXT = {
    "vocab_size": VOCABULARY, "hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12,
    "num_key_value_heads": 2, "rms_norm_eps": 1e-6, "rope_theta": 1e6,
    "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}, **_NO_ENDS,
}  # fmt: skip
_VISION = {"depth": 32, "embed_dim": 1280, "hidden_size": 1536, "num_heads": 16, "mlp_ratio": 4}
_TINY_TEXT = {
    "vocab_size": TINY_VOCABULARY, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "rope_scaling": {"type": "mrope", "mrope_section": [2, 1, 1]}, **_NO_ENDS,
}  # fmt: skip
_TINY_VISION = {"depth": 1, "embed_dim": 32, "hidden_size": 32, "num_heads": 4}


class VideoReward(nn.Module):
    """Pieces of pictures and a question to rewards."""

    def __init__(self, text: dict[str, Any], vision: dict[str, Any], video: int) -> None:
        super().__init__()
        mend_torch()
        from transformers import Qwen2VLConfig, Qwen2VLModel

        self.video = video
        self.model = Qwen2VLModel(Qwen2VLConfig(text_config=text, vision_config=vision, video_token_id=video, image_token_id=-1))
        self.rm_head = nn.Linear(text["hidden_size"], 1, bias=False)

    def forward(self, question: Tensor, patches: Tensor, grid: Sequence[int], marks: Sequence[int]) -> Tensor:
        """Rewards of one clip, float (marks,).

        Args:
            question: token ids, int64 (length,), with one ``VIDEO`` for each 2 x 2 patches.
            patches: float (t * h * w, 1176), see ``video_reward_input.patches``.
            grid: t, h, w.
            marks: token ids that a reward is read at; each must stand in the question once.

        Raises ``ValueError`` where a mark is absent or stands twice.
        """
        places = [torch.nonzero(question == mark).flatten() for mark in marks]
        if any(len(place) != 1 for place in places):
            raise ValueError(f"Each of the marks {tuple(marks)} must stand in the question once.")
        # as VideoAlign calls it: places in the sequence alone, not Qwen2-VL's places in time and picture
        order = torch.arange(len(question), device=question.device).expand(3, 1, -1)
        hidden = self.model(
            input_ids=question[None],
            position_ids=order,
            pixel_values_videos=patches,
            video_grid_thw=torch.tensor([list(grid)], device=question.device),
            use_cache=False,
        ).last_hidden_state[0]
        return torch.cat([self.rm_head(hidden[place])[0] for place in places])


def merged(weight: Tensor, down: Tensor, up: Tensor, scale: float) -> Tensor:
    """A weight (out, in) with its low-rank adapter: W + scale * up (out, rank) down (rank, in)."""
    return weight + scale * (up @ down)


def converted(content: dict[str, Tensor]) -> dict[str, Tensor]:
    """This module's state dict in float32 from the published file's content, which is used up: both at once are too large.

    The head that predicts words is dropped; what else does not belong to the network keeps its name, so that loading it fails.
    Raises ``KeyError`` where half of an adapter is absent, ``RuntimeError`` where its shape is wrong.
    """
    state: dict[str, Tensor] = {}
    for name in [name for name in content if ".lora_" not in name]:
        weight = content.pop(name).float()
        layer = name.removesuffix(".base_layer.weight")
        if layer != name:
            down, up = (content.pop(f"{layer}.lora_{half}.default.weight").float() for half in "AB")
            weight = merged(weight, down, up, ALPHA / RANK)
        state[_renamed(name.replace(".base_layer.", "."))] = weight
    state.pop("lm_head.weight", None)
    return state | content


def _renamed(name: str) -> str:
    name = name.removeprefix(PREFIX)
    for old, new in LAYERS:
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def build() -> VideoReward:
    """The official size (2,208,563,200 parameters beside the head of words) on the meta device, to be given a file's tensors."""
    with torch.device("meta"):
        network = VideoReward(_TEXT, _VISION, VIDEO)
    # frequencies of positions are computed, not loaded: they come from a network without layers
    real = VideoReward({**_TEXT, "num_hidden_layers": 0, "vocab_size": 1}, {**_VISION, "depth": 0}, VIDEO)
    network.model.language_model.rotary_emb = real.model.language_model.rotary_emb
    network.model.visual.rotary_pos_emb = real.model.visual.rotary_pos_emb
    network.eval()
    return network


def tiny() -> VideoReward:
    """The same network small enough for tests, with a vocabulary of 1,000."""
    network = VideoReward(_TINY_TEXT, _TINY_VISION, TINY_VIDEO)
    network.eval()
    return network
