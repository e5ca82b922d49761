"""Audiobox Aesthetics (Tjandra et al., arXiv 2502.05139): four ratings of a sound by a WavLM with one head per axis.

The network is the package audiobox-aesthetics'; built here from its published configuration, so that no hub is asked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from avbench.compat import mend_torch
from avbench.feature import Array

RATE, WINDOW = 16_000, 160_000
SHORTEST = 400  # samples of the encoder's first frame
AXES = ("CE", "CU", "PC", "PQ")
# target_transform of config.json, facebook/audiobox-aesthetics at 9b1dd8e: a head's output times the second plus the first.
MEANS, SPREADS = (5.06865, 5.73633, 3.18591, 6.57505), (1.93029, 1.75669, 1.86637, 1.51466)
BATCH = 4  # windows


def build() -> Any:
    """The official network (324 tensors, 103,859,112 parameters), randomly initialised, in eval mode, names as published."""
    return _network({}, layers=12, depth=5)


def tiny() -> Any:
    """The same class with an encoder of two thin layers: a stand-in that knows nothing."""
    thin = {
        "encoder_layers": 2, "encoder_embed_dim": 32, "encoder_ffn_embed_dim": 32, "encoder_attention_heads": 2,
        "conv_feature_layers": "[(16,10,5)] + [(16,3,2)] * 4 + [(16,2,2)] * 2", "conv_pos": 16, "conv_pos_groups": 2,
    }  # fmt: skip
    return _network(thin, layers=2, depth=2)


def _network(changes: dict[str, Any], layers: int, depth: int) -> Any:
    mend_torch()
    from audiobox_aesthetics.model import aes
    from audiobox_aesthetics.model.wavlm import WavLMConfig

    official = aes.DEFAULT_AUDIO_CFG
    aes.DEFAULT_AUDIO_CFG = WavLMConfig({**vars(official), **changes})  # its constructor takes no other encoder
    try:
        network = aes.AesMultiOutput(proj_num_layer=depth, proj_ln=True, nth_layer=layers + 1)
    finally:
        aes.DEFAULT_AUDIO_CFG = official
    return network.eval()


def ratings(network: Any, samples: Array, device: str = "cpu") -> Array:
    """Content enjoyment, content usefulness, production complexity and production quality, float64 (4,), about 1 to 10.

    Windows of 10 s one after the other, the last one filled up with zeros that a mask hides; the mean over windows is weighted by
    their sound. Source: repository facebookresearch/audiobox-aesthetics, 2618e9d, infer.py.

    Args:
        samples: float32 (N,), N > 0, mono at 16 kHz.
    """
    count = -(-len(samples) // WINDOW)
    lengths = [min(WINDOW, len(samples) - i * WINDOW) for i in range(count)]
    sounds = functional.pad(torch.from_numpy(samples), (0, count * WINDOW - len(samples))).reshape(count, 1, WINDOW)
    masks = torch.arange(WINDOW) < torch.tensor(lengths)[:, None, None]
    found = []
    with torch.inference_mode():
        for start in range(0, count, BATCH):
            part = slice(start, start + BATCH)
            answer = network({"wav": sounds[part].to(device), "mask": masks[part].to(device)})
            found.append(torch.stack([answer[axis] for axis in AXES], dim=-1).cpu().numpy().astype(np.float64))
    return np.asarray(np.average(np.concatenate(found), axis=0, weights=lengths) * SPREADS + MEANS)
