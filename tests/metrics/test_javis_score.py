"""Windows and scores of JavisScore and AVHScore."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
from avbench_metrics._maths.javis_score import Windows, avh_score, javis_score, window_starts, windows
from hypothesis import given, settings
from hypothesis import strategies as st

from avbench.errors import Unscorable

PROTOCOLS: tuple[Literal["official", "fixed"], ...] = ("official", "fixed")


def test_vectors_of_the_official_code() -> None:
    found = windows(65, 16.0, 65_000)
    assert found == Windows((0, 8, 16, 24, 32, 33), 32, (0, 8000, 16000, 24000, 32000, 33000), 32_000)
    assert [start / 16_000 for start in found.audio] == [0, 0.5, 1, 1.5, 2, 2.0625]
    assert windows(96, 24.0, 64_000) == Windows((0, 12, 24, 36, 48), 48, (0, 8000, 16000, 24000, 32000), 32_000)
    assert windows(102, 24.0, 10**6).video == (0, 12, 24, 36, 48, 54)
    assert windows(121, 25.0, 10**6).video == (0, 13, 26, 39, 52, 65, 71) and windows(121, 25.0, 10**6).frames == 50
    assert windows(96, 23.976, 10**6).video == (0, 12, 24, 36, 48, 49) and windows(96, 23.976, 10**6).frames == 47


@pytest.mark.parametrize(("frames", "counted"), [(32, 12), (48, 19), (50, 20), (47, 18), (3, 1)])
def test_how_many_frames_count(frames: int, counted: int) -> None:
    """With cosines evenly spread from 0.1 to 0.9 the mean tells how many were taken."""
    angles = np.arccos(np.linspace(0.1, 0.9, frames))
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1)[np.random.default_rng(0).permutation(frames)]
    score = javis_score(embeddings, np.array([[3.0, 0.0]]), Windows((0,), frames, (0,), 32_000))
    assert score == pytest.approx(np.linspace(0.1, 0.9, frames)[:counted].mean(), rel=1e-12)


def test_one_window_where_picture_or_sound_is_short() -> None:
    assert windows(32, 16.0, 10**6) == Windows((0,), 32, (0,), 10**6)  # all of both, however different
    assert windows(500, 16.0, 32_000) == Windows((0,), 500, (0,), 32_000)
    assert windows(33, 16.0, 32_001) == Windows((0, 1), 32, (0, 1), 32_000)
    assert windows(32, 16.0, 10**6, "fixed") == Windows((0,), 32, (0,), 32_000)
    assert windows(500, 16.0, 20_000, "fixed") == Windows((0,), 20, (0,), 20_000)


def test_the_shorter_side_decides_how_many() -> None:
    found = windows(160, 16.0, 48_000)
    assert found == Windows((0, 8, 16), 32, (0, 8000, 16000), 32_000)


def test_drift_at_25_fps() -> None:
    def apart(protocol: Literal["official", "fixed"]) -> float:
        found = windows(250, 25.0, 160_000, protocol)
        return max(abs(v / 25 - a / 16_000) for v, a in zip(found.video, found.audio, strict=True))

    assert apart("official") == pytest.approx(0.30)
    assert apart("fixed") <= 0.02 + 1e-9


RATES = [8.0, 12.5, 16.0, 23.976, 24.0, 25.0, 29.97, 30.0, 60.0]


@settings(max_examples=100, deadline=None)
@given(frames=st.integers(1, 400), fps=st.sampled_from(RATES), samples=st.integers(1, 200_000))
def test_windows_lie_in_the_clip(frames: int, fps: float, samples: int) -> None:
    for protocol in PROTOCOLS:
        found = windows(frames, fps, samples, protocol)
        assert len(found.video) == len(found.audio) >= 1 and found.frames >= 1 and found.samples >= 1
        assert found.video[0] == found.audio[0] == 0
        assert max(found.video) + found.frames <= frames and max(found.audio) + found.samples <= samples
        assert list(found.video) == sorted(found.video) and len(set(found.audio)) == len(found.audio)
    pairs = zip(found.video, found.audio, strict=True)
    # half a frame, and less than one that int(2 fps) leaves out at the end
    assert all(abs(v / fps - a / 16_000) <= 1.5 / fps + 1e-4 for v, a in pairs)


@given(length=st.integers(1, 50), more=st.integers(0, 300), share=st.floats(0.01, 1.0))
def test_starts_by_walking(length: int, more: int, share: float) -> None:
    total, stride, expected = length + more, math.ceil(share * length), []
    for start in range(0, total, stride):
        expected.append(min(start, total - length))
        if expected[-1] + length >= total:
            break
    assert list(window_starts(total, length, stride)) == expected


def test_mean_over_windows_of_the_worst_frames() -> None:
    rng = np.random.default_rng(1)
    frames, pairs = rng.standard_normal((65, 7)), windows(65, 16.0, 65_000)
    sounds = rng.standard_normal((6, 7))
    unit = frames / np.linalg.norm(frames, axis=1, keepdims=True)
    expected = 0.0
    for start, sound in zip(pairs.video, sounds, strict=True):
        expected += sum(sorted(unit[start : start + 32] @ sound / np.linalg.norm(sound))[:12]) / 12 / 6
    assert javis_score(frames, sounds, pairs) == pytest.approx(expected, rel=1e-12)
    assert avh_score(frames, sounds[0]) == pytest.approx((unit @ sounds[0] / np.linalg.norm(sounds[0])).mean(), rel=1e-12)
    assert javis_score(frames * 20, sounds * 3, pairs) == pytest.approx(expected, rel=1e-12)


def test_worse_frames_lower_the_score() -> None:
    sound = np.ones((1, 4))
    frames, pairs = np.ones((32, 4)), Windows((0,), 32, (0,), 32_000)
    assert javis_score(frames, sound, pairs) == pytest.approx(1.0) == avh_score(frames, sound[0])
    for bad in (1, 6, 12):
        frames[:bad] = [1, -1, 1, -1]
        assert javis_score(frames, sound, pairs) == pytest.approx(1 - bad / 12)
        assert avh_score(frames, sound[0]) == pytest.approx(1 - bad / 32)


def test_too_few_frames() -> None:
    frames, sound, pairs = np.ones((2, 4)), np.ones((1, 4)), Windows((0,), 2, (0,), 32_000)
    assert math.isnan(javis_score(frames, sound, pairs))
    with pytest.raises(Unscorable) as caught:
        javis_score(frames, sound, pairs, "fixed")
    assert caught.value.kind == "too_short"


def test_typed_reasons() -> None:
    for arguments, kind in (((0, 16.0, 100), "no_video"), ((10, 16.0, 0), "no_audio")):
        for protocol in PROTOCOLS:
            with pytest.raises(Unscorable) as caught:
                windows(*arguments, protocol)
            assert caught.value.kind == kind
    for chosen in PROTOCOLS:
        with pytest.raises(Unscorable) as caught:
            windows(100, 0.4, 10**6, chosen)
        assert caught.value.kind == "too_slow"
    with pytest.raises(ValueError, match="frames per second"):
        windows(10, 0.0, 100)
    broken = np.ones((32, 4))
    broken[3, 1] = np.nan
    with pytest.raises(Unscorable) as caught:
        avh_score(broken, np.ones(4))
    assert caught.value.kind == "not_finite"
    with pytest.raises(Unscorable) as caught:
        avh_score(np.zeros((0, 4)), np.ones(4))
    assert caught.value.kind == "no_video"
    pairs = Windows((0,), 32, (0,), 32_000)
    for frames, sounds, size in ((31, 1, 4), (32, 2, 4), (32, 1, 3)):
        with pytest.raises(ValueError):
            javis_score(np.ones((frames, 4)), np.ones((sounds, size)), pairs)
