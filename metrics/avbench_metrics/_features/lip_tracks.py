"""How far every face's mouth is from the sound: SyncNet's distances for each track of faces in a clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Frames, OwnWaveform, Read, Waveform
from avbench_metrics._features import face_detection
from avbench_metrics._features.face_detection import Detector
from avbench_metrics._features.syncnet_input import RATE, cepstra, int16, lip_windows, sound_windows
from avbench_metrics._maths.face_crop import SCALE, VERSE_BENCH_SCALE, face, smoothed, squares
from avbench_metrics._maths.face_tracks import Track, runs, tracks
from avbench_metrics._maths.lip_choice import HEAD
from avbench_metrics._maths.lip_sync import SAMPLES_PER_FRAME, SHIFT, distances, window_count
from avbench_metrics._maths.shots import THRESHOLD, content, shots

PICTURES, SOUND, OWN_SOUND = Frames(fps=25.0), Waveform(RATE), OwnWaveform(RATE)
QUALITY = 95  # of JPEG
QUARTER = 0.25
LEAST_PIXELS, LEAST_SIDE, LEAST_DETECTIONS = 32, 25, 20
LEAST_RUN = 50
MICRO_BATCH = 8  # windows; 3 MB each


class _Lips(Feature):
    """Common ground: what is read and kept of a clip, and how a track is judged."""

    batch_size: ClassVar[int] = 1
    sound: ClassVar[Waveform] = SOUND

    @property
    def reads(self) -> tuple[Read, ...]:
        """Pictures at 25 fps in the file's size and mono sound at 16 kHz."""
        return (PICTURES, self.sound)

    def prepare(self, clip: Clip) -> Any:
        """JPEG files of the frames that have sound (the official codes keep frames so too), the sound as int16, and all frames.

        Raises:
            Unscorable: ``too_short``, under 6 frames of both; ``too_small``, pictures in which the detector finds nothing.
        """
        import cv2

        frames, samples = clip.frames(PICTURES)[0], int16(clip.waveform(self.sound)[0])
        window_count(len(frames), len(samples))
        if min(frames.shape[1:3]) * self._scale(frames.shape[1:3]) < LEAST_PIXELS:
            raise Unscorable(f"A picture of {frames.shape[2]}x{frames.shape[1]} is too small to look for faces.", "too_small")
        shared = frames[: len(samples) // SAMPLES_PER_FRAME]
        files = [cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1] for frame in shared]
        return files, samples, len(frames)

    def _scale(self, size: tuple[int, ...]) -> float:
        """At which scale faces are looked for in pictures of (height, width)."""
        return QUARTER

    def _judge(self, network: Any, device: str, prepared: Any, found: list[Track], scale: float, smooth: bool) -> Array:
        """A row for each track, float64 (tracks, 7 + 31); see ``lip_choice``."""
        files, samples, frames = prepared
        rows = []
        for track in found:
            square = squares(track.boxes)
            square = smoothed(square) if smooth else square
            try:
                faces = np.stack([face(picture, s, scale) for picture, s in zip(_pictures(files, track), square, strict=True)])
            except Unscorable:  # a box beyond the picture's edge: the track is there, its means are NaN
                means, level = np.full(2 * SHIFT + 1, np.nan), np.nan
            else:
                sound = samples[track.first * SAMPLES_PER_FRAME : (track.first + self._sounding(track)) * SAMPLES_PER_FRAME]
                means, level = _means(network, device, faces, sound), _level(sound)
            head = [track.first, len(track.boxes), track.detections, track.shot, track.side, level, frames]
            rows.append(np.concatenate([head, means]))
        return np.stack(rows) if rows else np.zeros((0, HEAD + 2 * SHIFT + 1))

    def _sounding(self, track: Track) -> int:
        """Frames of sound that go with a track."""
        return len(track.boxes)


@dataclass(frozen=True)
class LipTracks(_Lips):
    """S3FD, tracks within shots, SyncNet: a row for each track of more than 20 detections, see ``lip_choice``.

    A face is as large as 25 pixels of the picture that the detector looks at, on average; at a quarter of the size that
    is the official code's 100 pixels.

    Args:
        long_side: pixels of the longer side of the picture that the detector looks at, never enlarged; None: a quarter of the
            file's, as the official code does.
        cut: change between frames that ends a shot.
    """

    long_side: int | None = 320
    cut: float = THRESHOLD

    @property
    def weights(self) -> tuple[str, ...]:
        """Detector and network."""
        return ("s3fd", "syncnet")

    def _scale(self, size: tuple[int, ...]) -> float:
        return QUARTER if self.long_side is None else min(1.0, self.long_side / max(size))

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Both networks, a clip at a time."""
        detector, network = face_detection.s3fd(device), _syncnet(device)

        def answer(prepared: Any) -> Array:
            pictures = [_picture(file) for file in prepared[0][:1]]
            scale = self._scale(pictures[0].shape[:2])
            faces, contents = _faces(detector, prepared[0], scale)
            found = tracks(faces, shots(contents, self.cut), LEAST_DETECTIONS)
            large = [track for track in found if track.side * scale > LEAST_SIDE]
            return self._judge(network, device, prepared, large, SCALE, smooth=True)

        return lambda batch: [answer(prepared) for prepared in batch]


@dataclass(frozen=True)
class VerseBenchLips(_Lips):
    """SCRFD's surest face of each frame in runs of 50 frames or more, SyncNet: a row for each run, see ``lip_choice``.

    It hears the clip's own sound, also where another lies beside it.
    """

    sound: ClassVar[Waveform] = OWN_SOUND

    @property
    def weights(self) -> tuple[str, ...]:
        """Detector and network."""
        return ("scrfd", "syncnet")

    def _scale(self, size: tuple[int, ...]) -> float:
        return 1.0

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Both networks, a clip at a time."""
        detector, network = face_detection.scrfd(device), _syncnet(device)

        def answer(prepared: Any) -> Array:
            faces = [detector(_picture(file), 1.0) for file in prepared[0]]
            return self._judge(network, device, prepared, runs(faces, LEAST_RUN), VERSE_BENCH_SCALE, smooth=False)

        return lambda batch: [answer(prepared) for prepared in batch]

    def _sounding(self, track: Track) -> int:
        return len(track.boxes) - 1  # the official code cuts the sound at the beginning of the last frame


def _syncnet(device: str) -> Any:
    from avbench_metrics._features.networks import syncnet

    return weights.network("syncnet", syncnet.build, syncnet.tiny, device, keep=syncnet.ANCHORED)


def _picture(file: Array) -> Array:
    """uint8 BGR of a JPEG file."""
    import cv2

    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR))


def _pictures(files: Sequence[Array], track: Track) -> Iterator[Array]:
    return (_picture(file) for file in files[track.first : track.first + len(track.boxes)])


def _faces(detector: Detector, files: Sequence[Array], scale: float) -> tuple[list[Array], list[Array]]:
    """Boxes and shot content of every frame."""
    boxes, contents = [], []
    for file in files:
        picture = _picture(file)
        boxes.append(detector(picture, scale))
        contents.append(content(picture))
    return boxes, contents


def _level(sound: Array) -> float:
    """Root mean square, full scale 1."""
    return float(np.sqrt(np.mean(np.square(sound / 32768.0)))) if len(sound) else 0.0


def _means(network: Any, device: str, faces: Array, sound: Array) -> Array:
    """Mean distance for each of the 31 shifts, float64 (31,), of uint8 (n, 224, 224, BGR) and int16 at 16 kHz."""
    import torch

    count = window_count(len(faces), len(sound))
    lips = []
    with torch.inference_mode():
        for start in range(0, count, MICRO_BATCH):
            windows = lip_windows(faces, start, min(MICRO_BATCH, count - start))
            lips.append(network.embed_lips(torch.from_numpy(windows).to(device)).float().cpu().numpy())
        voices = network.embed_sound(torch.from_numpy(sound_windows(cepstra(sound), count)).to(device)).float().cpu().numpy()
    return np.asarray(distances(np.concatenate(lips), voices).mean(axis=0))
