"""LAION's CLAP, sound and text in one space, through transformers (Wu et al., arXiv 2211.06687).

Two families of files hold it. transformers' own bear the names of its ``ClapModel``; LAION's bear those of
github.com/LAION-AI/CLAP and are renamed by ``from_laion``. Numbers that only index (positions, pairs of a window) are the network's
own and never read from a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from avbench.compat import mend_torch

INDICES = ("position_ids", "token_type_ids", "relative_position_index", "attn_mask")
LONGEST_TEXT = 512
TINY_VOCABULARY = 1000
# HTS-AT's (width, blocks of each stage)
SIZES = {"tiny": (96, (2, 2, 6, 2)), "base": (128, (2, 2, 12, 2))}
# what LAION's files hold beside what an embedding needs: heads of pre-training, and layers that compute spectrograms
LEFT_OUT = re.compile(r"(text|audio)_transform\.|audio_branch\.(spectrogram_extractor|logmel_extractor|tscam_conv|head)\.")
RENAMED = (
    (r"^text_branch\.", "text_model."),
    (r"^audio_branch\.", "audio_model.audio_encoder."),
    (r"^((?:text|audio)_projection)\.0\.", r"\1.linear1."),
    (r"^((?:text|audio)_projection)\.2\.", r"\1.linear2."),
    (r"\.bn0\.", ".batch_norm."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.attn\.proj\.", ".attention.output.dense."),
    (r"\.attn\.", ".attention.self."),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
)


def _make(audio: Mapping[str, Any], text: Mapping[str, Any]) -> nn.Module:
    mend_torch()
    from transformers import ClapConfig, ClapModel

    network: nn.Module = ClapModel(ClapConfig(audio_config=dict(audio), text_config=dict(text)))
    for module in network.modules():
        for name, buffer in list(module.named_buffers(recurse=False)):
            if name in INDICES:
                module.register_buffer(name, buffer, persistent=False)
    network.eval()
    return network


def _audio(size: str, fusion: bool) -> dict[str, Any]:
    width, blocks = SIZES[size]
    fused = {"enable_fusion": True, "fusion_type": "aff_2d"} if fusion else {}
    return {"patch_embeds_hidden_size": width, "hidden_size": 8 * width, "depths": blocks, **fused}


def unfused() -> nn.Module:
    """laion/clap-htsat-unfused, 153,492,890 parameters. Its text trunk divides by deviations with 1e-12, not RoBERTa's 1e-5."""
    return _make(_audio("tiny", False), {"layer_norm_eps": 1e-12})


def fusion() -> nn.Module:
    """630k-audioset-fusion-best, with RoBERTa's own 1e-5."""
    return _make(_audio("tiny", True), {"layer_norm_eps": 1e-5})


def base() -> nn.Module:
    """music_speech_audioset_epoch_15_esc_89.98, with RoBERTa's own 1e-5."""
    return _make(_audio("base", False), {"layer_norm_eps": 1e-5})


def _tiny(fused: bool) -> nn.Module:
    audio = {"patch_embeds_hidden_size": 8, "hidden_size": 64, "depths": (1, 1, 1, 1), "num_attention_heads": (2, 2, 2, 2)}
    fuse = {"enable_fusion": True, "fusion_type": "aff_2d"} if fused else {}
    text = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    return _make({**audio, **fuse}, {**text, "vocab_size": TINY_VOCABULARY})


def tiny() -> nn.Module:
    """The same network with one narrow block a stage and 1000 words; embeddings of the official size."""
    return _tiny(False)


def tiny_fusion() -> nn.Module:
    """``tiny`` with fusion."""
    return _tiny(True)


def embed_sound(network: nn.Module, spectra: Tensor, longer: bool) -> Tensor:
    """Spectra (N, 1 or 4, 1001, 64) to embeddings (N, 512) of length 1.

    Args:
        longer: they are four views of sounds of more than 10 s, to be fused; else only the first view counts.
    """
    flags = torch.full((len(spectra), 1), longer, device=spectra.device)
    pooled = network.audio_model(input_features=spectra, is_longer=flags).pooler_output
    return functional.normalize(network.audio_projection(pooled), dim=-1)


def embed_text(network: nn.Module, ids: Tensor) -> Tensor:
    """Token ids (1, at most 512) of one text, without padding, to (1, 512) of length 1."""
    return functional.normalize(network.text_projection(network.text_model(input_ids=ids).pooler_output), dim=-1)


def from_transformers(content: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of ``unfused`` from transformers' file."""
    return {name: tensor for name, tensor in content.items() if not name.endswith(INDICES)}


def from_laion(content: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state dict of ``fusion`` or ``base`` from LAION's file.

    The file keeps the weights under ``state_dict`` with ``module.`` before each name, and query, key and value in one matrix.
    """
    state: dict[str, Tensor] = {}
    for name, tensor in content.get("state_dict", content).items():
        name = name.removeprefix("module.")
        if LEFT_OUT.match(name) or name.endswith(INDICES):
            continue
        for pattern, new in RENAMED:
            name = re.sub(pattern, new, name)
        if ".qkv." in name:
            for part, piece in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                state[name.replace(".qkv.", f".{part}.")] = piece
        else:
            state[name] = tensor
    return state
