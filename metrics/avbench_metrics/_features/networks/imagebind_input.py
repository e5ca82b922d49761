"""What ImageBind is fed: token ids, spectrograms of sound, crops of pictures, after JavisBench's use of ImageBind.

Facts from JavisVerse/JavisDiT (eval/javisbench) and facebookresearch/pytorchvideo (places of clips and crops). Where a protocol can
be chosen, ``official`` keeps what the published scores were computed with, slips included, and ``fixed`` mends the slips.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from avbench.compat import mend_torch
from avbench.errors import Unscorable, UsageError
from avbench.feature import Array

from .imagebind_tokens import CONTEXT, VOCABULARY

Protocol = Literal["official", "fixed"]

START, END = 49_406, 49_407
RATE = 16_000
CLIP_SECONDS, AUDIO_CLIPS, VIDEO_CLIPS = 2, 3, 5
MEL_BINS, MEL_FRAMES, MEL_MEAN, MEL_SPREAD = 128, 204, -4.268, 9.138
SIDE = 224
PICTURE_MEAN, PICTURE_SPREAD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@cache
def byte_pairs(path: Path | None = None) -> Any:
    """CLIP's byte-pair encoder, lower case, from open_clip's vocabulary or from a file of the same form.

    Raises:
        UsageError: the vocabulary has not CLIP's 49,408 entries. A cut vocabulary would still answer, with other ids.
    """
    mend_torch()
    from open_clip.tokenizer import SimpleTokenizer, default_bpe

    encoder = SimpleTokenizer(bpe_path=str(path or default_bpe()))
    if len(encoder.encoder) != VOCABULARY:
        found = len(encoder.encoder)
        raise UsageError(f"The vocabulary of byte pairs has {found} entries, not {VOCABULARY}; reinstall open-clip-torch.")
    return encoder


def text_ids(texts: Sequence[str], protocol: Protocol = "official") -> Array:
    """Token ids, int64 (N, 77): start, byte pairs, end, then zeros.

    Texts of more than 75 byte pairs are cut. ``official`` cuts the end token off with the rest; as ImageBind reads the embedding at
    the largest id and no token sees a later one, all such texts get one embedding, that of the start token. ``fixed`` keeps the
    first 75 byte pairs and the end token.
    """
    ids = np.zeros((len(texts), CONTEXT), dtype=np.int64)
    for row, text in zip(ids, texts, strict=True):
        words = byte_pairs().encode(text)
        if protocol == "fixed":
            words = words[: CONTEXT - 2]
        tokens = [START, *words, END][:CONTEXT]
        row[: len(tokens)] = tokens
    return ids


def clip_starts(seconds: float, clips: int) -> list[Fraction]:
    """Starts [s] of ``clips`` evenly spread clips of 2 s, the last ending at ``seconds``; all 0 where that is under 2 s.

    The sum is taken in floats and divided as a fraction, as pytorchvideo does: a start may decide about a sample.
    """
    last = Fraction(max(seconds - Fraction(CLIP_SECONDS), 0))
    return [Fraction(last, max(clips - 1, 1)) * k for k in range(clips)]


def resampled(samples: Array, rate: int) -> Array:
    """Sound (..., n) brought to 16 kHz by torchaudio's windowed sinc (width 6), float32; unchanged where it has that rate."""
    if rate == RATE:
        return np.asarray(samples, dtype=np.float32)
    mend_torch()
    from torchaudio.functional import resample

    return np.asarray(resample(torch.from_numpy(np.array(samples, dtype=np.float32)), rate, RATE).numpy())


def mel(samples: Tensor) -> Tensor:
    """Kaldi's log-mel energies of at most 2.06 s at 16 kHz: (channels, n) to float32 (1, 128, 204), not yet normalised.

    Only the first channel counts, but the mean over all channels is subtracted, from ``samples`` itself. 25 ms Hann windows every
    10 ms, pre-emphasis 0.97, each frame's mean removed, 20 Hz to 8 kHz, no dither; 2 s give 198 frames, the rest is 0.

    Raises:
        Unscorable: ``too_short``, under 25 ms.
    """
    if samples.shape[-1] < RATE // 40:
        raise Unscorable(f"A piece of {samples.shape[-1] / RATE:.4f} s of sound is shorter than a window of 25 ms.", "too_short")
    mend_torch()
    from torchaudio.compliance.kaldi import fbank

    samples -= samples.mean()
    energies = fbank(
        samples,
        htk_compat=True,
        sample_frequency=RATE,
        use_energy=False,
        window_type="hanning",
        num_mel_bins=MEL_BINS,
        dither=0.0,
        frame_length=25,
        frame_shift=10,
    )
    bins = energies.T[:, :MEL_FRAMES]
    return functional.pad(bins, (0, MEL_FRAMES - bins.shape[1])).unsqueeze(0)


def audio_clips(samples: Array, protocol: Protocol = "official") -> Array:
    """Three clips of 2 s, spread over the sound: (channels, n) at 16 kHz to float32 (3, 1, 128, 204), normalised.

    ``official`` takes the first channel, and where clips overlap (under 6 s) the later ones lack the earlier one's mean too.
    ``fixed`` takes the mean of the channels and treats each clip by itself.

    Raises:
        Unscorable: ``too_short``, under 25 ms.
    """
    return np.asarray(_clips(_own(samples, protocol), protocol).numpy())


def audio_windows(samples: Array, starts: Sequence[int], length: int, protocol: Protocol = "official") -> Array:
    """The same for each window of JavisScore: float32 (windows, 3, 1, 128, 204).

    Args:
        samples: (channels, n) at 16 kHz.
        starts: first sample of each window.
        length: samples of a window. One of 2 s gives the same clip three times.
        protocol: see ``audio_clips``; with ``official`` overlapping windows also share what was subtracted.
    """
    waveform = _own(samples, protocol)
    return np.asarray(torch.stack([_clips(waveform[:, start : start + length], protocol) for start in starts]).numpy())


def _own(samples: Array, protocol: Protocol) -> Tensor:
    waveform = torch.from_numpy(np.array(samples, dtype=np.float32))
    return waveform if protocol == "official" else waveform.mean(dim=0, keepdim=True)


def _clips(waveform: Tensor, protocol: Protocol) -> Tensor:
    spectra = []
    for start in clip_starts(waveform.shape[1] / RATE, AUDIO_CLIPS):
        piece = waveform[:, int(start * RATE) : int((start + CLIP_SECONDS) * RATE)]
        spectra.append(mel(piece if protocol == "official" else piece.clone()))
    return (torch.stack(spectra) - MEL_MEAN) / MEL_SPREAD


def video_frames(frames: int, fps: float) -> Array:
    """First and last frame of each of five clips of 2 s, spread over the picture: int64 (5, 2).

    Args:
        frames: how many the file has.
        fps: their average rate.

    Raises:
        Unscorable: ``too_short``, where a clip holds no frame.
    """
    indices = []
    for start in clip_starts(frames / fps, VIDEO_CLIPS):
        first, end = math.ceil(fps * start), min(math.ceil(fps * (start + CLIP_SECONDS)), frames)
        if first >= end:
            raise Unscorable(f"{frames} frames at {fps:g} fps leave a piece of {CLIP_SECONDS} s without a frame.", "too_short")
        indices.append((first, end - 1))
    return np.asarray(indices, dtype=np.int64)


def video_clips(pairs: Array) -> Array:
    """Frames to what the network takes: RGB uint8 (5, 2, rows, columns, 3) to float32 (15, 3, 2, 224, 224).

    The short side becomes 224 (bilinear, not anti-aliased), then three squares are cut: left, centre, right or top, centre, bottom.
    """
    clips = torch.from_numpy(np.ascontiguousarray(pairs)).permute(0, 4, 1, 2, 3).float() / 255.0
    rows, columns = clips.shape[3:]
    size = (math.floor(rows / columns * SIDE), SIDE) if columns < rows else (SIDE, math.floor(columns / rows * SIDE))
    shrunk = functional.interpolate(clips.flatten(0, 1), size=size, mode="bilinear", align_corners=False)
    shrunk = _normalised(shrunk.unflatten(0, clips.shape[:2]), (1, 3, 1, 1, 1))
    return np.asarray(_three_crops(shrunk).numpy())


def _three_crops(clips: Tensor) -> Tensor:
    """(N, ..., rows, columns), one side 224, to (3 N, ..., 224, 224): three places of the first, three of the second ..."""
    down, right = clips.shape[-2] - SIDE, clips.shape[-1] - SIDE
    corners = [(math.ceil(down / 2 * k), math.ceil(right / 2 * k)) for k in range(3)]
    return torch.stack([clip[..., y : y + SIDE, x : x + SIDE] for clip, (y, x) in product(clips, corners)])


def slow_frames(seconds: Array, length: float) -> Array:
    """Which frames av-benchmark takes at half a frame per second: int64 (int(length / 2),), indices into ``seconds``.

    FFmpeg's fps filter gives a frame to the nearest tick and keeps a tick's last one, so tick k shows the last before 2 k + 1 s.

    Args:
        seconds: when each frame is shown, from the first on.
        length: of the picture [s] that counts.

    Raises:
        Unscorable: ``too_short``, fewer than two frames.
    """
    count = int(length / 2)
    if count < 2:
        raise Unscorable(f"{length:.2f} s of picture give no pair of frames at half a frame per second; 4 s do.", "too_short")
    ticks = 2 * np.arange(count) + 1 - 1e-6  # a frame at just 2 k + 1 s belongs to the next
    return np.searchsorted(np.asarray(seconds) - seconds[0], ticks) - 1


def sliding_pairs(frames: Array) -> Array:
    """av-benchmark's clips, each frame with the next: RGB uint8 (n, rows, columns, 3) to float32 (3 (n - 1), 3, 2, 224, 224).

    The short side becomes 224 (bicubic, anti-aliased, in whole grey levels); squares as in ``video_clips``.
    """
    rows, columns = frames.shape[1:3]
    short = min(rows, columns)
    size = (SIDE * rows // short, SIDE * columns // short)
    values = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
    if size != (rows, columns):
        values = functional.interpolate(values, size, mode="bicubic", antialias=True)
    values = _normalised(values.float() / 255.0, (1, 3, 1, 1))
    return np.asarray(_three_crops(torch.stack([values[:-1], values[1:]], dim=2)).numpy())


def squares(frames: Array) -> Array:
    """The centre of single frames, uint8 (N, 224, 224, 3) of RGB uint8 (N, rows, columns, 3).

    The short side becomes 224 (Pillow's bicubic filter), then the centre is cut out.
    """
    from PIL import Image

    rows, columns = frames.shape[1:3]
    short = min(rows, columns)
    height, width = int(SIDE * rows / short), int(SIDE * columns / short)
    y, x = round((height - SIDE) / 2), round((width - SIDE) / 2)
    cut = [
        np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC))[y : y + SIDE, x : x + SIDE]
        for frame in frames
    ]
    return np.stack(cut)


def normalised(cut: Array) -> Array:
    """What the network takes of ``squares``: float32 (N, 3, 224, 224)."""
    return np.asarray(_normalised(torch.from_numpy(cut).permute(0, 3, 1, 2).float() / 255.0, (1, 3, 1, 1)).numpy())


def pictures(frames: Array) -> Array:
    """Single frames, as AVHScore and JavisScore take them: RGB uint8 (N, rows, columns, 3) to float32 (N, 3, 224, 224)."""
    return normalised(squares(frames))


def _normalised(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    return (values - torch.tensor(PICTURE_MEAN).view(shape)) / torch.tensor(PICTURE_SPREAD).view(shape)
