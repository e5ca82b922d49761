"""DeSync: by how many seconds Synchformer finds picture and sound apart."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Sample
from avbench.metric import CATEGORIES, Card, ClipMetric
from avbench_metrics._features.mono_sound import AV_BENCHMARK_SECONDS, CUT
from avbench_metrics._features.synchformer_offsets import SyncedLength, SynchformerLogits, VerseBenchLogits
from avbench_metrics._maths.desync import FPS, GRID, RATE, end_windows, offset, segment_count, tiled_windows

LENGTH, LOGITS, VERSE_BENCH_LOGITS = SyncedLength(), SynchformerLogits(), VerseBenchLogits()
SILENCE, STILLNESS = 1e-4, 0.1  # root mean square; grey levels
CLOSE = 0.2 + 1e-9  # one step of the network's grid

PREPROCESSING = (
    "25 fps by presentation time, shorter side 224 (bicubic, anti-aliased), centre crop; channels' mean resampled to 16 kHz by "
    "torchaudio; segments of 0.64 s every 0.32 s, 14 to a window"
)
WEIGHTS = "MIT code; the weights' licence is unknown"
GRID_NOTE = "Known in steps of 0.2 s and up to 2 s. A picture that hardly moves tends to score well."


class _Windowed(ClipMetric):
    """Mean over windows of the absolute likeliest offset."""

    uses: ClassVar[tuple[Feature, ...]] = (LENGTH, LOGITS)

    @abstractmethod
    def _rows(self, sample: Sample) -> Array:
        """Rows of ``SynchformerLogits`` to judge by; raises ``Unscorable``."""

    def score(self, sample: Sample) -> float:
        """See the card; raises ``Unscorable`` for clips that are too short."""
        return offset(sample[LOGITS][self._rows(sample)])

    def details(self, sample: Sample) -> Mapping[str, float]:
        """Windows, the share of them within one step of zero, and the signed mean offset."""
        logits = sample[LOGITS][self._rows(sample)]
        close = float((np.abs(GRID[logits.argmax(axis=1)]) <= CLOSE).mean())
        return {"windows": float(len(logits)), "windows_within_200_ms": close, "signed": offset(logits, signed=True)}

    def summaries(self, scores: Sequence[float], details: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
        """Share of clips whose score is 0.2 s or less."""
        return {"within_200_ms": float((np.asarray(scores) <= CLOSE).mean())}


@dataclass(frozen=True)
class DeSync(_Windowed):
    """Every segment of the clip is judged."""

    card: ClassVar[Card] = Card(
        title="DeSync",
        better="lower",
        unit="s",
        range=(0.0, 2.0),
        formula="mean over windows of 4.8 s of |argmax of 21 logits over -2, -1.8 ... 2 s|",
        source="Iashin et al., arXiv 2401.16423 (Synchformer); github.com/JavisVerse/JavisDiT, github.com/hkchengrex/av-benchmark",
        protocol=f"{PREPROCESSING}; windows side by side over the whole clip, the last ends with it; float32",
        licence=WEIGHTS,
        extra="sync",
        packages=("torch", "torchaudio"),
        notes=f"{GRID_NOTE} Clips under 4.8 s, silent and frozen ones have no score. AV-A of Verse-Bench without its defects is "
        "this protocol: absolute offsets, the head's own 14 segments, all of the clip.",
    )

    def _rows(self, sample: Sample) -> Array:
        frames, samples, level, change = sample[LENGTH]
        windows = tiled_windows(segment_count(int(frames), int(samples)))
        if level < SILENCE:
            raise Unscorable("The sound is silent: there is nothing to be in time.")
        if change < STILLNESS:
            raise Unscorable("The picture does not move: there is nothing to be in time.")
        return 1 + windows[:, 0]


@dataclass(frozen=True)
class DeSyncJavisBench(_Windowed):
    """JavisBench's DeSync with its published setting of 4 s."""

    card: ClassVar[Card] = Card(
        title="DeSync",
        better="lower",
        unit="s",
        range=(0.0, 2.0),
        formula="|argmax of 21 logits over -2, -1.8 ... 2 s| of one window",
        source="github.com/JavisVerse/JavisDiT, eval/javisbench, desync with max_audio_len_s 4",
        protocol=f"{PREPROCESSING}; the first 4 s, shorter clips filled with black and silence; 11 segments, then the first three "
        "again",
        licence=WEIGHTS,
        extra="sync",
        packages=("torch", "torchaudio"),
        notes=f"{GRID_NOTE} Padding is scored like content, silent and frozen clips get a number, the rest behind 4 s is not seen. "
        "Pictures are read by presentation time where the official code uses FFmpeg's fps filter.",
    )

    def _rows(self, sample: Sample) -> Array:
        return np.asarray([0])


@dataclass(frozen=True)
class DeSyncAvBenchmark(_Windowed):
    """av-benchmark's DeSync.

    Args:
        audio_length: seconds that are judged; every clip must have them.
    """

    audio_length: float = 8.0

    card: ClassVar[Card] = Card(
        title="DeSync",
        better="lower",
        unit="s",
        range=(0.0, 2.0),
        formula="mean over the first and the last 14 segments of |argmax of 21 logits over -2, -1.8 ... 2 s|",
        source="github.com/hkchengrex/av-benchmark, av_bench/evaluate.py",
        protocol=f"{PREPROCESSING}; {CUT}; the first and the last 14 segments (of 8 s 0-13 and 10-23)",
        licence=WEIGHTS,
        extra="sync",
        packages=("torch", "torchaudio"),
        notes=f"{GRID_NOTE} Shorter clips have no score; the official code stops or takes the next clip instead. 4 s hold 11 "
        "segments, with which the official code stops: the protocol of that length answers nothing. Silent and frozen clips get a "
        "number.",
    )

    def _rows(self, sample: Sample) -> Array:
        frames, samples = (int(value) for value in sample[LENGTH][:2])
        wanted = int(FPS * self.audio_length), int(RATE * self.audio_length)
        if frames < wanted[0] or samples < wanted[1]:
            seconds = min(frames / FPS, samples / RATE)
            raise Unscorable(f"The clip has {seconds:.2f} s of picture and sound; {self.audio_length:g} s are judged.", "too_short")
        return 1 + end_windows(segment_count(*wanted))[:, 0]


@dataclass(frozen=True)
class DeSyncMova(_Windowed):
    """MOVA's DeSync: av-benchmark's over all but the last tenth of a second."""

    averaged: ClassVar[str] = CATEGORIES
    card: ClassVar[Card] = Card(
        title="DeSync",
        better="lower",
        unit="s",
        range=(0.0, 2.0),
        formula="mean over the first and the last 14 segments of |argmax of 21 logits over -2, -1.8 ... 2 s|",
        source="github.com/OpenMOSS/MOVA, evaluation/metrics/av_quality",
        version=2,
        protocol=f"{PREPROCESSING}; the picture's length less 0.1 s; mean of the means of the prompts' first categories",
        licence=WEIGHTS,
        extra="sync",
        packages=("torch", "torchaudio"),
        notes=f"{GRID_NOTE} Verse-Bench's three sets weigh the same, whatever their size. Silent and frozen clips get a number.",
    )

    def _rows(self, sample: Sample) -> Array:
        frames, samples = (int(value) for value in sample[LENGTH][:2])
        seconds = frames / FPS - 0.1
        if samples < int(RATE * seconds):
            raise Unscorable(f"The sound ends after {samples / RATE:.2f} s, the picture after {frames / FPS:.2f} s.", "too_short")
        return 1 + end_windows(segment_count(int(FPS * seconds), int(RATE * seconds)))[:, 0]


@dataclass(frozen=True)
class DeSyncVerseBench(ClipMetric):
    """Verse-Bench's AV-A."""

    card: ClassVar[Card] = Card(
        title="AV-A",
        better="lower",
        unit="s",
        range=(-2.0, 2.0),
        formula="argmax of 21 logits over -2, -1.8 ... 2 s, with its sign",
        source="github.com/Dorniwang/Verse-Bench, syncformer",
        protocol="25 fps by presentation time, shorter side 256, centre 224; channels' mean resampled to 16 kHz by torchaudio; 11 "
        "segments centred in the first 4 s; positional table cut to its first 156 rows; float32",
        licence=WEIGHTS,
        extra="sync",
        packages=("torch", "torchaudio"),
        notes="Kept for comparison with published tables. Signed values are averaged, so late and early clips cancel, and a "
        "negative mean counts as the best of all; best is 0. Sound tokens sit on positions trained for pictures. The official code "
        "encodes the clip again and runs in half precision; clips under 4 s, at which it stops, have no score. Prefer "
        "desync@fixed.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (VERSE_BENCH_LOGITS,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return offset(sample[VERSE_BENCH_LOGITS], signed=True)

    def summaries(self, scores: Sequence[float], details: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
        """Mean without signs, and the share of clips within 0.2 s."""
        sizes = np.abs(np.asarray(scores))
        return {"mean_size": float(sizes.mean()), "within_200_ms": float((sizes <= CLOSE).mean())}


METRIC = DeSync()
PROTOCOLS = {
    "fixed": METRIC,
    "javisbench": DeSyncJavisBench(),
    **{name: DeSyncAvBenchmark(seconds) for name, seconds in AV_BENCHMARK_SECONDS.items()},
    "mova": DeSyncMova(),
    "verse_bench": DeSyncVerseBench(),
}
