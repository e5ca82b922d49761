"""AV-Align's published codes, against OpenCV and librosa used directly."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from avbench_metrics.sync import av_align

from avbench.clip import Clip, Prompt
from avbench.feature import Sample

cv2 = pytest.importorskip("cv2")
librosa = pytest.importorskip("librosa")

FLOWS: dict[bytes, Any] = {}
# JavisBench's number of each clip
OFFICIAL = {"00000": 0.0870, "00023": 0.2683, "00041": 0.3396, "01083": 0.30, "01086": 0.3077, "419": 0.1579, "420": 0.3333}


@pytest.fixture(autouse=True)
def _flow_of_equal_pictures_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flow is slow: where both sides give OpenCV the same two pictures, the second one gets the first one's flow."""
    farneback = cv2.calcOpticalFlowFarneback

    def remembered(before: Any, after: Any, *settings: Any) -> Any:
        key = hashlib.sha256(before.tobytes() + after.tobytes() + repr((before.shape, settings)).encode()).digest()
        if key not in FLOWS:
            FLOWS[key] = farneback(before, after, *settings).astype(np.float32)
        return FLOWS[key].copy()

    FLOWS.clear()
    monkeypatch.setattr(cv2, "calcOpticalFlowFarneback", remembered)


def _score(name: str, path: Path) -> float:
    metric: Any = av_align.PROTOCOLS[name]
    prompt = Prompt(path.stem)
    return float(metric.score(Sample(path.stem, prompt, {f: f.prepare(Clip(path, prompt)) for f in metric.uses})))


def _by_opencv(path: Path, samples: Any, rate: int, *, doubled: bool, least: float, floor: float) -> float:
    """The published formula on frames that OpenCV reads, turns grey and counts per second."""
    reader = cv2.VideoCapture(str(path))
    fps, grey = reader.get(cv2.CAP_PROP_FPS), []
    while (read := reader.read())[0]:
        grey.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2GRAY))
    flows = [
        cv2.calcOpticalFlowFarneback(grey[i], grey[i + 1], None, 0.5, 3, 15, 3, 5, 1.2, 0) for i in range(len(grey) - 1)
    ]  # fmt: skip
    sizes = [float(np.mean(cv2.cartToPolar(flow[..., 0], flow[..., 1])[0])) for flow in flows]
    sizes = sizes[:1] + sizes if doubled else sizes
    peaks = [i / fps for i in range(1, len(sizes) - 1) if sizes[i - 1] < sizes[i] > sizes[i + 1] and sizes[i] >= least]
    strength = librosa.onset.onset_strength(y=samples, sr=rate)
    onsets = librosa.frames_to_time(librosa.onset.onset_detect(onset_envelope=strength, sr=rate), sr=rate)
    if not peaks or not len(onsets):
        return 0.0
    met = sum(any(peak - 1 / fps < onset < peak + 1 / fps for peak in peaks) for onset in onsets)
    return met / (len(onsets) + len(peaks) - met + floor)


def _sound(path: Path, rate: int | None) -> tuple[Any, int]:
    clip = Clip(path, Prompt("a"))
    return clip.waveform(av_align.Waveform(rate))


def test_the_published_formulas_on_real_clips(real_data: Path) -> None:
    clips = sorted((real_data / "clips" / "verse_bench_mini").glob("*.mp4"))
    assert [path.stem for path in clips] == list(OFFICIAL)
    for path in clips:
        FLOWS.clear()
        expected = _by_opencv(path, *_sound(path, None), doubled=True, least=0.0, floor=1e-6)
        assert _score("official", path) == pytest.approx(expected, abs=1e-12), path.stem
        assert expected == pytest.approx(OFFICIAL[path.stem], abs=1e-4), path.stem
        expected = _by_opencv(path, *_sound(path, 44_100), doubled=False, least=0.1, floor=0.0)
        assert _score("mova", path) == pytest.approx(expected, abs=1e-12), path.stem


def test_the_published_formula_on_toybox_clips(toybox_folder: Path) -> None:
    for path in sorted(toybox_folder.glob("*.mp4")):
        expected = _by_opencv(path, *_sound(path, None), doubled=True, least=0.0, floor=1e-6)
        assert _score("official", path) == pytest.approx(expected, abs=1e-12), path.stem


def test_a_tie_at_one_frame_is_no_match() -> None:
    """Onsets on a grid of 0.032 s meet peaks on one of 0.04 s exactly; the test is strict, so fps must be just 25."""
    sizes = np.zeros(60)
    sizes[33] = 1.0  # 1.32 s
    features: Any = {av_align.OPENCV_FLOW: np.concatenate([[25.0], sizes[1:]]), av_align.LIBROSA_ONSETS: np.asarray([1.28])}
    assert av_align.AvAlignOfficial().score(Sample("a", Prompt("a"), features)) == 0.0
    features[av_align.LIBROSA_ONSETS] = np.asarray([1.29])
    assert av_align.AvAlignOfficial().score(Sample("a", Prompt("a"), features)) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("fps", [24, 25, 30])
def test_the_rate_is_the_containers(tmp_path: Path, fps: int) -> None:
    from avbench.media import write_clip

    frames = np.random.default_rng(0).integers(0, 255, (fps, 32, 32, 3), dtype=np.uint8)
    write_clip(tmp_path / "a.mp4", frames, fps, np.zeros(16_000, np.float32), 16_000)
    assert av_align.OPENCV_FLOW.prepare(Clip(tmp_path / "a.mp4", Prompt("a")))[0] == float(fps)
