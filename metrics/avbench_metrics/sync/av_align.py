"""AV-Align: how many onsets of the sound meet peaks of the motion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Read, Sample, Waveform
from avbench.metric import CATEGORIES, Card, ClipMetric
from avbench_metrics._features.flow import FlowMagnitude, FlowOfOpenCv
from avbench_metrics._features.onset_strength import OnsetStrength, onsets
from avbench_metrics._maths.matching import matched


@dataclass(frozen=True)
class LibrosaOnsets(Feature):
    """Onset times by librosa's defaults, float64 (onsets,) seconds; ``rate`` None is the file's own."""

    rate: int | None = None

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound."""
        return (Waveform(self.rate),)

    def prepare(self, clip: Clip) -> Array:
        """See the class."""
        import librosa

        samples, rate = clip.waveform(Waveform(self.rate))
        envelope = librosa.onset.onset_strength(y=samples, sr=rate)
        frames = librosa.onset.onset_detect(onset_envelope=envelope, sr=rate)
        return np.asarray(librosa.frames_to_time(frames, sr=rate), dtype=np.float64)


FLOW, STRENGTH = FlowMagnitude(), OnsetStrength()
OPENCV_FLOW, LIBROSA_ONSETS, ONSETS_AT_44100 = FlowOfOpenCv(), LibrosaOnsets(), LibrosaOnsets(44_100)
MOVA_LEAST_FLOW = 0.1  # pixels per frame


@dataclass(frozen=True)
class AvAlignOfficial(ClipMetric):
    """JavisBench's AV-Align as its code computes it."""

    card: ClassVar[Card] = Card(
        title="AV-Align",
        better="higher",
        unit="1",
        range=(0.0, float("inf")),
        formula="I / (|A| + |V| - I + 1e-6), I = onsets within one frame of any motion peak; 0 where there are no peaks",
        source="Yariv et al., arXiv 2309.16429; github.com/JavisVerse/JavisDiT, av_align",
        version=2,
        protocol="librosa onsets (hop 512, file's rate); Farneback flow of OpenCV's grey at the file's size, first value doubled; "
        "strict maxima at i / fps, fps as the container says",
        extra="javis",
        packages=("librosa",),
        notes="Several onsets may claim one motion peak, so it can exceed 1: three onsets around one peak score 3. Kept for "
        "comparison with published tables; prefer the protocol fixed.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (OPENCV_FLOW, LIBROSA_ONSETS)

    def score(self, sample: Sample) -> float:
        """See the card."""
        fps, sizes = rate_and_sizes(sample[OPENCV_FLOW])
        return official(sample[LIBROSA_ONSETS], motion_peaks(np.concatenate([sizes[:1], sizes]), fps), fps)


@dataclass(frozen=True)
class AvAlignMova(ClipMetric):
    """AV-Align of MOVA's Verse-Bench toolkit."""

    averaged: ClassVar[str] = CATEGORIES
    card: ClassVar[Card] = Card(
        title="AV-Align",
        better="higher",
        unit="1",
        range=(0.0, float("inf")),
        formula="I / (|A| + |V| - I), I = onsets within one frame of any motion peak; 0 where there are no peaks",
        source="github.com/OpenMOSS/MOVA, evaluation",
        version=2,
        protocol="librosa onsets (hop 512, 44.1 kHz); Farneback flow of OpenCV's grey at the file's size; strict maxima from 0.1 "
        "px per frame on, at i / fps, fps as the container says",
        extra="javis",
        packages=("librosa",),
        notes="Onsets may share a motion peak, as in JavisBench: taken over, since what is known of the toolkit is its tolerance "
        "and formula, not its pairing. The value is the mean of the means of the prompts' first categories.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (OPENCV_FLOW, ONSETS_AT_44100)

    def score(self, sample: Sample) -> float:
        """See the card."""
        fps, sizes = rate_and_sizes(sample[OPENCV_FLOW])
        return official(sample[ONSETS_AT_44100], motion_peaks(sizes, fps, MOVA_LEAST_FLOW), fps, 0.0)


def rate_and_sizes(flow: Array) -> tuple[float, Array]:
    """The two halves of ``FlowOfOpenCv``."""
    return float(flow[0]), flow[1:]


def motion_peaks(sizes: Array, fps: float, least: float = 0.0) -> Array:
    """Seconds i / fps of strict local maxima of at least ``least``."""
    inner = np.arange(1, len(sizes) - 1)
    peaks = (sizes[inner] > sizes[inner - 1]) & (sizes[inner] > sizes[inner + 1]) & (sizes[inner] >= least)
    return np.asarray(inner[peaks] / fps)


def official(sounds: Array, motions: Array, fps: float, floor: float = 1e-6) -> float:
    """The published formula, ``floor`` added to its denominator; 0 where either list is empty."""
    if not len(sounds) or not len(motions):
        return 0.0
    met = sum(bool(np.any((motions - 1 / fps < t) & (t < motions + 1 / fps))) for t in sounds)
    return float(met / (len(sounds) + len(motions) - met + floor))


@dataclass(frozen=True)
class AvAlign(ClipMetric):
    """A bounded intersection over union: every peak is used once."""

    tolerance: float = 0.06

    card: ClassVar[Card] = Card(
        title="AV-Align",
        better="higher",
        unit="1",
        range=(0.0, 1.0),
        formula="M / (|A| + |V| - M), M = size of the largest one-to-one matching within 60 ms",
        source="avbench, after Yariv et al., arXiv 2309.16429",
        protocol="log-mel flux onsets at 16 kHz; Farneback flow at 144 rows, peaks with a prominence of a tenth of the range",
        notes="Not applicable where neither side has a peak; 0 where one side alone has none.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (FLOW, STRENGTH)

    def score(self, sample: Sample) -> float:
        """See the card; raises ``Unscorable`` where there is nothing to align."""
        from scipy import signal

        seconds, sizes, _ = sample[FLOW]
        sounds = _or_none(lambda: onsets(sample[STRENGTH]))
        spread = float(sizes.max() - sizes.min())
        peaks = signal.find_peaks(sizes, prominence=max(0.1 * spread, 1e-3))[0] if spread > 1e-3 else np.zeros(0, int)
        if not len(peaks) and not len(sounds):
            raise Unscorable("Neither picture nor sound has a peak to align.")
        half = float(np.median(np.diff(seconds))) / 2 if len(seconds) > 1 else 0.0
        met = matched(sounds, seconds[peaks] - half, self.tolerance)
        return met / (len(sounds) + len(peaks) - met)

    def details(self, sample: Sample) -> Mapping[str, float]:
        """Number of onsets."""
        return {"onsets": float(len(_or_none(lambda: onsets(sample[STRENGTH]))))}


def _or_none(find: Callable[[], Array]) -> Array:
    """No onsets where the sound is silent: that is an answer here, not a missing one."""
    try:
        return find()
    except Unscorable as error:
        if error.kind != "not_applicable":
            raise
        return np.zeros(0)


METRIC = AvAlign()
PROTOCOLS = {"fixed": METRIC, "official": AvAlignOfficial(), "mova": AvAlignMova()}
