"""Video metrics: known answers, worse on purpose, and what must not matter."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from avbench_metrics.video import frozen, motion, sharpness, temporal_flickering

from avbench.clip import Clip, Prompt
from avbench.errors import Unscorable
from avbench.extract import Extractor
from avbench.feature import Array, Sample
from avbench.media import write_clip
from avbench.metric import ClipMetric

FPS = 24.0
Write = Callable[..., Path]
METRICS = [temporal_flickering.METRIC, frozen.METRIC, motion.METRIC, sharpness.METRIC]


def score(metric: ClipMetric, path: Path) -> float:
    """One clip under one metric."""
    clip = Clip(path, Prompt(path.stem))
    return metric.score(Sample(clip.id, clip.prompt, Extractor(metric.uses, None)([clip])[0]))


def texture(rows: int = 160, columns: int = 240, seed: int = 0) -> Array:
    """A picture of soft blobs with detail at several scales, uint8 (rows, columns)."""
    import cv2

    rng = np.random.default_rng(seed)
    layers = [cv2.GaussianBlur(rng.standard_normal((rows, columns)), (0, 0), s) * s for s in (1.5, 4, 10)]
    picture = sum(layers)
    return np.clip(128 + 45 * picture / np.std(picture), 0, 255).astype(np.uint8)


def sliding(pixels_per_frame: float, frames: int = 36) -> Array:
    """The texture sliding to the right, uint8 (time, rows, columns, 3)."""
    shifts = [round(i * pixels_per_frame) for i in range(frames)]
    gray = np.stack([np.roll(texture(), s, axis=1) for s in shifts])
    return np.repeat(gray[..., None], 3, axis=3)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a picture without sound, nearly lossless."""

    def make(frames: Array, name: str = "clip.mp4", fps: float = FPS, crf: int = 4) -> Path:
        write_clip(tmp_path / name, frames, fps, crf=crf)
        return tmp_path / name

    return make


def test_flickering_of_a_known_flicker(write: Write) -> None:
    frames = np.full((24, 64, 64, 3), 100, np.uint8)
    frames[1::2] = 140
    value = score(temporal_flickering.METRIC, write(frames, crf=0))
    assert value == pytest.approx((255 - 40) / 255, abs=0.005)


def test_flickering_falls_with_the_dose(write: Write) -> None:
    rng = np.random.default_rng(0)
    base = np.full((24, 64, 64, 3), 128.0)
    gain = rng.standard_normal((24, 1, 1, 1))
    values = [score(temporal_flickering.METRIC, write((base + d * gain).astype(np.uint8), f"{d}.mp4")) for d in (0, 4, 12, 36)]
    assert values[0] == pytest.approx(1.0, abs=1e-3) and values == sorted(set(values), reverse=True)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_frozen_is_the_frozen_share(write: Write, share: float) -> None:
    frames = sliding(2.0, 41)
    still = round(share * 40)
    frames[: still + 1] = frames[0]
    assert score(frozen.METRIC, write(frames, crf=0)) == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("crf", [18, 28])
def test_frozen_survives_compression(write: Write, crf: int) -> None:
    frames = sliding(2.0, 41)
    assert score(frozen.METRIC, write(frames, "moves.mp4", crf=crf)) == 0.0
    frames[:] = frames[0]
    assert score(frozen.METRIC, write(frames, "still.mp4", crf=crf)) >= 0.85


def test_motion_grows_with_speed_and_is_zero_at_rest(write: Write) -> None:
    values = [score(motion.METRIC, write(sliding(speed), f"{speed}.mp4")) for speed in (0, 0.5, 1.0, 2.0)]
    assert values[0] == pytest.approx(0.0, abs=1e-3) and values == sorted(set(values))
    assert values[2] / values[1] == pytest.approx(2.0, rel=0.3)


def test_motion_does_not_depend_on_the_frame_rate(write: Write) -> None:
    fast = score(motion.METRIC, write(sliding(1.0, 48), "48.mp4", fps=24.0))
    slow = score(motion.METRIC, write(sliding(1.0, 48)[::2], "24.mp4", fps=12.0))
    assert slow == pytest.approx(fast, rel=0.2)


def test_motion_does_not_depend_on_repeated_frames(write: Write) -> None:
    once = score(motion.METRIC, write(sliding(2.0, 24), "12.mp4", fps=12.0))
    twice = score(motion.METRIC, write(np.repeat(sliding(2.0, 24), 2, axis=0), "24.mp4", fps=24.0))
    assert twice == pytest.approx(once, rel=0.2)


def test_motion_of_a_small_clip_is_in_its_own_heights(write: Write) -> None:
    import cv2

    large = sliding(4.0, 24)
    small = np.stack([cv2.resize(f, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for f in large])
    small_score = score(motion.METRIC, write(small, "small.mp4"))
    assert small_score == pytest.approx(score(motion.METRIC, write(large, "large.mp4")), rel=0.3)


def test_sharpness_falls_with_blur(write: Write) -> None:
    import cv2

    frames = sliding(1.0, 12)
    values = [score(sharpness.METRIC, write(frames, "0.mp4"))]
    for sigma in (1.0, 2.0, 4.0):
        blurred = np.stack([cv2.GaussianBlur(f, (0, 0), sigma) for f in frames])
        values.append(score(sharpness.METRIC, write(blurred, f"{sigma}.mp4")))
    assert values == sorted(set(values), reverse=True)


def test_brightness_does_not_matter_to_sharpness_and_motion(write: Write) -> None:
    frames = (sliding(1.0) // 2).astype(np.uint8)
    for metric in (sharpness.METRIC, motion.METRIC):
        expected = score(metric, write(frames, "dark.mp4"))
        assert score(metric, write(frames + 60, "bright.mp4")) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: type(m).__name__)
def test_container_and_name_do_not_matter(metric: ClipMetric, write: Write, tmp_path: Path) -> None:
    import av

    source = write(sliding(1.0), "a.mp4", crf=18)
    renamed, remuxed = tmp_path / "another name.mp4", tmp_path / "b.mkv"
    shutil.copy(source, renamed)
    with av.open(str(source)) as old, av.open(str(remuxed), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    expected = score(metric, source)
    assert score(metric, renamed) == expected
    assert score(metric, remuxed) == pytest.approx(expected, rel=0.02)  # Matroska rounds time to 1 ms


@pytest.mark.parametrize("metric", METRICS[:3], ids=lambda m: type(m).__name__)
def test_one_frame_has_no_change(metric: ClipMetric, write: Write) -> None:
    with pytest.raises(Unscorable) as caught:
        score(metric, write(sliding(1.0, 1)))
    assert caught.value.kind == "too_short"
