"""Common ground of LSE-C and LSE-D: four pipelines, each of which gives both numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from avbench.errors import Unscorable
from avbench.feature import Feature, Sample
from avbench.metric import ClipMetric
from avbench_metrics._features.lip_tracks import LipTracks, VerseBenchLips
from avbench_metrics._maths import lip_choice
from avbench_metrics._maths.lip_choice import LEVEL, Rows

FIXED, WAV2LIP, MOVA, VERSE_BENCH = LipTracks(), LipTracks(None, 30.0), LipTracks(None, 27.0), VerseBenchLips()
FIXED_DETECTIONS, WAV2LIP_DETECTIONS, MOVA_DETECTIONS = 49, 100, 20
SILENCE = 1e-4

LICENCE = "MIT code; the weights' licence is unknown"
PACKAGES = ("torch", "python_speech_features")
SYNCNET = (
    "SyncNet v2 over windows of five frames, shifts up to 15 frames, zeros beyond the ends; 25 fps by presentation time, frames "
    "kept as JPEG of quality 95; mono sound at 16 kHz by soxr, int16"
)
SOURCE = "Chung and Zisserman 2016; Prajwal et al., arXiv 2008.10010; github.com/joonson/syncnet_python"
TRACKS = "tracks with overlap > 0.5 and gaps up to 25 frames, interpolated, median over 13 frames, crop scale 0.40"
FIXED_PROTOCOL = (
    f"{SYNCNET}; S3FD at a longer side of 320 pixels, confidence > 0.9; cuts where hue, saturation and value change by 27; {TRACKS}"
    "; faces of 25 pixels of 320 and up, found in 50 frames and up; mean over tracks, weighted by their frames"
)
WAV2LIP_PROTOCOL = (
    f"{SYNCNET}; S3FD at a quarter of the size, confidence > 0.9; cuts at a change of 30; {TRACKS}; faces over 100 pixels, in over "
    "100 frames; mean over tracks"
)
MOVA_PROTOCOL = (
    f"{SYNCNET}; S3FD at a quarter of the size, confidence > 0.9; cuts at a change of 27; {TRACKS}; faces over 100 pixels, in over "
    "20 frames; the track with the largest LSE-C - LSE-D"
)
VERSE_BENCH_PROTOCOL = (
    f"{SYNCNET}; SCRFD (buffalo_l) at 640 x 480, confidence 0.5; the surest face of each frame, runs of 50 frames and up; crop "
    "scale 0.3, not smoothed"
)
FIXED_NOTES = (
    "A listener's face lowers the mean as a badly dubbed one does; details name the best track. Clips without a face or with "
    "silence have no score: compare coverage and counts beside the mean."
)
WAV2LIP_NOTES = (
    "The published number is a mean over all tracks of all clips, here each clip counts once. Faces under 100 pixels and tracks of "
    "4 s or less are left out, so many clips have no score. The official code encodes frames two times more."
)
MOVA_NOTES = "The best of several faces is taken, so more faces score better. Clips without a face are left out."
VERSE_BENCH_NOTES = (
    "SCRFD's weights are for non-commercial research only and must be fetched by hand (avbench weights add scrfd det_10g.onnx). "
    "Nobody checks whether the surest face stays the same person. Clips whose mouth and sound are 14 frames or more apart, or that "
    "show no face for 2 s, have no score, which raises the mean. The official code fails on two runs of different length."
)


class LipSyncError(ClipMetric):
    """Scores ``(LSE-D, LSE-C)[index]``."""

    index: ClassVar[int]
    feature: ClassVar[Feature]

    @abstractmethod
    def _pair(self, rows: Rows) -> tuple[float, float]:
        """LSE-D and LSE-C of the rows of ``feature``; raises ``Unscorable``."""

    @abstractmethod
    def _judged(self, rows: Rows) -> Rows:
        """The rows that count; raises ``Unscorable``."""

    def score(self, sample: Sample) -> float:
        """See the card; raises ``Unscorable`` where no face can be judged."""
        return self._pair(self._judged(sample[self.feature]))[self.index]

    def details(self, sample: Sample) -> Mapping[str, float]:
        """Tracks, the share of frames they cover, the best track's scores, the longest's offset in frames, LSE-C times coverage."""
        rows = self._judged(sample[self.feature])
        distance, confidence = lip_choice.best(rows)
        longest = max(range(len(rows)), key=lambda i: rows[i, lip_choice.FRAMES])
        covered = lip_choice.coverage(rows)
        return {
            "tracks": float(len(rows)),
            "coverage": covered,
            "best_lse_d": distance,
            "best_lse_c": confidence,
            "offset_frames": float(lip_choice.scores(rows)[longest].offset),
            "lse_c_times_coverage": self._pair(rows)[1] * covered,
        }


class Fixed(LipSyncError):
    """Mean over tracks by their frames."""

    feature: ClassVar[Feature] = FIXED
    uses: ClassVar[tuple[Feature, ...]] = (FIXED,)

    def _judged(self, rows: Rows) -> Rows:
        kept = lip_choice.usable(rows, FIXED_DETECTIONS, 0)
        if kept[:, LEVEL].max() < SILENCE:
            raise Unscorable("The sound beside every face is silent: there is no speech to be in time.")
        return kept

    def _pair(self, rows: Rows) -> tuple[float, float]:
        return lip_choice.mean(rows, weighted=True)


class Wav2Lip(LipSyncError):
    """The upstream pipeline."""

    feature: ClassVar[Feature] = WAV2LIP
    uses: ClassVar[tuple[Feature, ...]] = (WAV2LIP,)

    def _judged(self, rows: Rows) -> Rows:
        return lip_choice.usable(rows, WAV2LIP_DETECTIONS, WAV2LIP_DETECTIONS)

    def _pair(self, rows: Rows) -> tuple[float, float]:
        return lip_choice.mean(rows, weighted=False)


class Mova(LipSyncError):
    """The best track."""

    feature: ClassVar[Feature] = MOVA
    uses: ClassVar[tuple[Feature, ...]] = (MOVA,)

    def _judged(self, rows: Rows) -> Rows:
        return lip_choice.usable(rows, MOVA_DETECTIONS, MOVA_DETECTIONS)

    def _pair(self, rows: Rows) -> tuple[float, float]:
        return lip_choice.best(rows)


class VerseBench(LipSyncError):
    """Verse-Bench's pipeline."""

    feature: ClassVar[Feature] = VERSE_BENCH
    uses: ClassVar[tuple[Feature, ...]] = (VERSE_BENCH,)

    def _judged(self, rows: Rows) -> Rows:
        return lip_choice.usable(rows, 0, 0)

    def _pair(self, rows: Rows) -> tuple[float, float]:
        return lip_choice.verse_bench(rows)
