"""Microsoft's CLAP of 2023: HTS-AT for sound, GPT-2 for text (Elizalde et al., arXiv 2309.05767), through transformers.

Facts from github.com/microsoft/CLAP. Its HTS-AT is LAION's, so the names of ``CLAP_weights_2023.pth`` are turned by the same rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from avbench.compat import mend_torch

from .clap import INDICES, from_laion

EMBEDDING = 1024
TINY_VOCABULARY = 1000
SOUND, TEXT = "audio_encoder.", "caption_encoder."


class Projection(nn.Module):
    """One layer, and a second one added to it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(width, EMBEDDING, bias=False)
        self.linear2 = nn.Linear(EMBEDDING, EMBEDDING, bias=False)
        self.layer_norm = nn.LayerNorm(EMBEDDING)

    def forward(self, pooled: Tensor) -> Tensor:
        """(N, width) to (N, 1024)."""
        first = self.linear1(pooled)
        return self.layer_norm(first + self.linear2(functional.gelu(first)))


class MsClap(nn.Module):
    """Embeddings of any length from one space.

    Args:
        audio: of transformers' ``ClapAudioConfig``.
        text: of its ``GPT2Config``.
    """

    def __init__(self, audio: Mapping[str, Any], text: Mapping[str, Any]) -> None:
        super().__init__()
        mend_torch()
        from transformers import ClapAudioConfig, ClapAudioModel, GPT2Config, GPT2Model

        self.audio_model = ClapAudioModel(ClapAudioConfig(**audio))
        self.text_model = GPT2Model(GPT2Config(**text))
        self.audio_projection = Projection(self.audio_model.config.hidden_size)
        self.text_projection = Projection(self.text_model.config.n_embd)
        self.logit_scale = nn.Parameter(torch.zeros(()))
        for module in self.modules():
            for name, buffer in list(module.named_buffers(recurse=False)):
                if name in INDICES:
                    module.register_buffer(name, buffer, persistent=False)

    def sound(self, spectra: Tensor) -> Tensor:
        """Spectra (N, 1, at most 1024, 64) to (N, 1024)."""
        return self.audio_projection(self.audio_model(input_features=spectra).pooler_output)

    def text(self, ids: Tensor, place: int) -> Tensor:
        """Token ids (1, n), read at ``place``, to (1, 1024); no token sees a later one, so padding would change nothing."""
        return self.text_projection(self.text_model(input_ids=ids).last_hidden_state[:, place])


def build() -> MsClap:
    """The network of 2023: HTS-AT tiny, 12 layers of GPT-2."""
    network = MsClap({"depths": (2, 2, 6, 2)}, {})
    network.eval()
    return network


def tiny() -> MsClap:
    """The same network with one narrow block a stage and 1000 words; embeddings of the official size."""
    audio = {"patch_embeds_hidden_size": 8, "hidden_size": 64, "depths": (1, 1, 1, 1), "num_attention_heads": (2, 2, 2, 2)}
    ends = {"bos_token_id": TINY_VOCABULARY - 1, "eos_token_id": TINY_VOCABULARY - 1}
    network = MsClap(audio, {"n_embd": 32, "n_layer": 2, "n_head": 2, "vocab_size": TINY_VOCABULARY, **ends})
    network.eval()
    return network


def convert(content: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state dict of ``MsClap`` from Microsoft's file, which keeps it under ``model``."""
    state: dict[str, Tensor] = {}
    sound: dict[str, Tensor] = {}
    for name, tensor in content["model"].items():
        if name.startswith(f"{SOUND}base.htsat."):
            sound["audio_branch." + name.removeprefix(f"{SOUND}base.htsat.")] = tensor
        elif name.startswith(f"{TEXT}base."):
            if not name.endswith((".attn.bias", ".attn.masked_bias")):  # masks that older versions kept
                state["text_model." + name.removeprefix(f"{TEXT}base.")] = tensor
        else:
            state[name.replace(f"{SOUND}projection", "audio_projection").replace(f"{TEXT}projection", "text_projection")] = tensor
    return state | from_laion(sound)
