"""What Synchformer answers about a clip: logits over 21 offsets for every window that a DeSync protocol asks about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.feature import Array, Feature, Frames, OwnWaveform, Read, Waveform
from avbench.tensors import fill
from avbench_metrics._features.synchformer_checkpoint import read_upstream
from avbench_metrics._features.synchformer_input import picture_segments, spectrogram_segments, square_pictures
from avbench_metrics._maths.desync import (
    FPS,
    FRAME_STRIDE,
    OPENING_SECONDS,
    OPENING_SEGMENTS,
    RATE,
    SAMPLE_STRIDE,
    WINDOW,
    opening_window,
    segment_count,
)

PICTURES = Frames(fps=float(FPS))
SOUND, OWN_SOUND = Waveform(), OwnWaveform()
MICRO_BATCH = 2  # segments; 16 pictures of 224 x 224 each
VERSE_BENCH_SIDE = 256


@dataclass(frozen=True)
class SyncedLength(Feature):
    """How much there is to judge, float64 (4,).

    Frames at 25 fps, samples at 16 kHz, root mean square of the sound, and the largest mean difference of consecutive
    frames in grey levels (of every eighth pixel).
    """

    @property
    def reads(self) -> tuple[Read, ...]:
        """The same as the network's."""
        return (PICTURES, SOUND)

    def prepare(self, clip: Clip) -> Array:
        """See the class."""
        frames = clip.frames(PICTURES)[0]
        samples = _at_16_khz(clip)
        few = frames[:, ::8, ::8].astype(np.int16)
        change = max((float(np.abs(b - a).mean()) for a, b in pairwise(few)), default=0.0)
        level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
        return np.asarray([len(frames), len(samples), level, change])


@dataclass(frozen=True)
class SynchformerLogits(Feature):
    """Logits over -2, -1.8 ... 2 s, float32 (1 + W, 21).

    Row 0 is JavisBench's window: the first 4 s (black and silence behind a shorter clip), 11 segments, then the first three
    again. Row 1 + s is the window of segments s .. s + 13; W is 0 for clips under 4.8 s.
    """

    batch_size: ClassVar[int] = 1

    @property
    def reads(self) -> tuple[Read, ...]:
        """Pictures at 25 fps in the file's size, sound at its rate."""
        return (PICTURES, SOUND)

    @property
    def weights(self) -> tuple[str, ...]:
        """The state dict that MMAudio published."""
        return ("synchformer",)

    def prepare(self, clip: Clip) -> Any:
        """uint8 (T, RGB, 224, 224), float32 (samples,), both of at least 4 s, and the number of segments before padding."""
        pictures = square_pictures(clip.frames(PICTURES)[0])
        samples = _at_16_khz(clip)
        count = segment_count(len(pictures), len(samples))
        return _at_least(pictures, OPENING_SECONDS * FPS), _at_least(samples, OPENING_SECONDS * RATE), count

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """The network, a clip at a time."""
        from avbench_metrics._features.networks import synchformer

        network = weights.network("synchformer", synchformer.build, synchformer.tiny, device)

        def answer(pictures: Array, samples: Array, count: int) -> Array:
            number = np.arange(max(count, OPENING_SEGMENTS))
            tokens = _tokens(network, device, pictures, samples, FRAME_STRIDE * number, SAMPLE_STRIDE * number)
            sliding = np.arange(max(count - WINDOW + 1, 0))[:, None] + np.arange(WINDOW)
            windows = np.concatenate([np.arange(WINDOW)[None] % OPENING_SEGMENTS, sliding])
            return np.concatenate([_logits(network, tokens, window) for window in windows])

        return lambda batch: [answer(*clip) for clip in batch]


@dataclass(frozen=True)
class VerseBenchLogits(Feature):
    """Logits over the same offsets, float32 (1, 21), of the 11 segments that Verse-Bench cuts from the first 4 s."""

    batch_size: ClassVar[int] = 1

    @property
    def reads(self) -> tuple[Read, ...]:
        """As ``SynchformerLogits``, but always the clip's own sound."""
        return (PICTURES, OWN_SOUND)

    @property
    def weights(self) -> tuple[str, ...]:
        """The file that Verse-Bench loads."""
        return ("synchformer_upstream",)

    def prepare(self, clip: Clip) -> Any:
        """uint8 (100, RGB, 224, 224) and float32 (64000,); raises ``Unscorable`` under 4 s."""
        frames, samples = clip.frames(PICTURES)[0], _at_16_khz(clip, OWN_SOUND)
        opening_window(len(frames), len(samples))
        return square_pictures(frames[: OPENING_SECONDS * FPS], VERSE_BENCH_SIDE), samples[: OPENING_SECONDS * RATE]

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """The network with its positional table cut short, a clip at a time."""
        network = _upstream(device)

        def answer(pictures: Array, samples: Array) -> Array:
            tokens = _tokens(network, device, pictures, samples, *opening_window(len(pictures), len(samples)))
            return _logits(network, tokens, np.arange(OPENING_SEGMENTS), cut_positions=True)

        return lambda batch: [answer(*clip) for clip in batch]


def _upstream(device: str) -> Any:
    """Synchformer with its authors' checkpoint, whose configuration objects ``weights.network`` would refuse to read."""
    from avbench_metrics._features.networks import synchformer

    name = "synchformer_upstream"
    if weights.stands_in(name):
        return weights.network(name, synchformer.build, synchformer.tiny, device)

    def make() -> Any:
        (path,) = weights.paths(name).values()
        network = synchformer.build()
        fill(network, read_upstream(path), f"{path} does not fit the network of {name!r}")
        return network.to(device).requires_grad_(False)

    return weights.shared((name, device), name, make)


def _at_16_khz(clip: Clip, ask: Waveform = SOUND) -> Array:
    """Mono sound, float32 (samples,), resampled as the official codes do it (torchaudio's windowed sinc)."""
    from avbench.compat import mend_torch

    samples, rate = clip.waveform(ask)
    if rate == RATE:
        return samples
    mend_torch()
    import torch
    import torchaudio

    return np.asarray(torchaudio.functional.resample(torch.from_numpy(np.ascontiguousarray(samples)), rate, RATE).numpy())


def _at_least(array: Array, length: int) -> Array:
    """Zeros behind an array that is shorter than ``length``."""
    return np.pad(array, ((0, max(length - len(array), 0)), *((0, 0),) * (array.ndim - 1)))


def _tokens(network: Any, device: str, pictures: Array, samples: Array, frames: Array, sounds: Array) -> tuple[Any, Any]:
    """Tokens (S, 8, width) and (S, 6, width) of the segments that begin with these frames and samples."""
    import torch

    video, sound = [], []
    with torch.inference_mode():
        for start in range(0, len(frames), MICRO_BATCH):
            part = slice(start, start + MICRO_BATCH)
            segments = torch.from_numpy(picture_segments(pictures, frames[part]))
            video.append(network.video_tokens(segments[None].to(device))[0])
            spectra = torch.from_numpy(spectrogram_segments(samples, sounds[part]))
            sound.append(network.sound_tokens(spectra[None].to(device))[0])
        return torch.cat(video), torch.cat(sound)


def _logits(network: Any, tokens: tuple[Any, Any], window: Array, *, cut_positions: bool = False) -> Array:
    """float32 (1, 21) for one window of segment numbers."""
    import torch

    video, sound = (part[torch.from_numpy(window)][None] for part in tokens)
    with torch.inference_mode():
        return np.asarray(network.offset_logits(video, sound, cut_positions).float().cpu().numpy())
