"""Damage with a dose, to see whether a metric notices: each function returns new takes or prompts, dose 0 leaves them as they are.

``gain`` is the exception: a nuisance that a metric of synchrony or content should not notice.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage, signal

from avbench.clip import Prompt
from avbench.errors import UsageError
from avbench.feature import Array, Frames
from avbench.media import decode, write_clip


@dataclass(frozen=True)
class Take:
    """Picture uint8 (time, height, width, 3) at ``fps`` and mono sound float32 (samples,) at ``rate``."""

    frames: Array
    fps: float
    samples: Array
    rate: int


Rng = np.random.Generator
Degradation = Callable[[Take, float, Rng], Take]


def _sound(take: Take, samples: Array) -> Take:
    return replace(take, samples=np.clip(samples, -1.0, 1.0).astype(np.float32))


def audio_delay(take: Take, dose: float, rng: Rng) -> Take:
    """Sound later by ``dose`` seconds (earlier if negative), same length, silence where nothing is left."""
    shift = round(dose * take.rate)
    moved = np.zeros_like(take.samples)
    if abs(shift) < len(moved):
        moved[max(0, shift) : len(moved) + min(0, shift)] = take.samples[max(0, -shift) : len(moved) - max(0, shift)]
    return _sound(take, moved)


def audio_drift(take: Take, dose: float, rng: Rng) -> Take:
    """Sound slower by the ratio ``dose`` (0.05: five per cent), so that it falls behind steadily; same length."""
    positions = np.arange(len(take.samples)) / (1.0 + dose)
    return _sound(take, np.interp(positions, np.arange(len(take.samples)), take.samples, right=0.0))


def drop_frames(take: Take, dose: float, rng: Rng) -> Take:
    """Replace the share ``dose`` of frames, at random, by the one before: dropped frames as a player shows them."""
    lost = rng.permutation(np.arange(1, len(take.frames)))[: round(dose * (len(take.frames) - 1))]
    source = np.arange(len(take.frames))
    for i in np.sort(lost):
        source[i] = source[i - 1]
    return replace(take, frames=take.frames[source])


def repeat_frames(take: Take, dose: float, rng: Rng) -> Take:
    """Show each frame for ``1 + dose`` frames: a lower frame rate at the same speed."""
    step = 1.0 + dose
    return replace(take, frames=take.frames[(np.floor(np.arange(len(take.frames)) / step) * step).astype(int)])


def freeze(take: Take, dose: float, rng: Rng) -> Take:
    """Hold the picture still over the last share ``dose`` of the clip."""
    last = max(0, round((1 - dose) * len(take.frames)) - 1)
    return replace(take, frames=take.frames[np.minimum(np.arange(len(take.frames)), last)])


def shuffle_frames(take: Take, dose: float, rng: Rng) -> Take:
    """Permute the share ``dose`` of the frames among themselves."""
    chosen = np.sort(rng.permutation(len(take.frames))[: round(dose * len(take.frames))])
    source = np.arange(len(take.frames))
    source[chosen] = rng.permutation(chosen)
    return replace(take, frames=take.frames[source])


def blur(take: Take, dose: float, rng: Rng) -> Take:
    """Gaussian blur of ``dose`` pixels standard deviation."""
    return replace(take, frames=ndimage.gaussian_filter(take.frames, (0, dose, dose, 0)) if dose else take.frames)


def video_noise(take: Take, dose: float, rng: Rng) -> Take:
    """Independent Gaussian noise of ``dose`` grey levels in every frame."""
    noisy = take.frames + dose * rng.standard_normal(take.frames.shape)
    return replace(take, frames=np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


def audio_noise(take: Take, dose: float, rng: Rng) -> Take:
    """White noise of ``dose`` times the sound's RMS: 0.01 is 40 dB below it, 1 as strong as it."""
    level = float(np.sqrt(np.mean(np.square(take.samples, dtype=np.float64))))
    return _sound(take, take.samples + dose * level * rng.standard_normal(len(take.samples)))


def band_limit(take: Take, dose: float, rng: Rng) -> Take:
    """Low-pass by the share ``dose`` of the band: 0.75 keeps the lowest quarter. Zero phase, so nothing moves in time."""
    if dose <= 0:
        return take
    return _sound(take, signal.sosfiltfilt(signal.butter(8, max(1e-3, 1.0 - dose), output="sos"), take.samples))


def clipping(take: Take, dose: float, rng: Rng) -> Take:
    """Amplify by ``dose`` dB over full scale and cut at full scale."""
    if dose <= 0:
        return take
    peak = max(float(np.abs(take.samples).max()), 1e-9)
    return _sound(take, take.samples / peak * 10 ** (dose / 20))


def silence(take: Take, dose: float, rng: Rng) -> Take:
    """Digital silence over the last share ``dose`` of the sound."""
    kept = round((1 - dose) * len(take.samples))
    return _sound(take, np.where(np.arange(len(take.samples)) < kept, take.samples, 0.0))


def pitch_shift(take: Take, dose: float, rng: Rng) -> Take:
    """Sound higher by ``dose`` semitones at the same length, by resampling a phase-vocoder stretch."""
    factor = 2.0 ** (dose / 12.0)
    size, hop = 512, 128
    spectrum = signal.stft(take.samples, nperseg=size, noverlap=size - hop)[2]
    stretched = signal.istft(_vocoder(spectrum, 1.0 / factor, hop, size), nperseg=size, noverlap=size - hop)[1]
    positions = np.arange(len(take.samples)) * factor
    return _sound(take, np.interp(positions, np.arange(len(stretched)), stretched, right=0.0)) if dose else take


def _vocoder(spectrum: Array, speed: float, hop: int, size: int) -> Array:
    """Stretch time by 1 / ``speed`` with phases that advance at their measured rate (Flanagan and Golden, 1966)."""
    steps = np.arange(0, spectrum.shape[1] - 1, speed)
    advance = 2 * np.pi * hop * np.arange(spectrum.shape[0]) / size
    phase = np.angle(spectrum[:, 0])
    columns = []
    for step in steps:
        left, right = spectrum[:, int(step)], spectrum[:, int(step) + 1]
        part = step - int(step)
        columns.append(((1 - part) * np.abs(left) + part * np.abs(right)) * np.exp(1j * phase))
        turn = np.angle(right) - np.angle(left) - advance
        phase = phase + advance + turn - 2 * np.pi * np.round(turn / (2 * np.pi))
    return np.stack(columns, axis=1)


def gain(take: Take, dose: float, rng: Rng) -> Take:
    """Louder by ``dose`` dB (softer if negative), without clipping as long as there is room. A nuisance, not damage."""
    return _sound(take, take.samples * 10 ** (dose / 20))


def compression(take: Take, dose: float, rng: Rng) -> Take:
    """Picture encoded as h264 at the constant rate factor ``dose`` (1 to 51) and decoded again."""
    if dose <= 0:
        return take
    ask, (height, width) = Frames(), take.frames.shape[1:3]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "take.mkv"
        write_clip(path, take.frames, take.fps, crf=round(dose))
        return replace(take, frames=decode(path, (ask,)).frames(ask)[0][:, :height, :width])


def audio_swap(takes: Sequence[Take], dose: float, rng: Rng) -> list[Take]:
    """Exchange the sounds of the share ``dose`` of the takes in a ring, two at least; pictures stay.

    Raises ``UsageError`` where there are no two takes to exchange; so do the other swaps.
    """
    chosen, givers = _ring(len(takes), dose, rng)
    swapped = list(takes)
    for i, j in zip(chosen, givers, strict=True):
        swapped[i] = replace(takes[i], samples=takes[j].samples, rate=takes[j].rate)
    return swapped


def prompt_swap(prompts: Sequence[Prompt], dose: float, rng: Rng) -> list[Prompt]:
    """Exchange the words of the share ``dose`` of the prompts in a ring, two at least; ids stay, so clips face foreign words."""
    chosen, givers = _ring(len(prompts), dose, rng)
    swapped = list(prompts)
    for i, j in zip(chosen, givers, strict=True):
        words = {name: getattr(prompts[j], name) for name in ("text", "audio_text", "audio_texts", "speech")}
        swapped[i] = replace(prompts[i], **words)
    return swapped


def speaker_swap(prompts: Sequence[Prompt], dose: float, rng: Rng) -> list[Prompt]:
    """Exchange the reference voices of the share ``dose`` of those prompts that have one, two at least."""
    speaking = [i for i, p in enumerate(prompts) if p.speaker is not None]
    chosen, givers = _ring(len(speaking), dose, rng)
    swapped = list(prompts)
    for i, j in zip(chosen, givers, strict=True):
        swapped[speaking[i]] = replace(prompts[speaking[i]], speaker=prompts[speaking[j]].speaker)
    return swapped


def _ring(count: int, dose: float, rng: Rng) -> tuple[list[int], list[int]]:
    """Places that receive, and for each the place that gives."""
    if dose <= 0:
        return [], []
    if count < 2:
        raise UsageError(f"A swap takes two or more that have something to exchange; there is {count}.")
    chosen = rng.permutation(count)[: max(2, round(dose * count))].tolist()
    return chosen, chosen[1:] + chosen[:1]


DEGRADATIONS: dict[str, Degradation] = {
    f.__name__: f
    for f in (
        audio_delay,
        audio_drift,
        drop_frames,
        repeat_frames,
        freeze,
        shuffle_frames,
        blur,
        video_noise,
        audio_noise,
        band_limit,
        clipping,
        silence,
        pitch_shift,
        compression,
        gain,
    )  # fmt: skip
}
