"""PaSST: tags of AudioSet from 32 kHz sound (Koutini et al., arXiv 2110.05069), the package hear21passt's network.

The network is the package's; its front end is written anew, as the package's draws random numbers, warns and builds its filters
anew at every call.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from avbench.compat import mend_torch
from avbench.feature import Array

RATE = 32_000
HOP, WINDOW, TRANSFORM, BANDS, HIGHEST = 320, 800, 1024, 128, 15_000.0
CLASSES, WIDTH = 527, 768
SEGMENT, STEP, SHORTEST = 10 * RATE, 5 * RATE, RATE * 3 // 2  # Verse-Bench's windows, in samples


def build() -> Any:
    """``passt_s_swa_p16_128_ap476`` (159 tensors, 86,153,758 parameters) with torch's random parameters, in eval mode.

    The network maps ``log_mel`` (batch, 1, 128, frames), 16 to 1005 frames, to logits (batch, 527) and features (batch, 768),
    which are the mean of the class and the distillation token; ``forward_features`` gives the two tokens.
    From 1006 frames on (321,601 samples) and under 16 it raises ``RuntimeError``, as the official one does.
    Names are those of ``passt-s-f128-p16-s10-ap.476-swa.pt``.
    """
    return _network(depth=12, stride=10)


def tiny() -> Any:
    """The same class with one layer and a tenth of the patches: a stand-in that says nothing about sounds.

    Same input and output; it takes up to 1023 frames.
    """
    return _network(depth=1, stride=32, mlp_ratio=0.25)


def _network(depth: int, stride: int, mlp_ratio: float = 4.0) -> Any:
    mend_torch()
    from hear21passt.models import passt

    class Patches(passt.PatchEmbed):
        """The package's, less a warning at every call whose length is not 9.98 s."""

        def forward(self, x: Any) -> Any:
            return self.proj(x)

    class Network(passt.PaSST):
        """The package's, less its slow random numbers: torch's own serve until a checkpoint is loaded."""

        def init_weights(self, mode: str = "") -> None:
            pass

    passt.first_RUN = False  # it prints every shape of the first call
    return Network(
        img_size=(BANDS, 998), stride=(stride, stride), num_classes=CLASSES, embed_dim=WIDTH, depth=depth, num_heads=12,
        mlp_ratio=mlp_ratio, distilled=True, embed_layer=Patches,
    ).eval()  # fmt: skip


def log_mel(samples: Any) -> Any:
    """Float32 (batch, samples) at 32 kHz in [-1, 1] to (batch, 1, 128, frames) of 10 ms.

    Pre-emphasis 0.97, 25 ms under a symmetric Hann window, power, Kaldi's mel bands from 0 to 15 kHz,
    (ln(x + 1e-5) + 4.5) / 5. Source: hear21passt 0.0.26, whose training drew the highest frequency at random.
    """
    emphasised = samples[:, 1:] - 0.97 * samples[:, :-1]
    window = torch.hann_window(WINDOW, periodic=False, device=samples.device)
    spectrum = torch.stft(emphasised, TRANSFORM, HOP, WINDOW, window, center=True, return_complex=True)
    power = spectrum.real**2 + spectrum.imag**2
    return (((mel_filters().to(samples.device) @ power) + 1e-5).log() + 4.5).unsqueeze(1) / 5.0


@cache
def mel_filters() -> Any:
    """Triangles on Kaldi's mel scale, 1127 ln(1 + f / 700): tensor float32 (128, 513), nothing at 0 Hz and at half the rate.

    In single precision, as the official ones are: in double they would differ by 1.3e-5.
    """
    step = 1127.0 * math.log1p(HIGHEST / 700.0) / (BANDS + 1)
    edges = torch.arange(BANDS + 2.0).unsqueeze(1) * step
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    mel = 1127.0 * (1.0 + torch.arange(TRANSFORM // 2) * (RATE / TRANSFORM) / 700.0).log()
    triangles = torch.minimum((mel - low) / (centre - low), (high - mel) / (high - centre)).clamp(min=0.0)
    return functional.pad(triangles, (0, 1))


def all_outputs(network: Any, samples: Any) -> Any:
    """Logits and features in one, (batch, 1295): the package's mode ``all`` on float32 (batch, samples) at 32 kHz."""
    return torch.cat(network(log_mel(samples)), dim=1)


def windows(samples: Array) -> list[Array]:
    """The windows over which Verse-Bench averages logits: of 10 s, every 5 s.

    They start at each multiple of 160,000 samples below max(160,000, N - 160,000). The last one is filled up with zeros if it
    has more than 1.5 s, else it stays short. Sound of up to 10 s is one window.
    Source: repository Dorniwang/Verse-Bench, 5645a09, folder kl.

    Args:
        samples: (N,) at 32 kHz.
    """
    found = []
    for start in range(0, max(STEP, len(samples) - STEP), STEP):
        part = samples[start : start + SEGMENT]
        if SHORTEST < len(part) < SEGMENT:
            part = np.pad(part, (0, SEGMENT - len(part)))
        found.append(part)
    return found


def mean_logits(network: Any, samples: Array) -> Array:
    """Float32 (527,): the mean of the logits over ``windows``; samples as there, of a peak of -1 dBFS in Verse-Bench.

    Raises:
        RuntimeError: less than 16 frames of sound.
    """
    with torch.inference_mode():
        parts = [network(log_mel(torch.from_numpy(part[None].astype(np.float32))))[0] for part in windows(samples)]
        return np.asarray(torch.cat(parts).mean(dim=0).numpy())
