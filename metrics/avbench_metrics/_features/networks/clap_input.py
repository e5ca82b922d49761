"""What LAION's CLAP is fed: log-mel spectra of 10 s at 48 kHz, and token ids.

Facts from github.com/LAION-AI/CLAP (``training/data.py``) and transformers' ClapFeatureExtractor. Where these draw a random place
the generator is the caller's.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.nn import functional

from avbench.errors import Unscorable, UsageError
from avbench.feature import Array
from avbench_metrics._maths.slaney_mel import slaney_filters

Scale = Literal["slaney", "htk"]

RATE = 48_000
LENGTH = 10 * RATE
WINDOW, HOP, BANDS, LOW, HIGH = 1024, 480, 64, 50.0, 14_000.0
FRAMES = LENGTH // HOP + 1
PEAK = 10 ** (-1 / 20)  # -1 dB of full scale
SMALLEST_VOCABULARY = 50_000
START, END, FIRST_WORD = 0, 2, 3


@cache
def _filters(scale: Scale, rate: int) -> torch.Tensor:
    """float64 (64, 513): triangles in Hz, between points equally spaced in mel."""
    if scale == "slaney":
        return torch.from_numpy(slaney_filters(rate, WINDOW, BANDS, LOW, HIGH))
    hertz = np.fft.rfftfreq(WINDOW, 1 / rate)
    low, high = (2595 * np.log10(1 + edge / 700) for edge in (LOW, HIGH))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    rising = (hertz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - hertz) / np.diff(edges)[1:, None]
    return torch.from_numpy(np.maximum(0.0, np.minimum(rising, falling)))


def log_mel(samples: Array, scale: Scale, rate: int = RATE, hop: int = HOP) -> Array:
    """Power in mel bands [dB], floor -100: (n,) at ``rate`` Hz to float32 (1 + n // hop, 64).

    1024-point periodic Hann windows, edges mirrored; 50 Hz to 14 kHz. Networks without fusion were trained on Slaney's
    scale (bands of one area), those with fusion on HTK's (bands of one height).
    """
    sound = torch.from_numpy(np.asarray(samples, dtype=np.float64))
    window = torch.hann_window(WINDOW, dtype=torch.float64)
    spectrum = torch.stft(sound, WINDOW, hop, window=window, center=True, pad_mode="reflect", return_complex=True)
    power = _filters(scale, rate) @ spectrum.abs().square()
    return np.asarray((10 * torch.log10(power.clamp(min=1e-10))).T.float().numpy())


def repeated(samples: Array) -> Array:
    """Sound of at most 10 s, repeated in whole and then filled up with zeros to 10 s; raises ``Unscorable`` where there is none."""
    if not len(samples):
        raise Unscorable("The audio stream is empty.", "no_audio")
    whole = np.tile(samples, LENGTH // len(samples))
    return np.pad(whole, (0, LENGTH - len(whole)))


def one_piece(samples: Array, generator: np.random.Generator) -> Array:
    """float32 (1, 1, 1001, 64) of sound (n,): of more than 10 s a place drawn by ``generator``, else ``repeated``."""
    if len(samples) > LENGTH:
        start = int(generator.integers(0, len(samples) - LENGTH + 1))
        samples = samples[start : start + LENGTH]
    return log_mel(repeated(samples), "slaney")[None, None]


def all_pieces(samples: Array) -> Array:
    """float32 (pieces, 1, 1001, 64): 10 s after 10 s, the last moved back to end with the sound; nothing is drawn or left out."""
    if len(samples) <= LENGTH:
        return log_mel(repeated(samples), "slaney")[None, None]
    starts = [*range(0, len(samples) - LENGTH, LENGTH), len(samples) - LENGTH]
    return np.stack([log_mel(samples[start : start + LENGTH], "slaney")[None] for start in starts])


def four_views(samples: Array, generator: np.random.Generator) -> tuple[Array, bool]:
    """For networks with fusion: float32 (1, 4, 1001, 64), and whether the sound is longer than 10 s.

    Longer sounds are seen shrunk to 10 s as a whole, and by 10 s drawn from each third of the possible places; others four times
    alike, of which one counts.
    """
    if len(samples) <= LENGTH:
        return np.repeat(log_mel(repeated(samples), "htk")[None, None], 4, axis=1), False
    spectrum = log_mel(samples, "htk")
    if len(spectrum) == FRAMES:
        return np.repeat(spectrum[None, None], 4, axis=1), False
    thirds = [part if len(part) else np.zeros(1, int) for part in np.array_split(np.arange(len(spectrum) - FRAMES + 1), 3)]
    starts = [int(generator.choice(part)) for part in thirds]
    whole = torch.from_numpy(spectrum)[None, None]
    shrunk = functional.interpolate(whole, (FRAMES, BANDS), mode="bilinear", antialias=True)[0, 0].numpy()
    return np.stack([shrunk, *(spectrum[start : start + FRAMES] for start in starts)])[None], True


def to_full_scale(samples: Array) -> Array:
    """Peak at -1 dB, then the grid of 16 bits, float32; raises ``Unscorable`` for silence, whose peak cannot be raised."""
    highest = float(np.abs(samples).max(initial=0.0))
    if not highest:
        raise Unscorable("The sound is silent: its peak cannot be brought to -1 dB.", "silent")
    loud = np.clip(np.asarray(samples, dtype=np.float64) * (PEAK / highest), -1.0, 1.0)
    return ((loud * 32767.0).astype(np.int16) / 32767.0).astype(np.float32)


class Tokenizer:
    """Byte pairs of RoBERTa or GPT-2 from their ``tokenizer.json``.

    Raises ``UsageError`` where the vocabulary has under 50,000 entries: a cut one would still answer, with ids that mean nothing.
    """

    def __init__(self, path: Path) -> None:
        import tokenizers

        self._pairs: Any = tokenizers.Tokenizer.from_file(str(path))
        size = self._pairs.get_vocab_size()
        if size < SMALLEST_VOCABULARY:
            raise UsageError(f"The tokenizer {path} has {size} entries, not RoBERTa's 50265 or GPT-2's 50257; fetch it again.")
        self._pairs.no_padding()
        self._pairs.no_truncation()

    def __call__(self, text: str) -> list[int]:
        """RoBERTa: start, byte pairs, end; GPT-2: byte pairs."""
        return list(self._pairs.encode(text).ids)


class HashedWords:
    """Stand-in for ``Tokenizer`` where no file is at hand: each word's CRC-32 is its id. Means nothing, but the same everywhere."""

    def __init__(self, vocabulary: int) -> None:
        self._vocabulary = vocabulary

    def __call__(self, text: str) -> list[int]:
        """Start, words, end."""
        words = re.findall(r"\w+", text.lower())
        return [START, *(FIRST_WORD + zlib.crc32(word.encode()) % (self._vocabulary - FIRST_WORD) for word in words), END]


def cut(ids: Sequence[int], longest: int) -> list[int]:
    """At most ``longest`` ids, the end token kept."""
    return list(ids) if len(ids) <= longest else [*ids[: longest - 1], ids[-1]]
