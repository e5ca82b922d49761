"""What ImageBind is fed, against the official code's figures, torchvision and sums by hand."""

from __future__ import annotations

import csv
import gzip
import json
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from avbench.compat import mend_torch
from avbench.errors import Unscorable, UsageError
from avbench.feature import Array
from avbench.testing import hashed

torch = pytest.importorskip("torch")
from avbench_metrics._features.networks import imagebind_input  # noqa: E402

needs_clip = pytest.mark.skipif(find_spec("open_clip") is None, reason="open-clip-torch brings the vocabulary")
needs_kaldi = pytest.mark.skipif(find_spec("torchaudio") is None, reason="torchaudio computes the spectrograms")

TEXTS = [
    "a dog barks twice while rain falls on a tin roof",
    "Thunder; 3 cars' horns & a child laughing -- then silence.",
    ", ".join(f"a very long sentence about waves and seagulls number {i}" for i in range(12)) + ",",
]
SHORT_IDS = [
    [49406, 320, 1929, 1040, 662, 6970, 1519, 2443, 4778, 525, 320, 5420, 6449, 49407],
    [49406, 8951, 282, 274, 3346, 262, 22109, 261, 320, 2913, 8301, 2432, 1594, 8462, 269, 49407],
]


@needs_clip
def test_text_ids_are_the_official_ones() -> None:
    ids = imagebind_input.text_ids(TEXTS)
    assert ids.shape == (3, 77) and ids.dtype == np.int64
    assert [[i for i in row if i] for row in ids[:2].tolist()] == SHORT_IDS
    assert ids.mean() == pytest.approx(3602.4112554112553, rel=1e-12)
    assert ids.argmax(axis=1).tolist() == [13, 15, 0]  # the third has lost its end token
    assert np.array_equal(imagebind_input.text_ids(TEXTS[:2], "fixed"), ids[:2])


@needs_clip
def test_text_ids_are_those_listed(real_data: Path) -> None:
    listed = json.loads((real_data / "reference/networks/imagebind.json").read_text())
    assert imagebind_input.text_ids(listed["texts"]).tolist() == listed["text_ids"]
    assert listed["texts"] == TEXTS


@needs_clip
def test_75_byte_pairs_are_the_most_that_keep_the_end() -> None:
    ids = imagebind_input.text_ids(["dog " * 75, "dog " * 76])
    assert ids.argmax(axis=1).tolist() == [76, 0]


@needs_clip
@pytest.mark.parametrize(("column", "count"), [("text", 251), ("audio_text", 4), ("video_text", 208)])
def test_how_many_prompts_of_javisbench_mini_lose_their_end(real_data: Path, column: str, count: int) -> None:
    with (real_data / "benchmarks/javisbench_mini.csv").open(newline="") as file:
        texts = [row[column] for row in csv.DictReader(file)]
    lost = imagebind_input.text_ids(texts).argmax(axis=1) == 0
    assert len(texts) == 1000 and lost.sum() == count
    assert (imagebind_input.text_ids(texts, "fixed").argmax(axis=1) > 0).all()


@needs_clip
def test_a_cut_vocabulary_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.txt.gz"
    path.write_bytes(gzip.compress(b"version\nt h\nth e</w>\na n"))
    with pytest.raises(UsageError, match="517 entries, not 49408"):
        imagebind_input.byte_pairs(path)


def wave(samples: int) -> Array:
    """A wobbling tone over noise and an offset, float32 (1, samples)."""
    t = np.arange(samples) / 16_000
    tone = 0.4 * np.sin(2 * np.pi * 330 * t) * (1 + 0.5 * np.sin(2 * np.pi * 2 * t))
    return np.asarray((0.1 * hashed("input:ib_wave", samples) + tone + 0.05).astype(np.float32)[None])


MEL_EXPECTED = {
    "2s": (-1.549548, 3.3413328, 15.942385, [-6.2315698, -6.991395, -6.2297497, -7.7102432, -6.3023515]),
    "1.25s": (-0.95730668, 2.7332553, 15.942385, [-6.2315688, -6.9914012, -6.2297459, -7.7102251, -6.3023572]),
    "stereo": (-1.549548, 3.3413328, 15.942385, [-6.2315769, -6.9913926, -6.2297497, -7.7102394, -6.3023572]),
    "normalised": (0.29748876, 0.36565254, 1.2775646, [-0.2148796, -0.29802966, -0.21468042, -0.37669548, -0.22262546]),
}


@needs_kaldi
@pytest.mark.parametrize("name", sorted(MEL_EXPECTED))
def test_mel_equals_the_official_code(name: str) -> None:
    two_seconds = wave(32_000)
    if name == "normalised":
        found = imagebind_input.audio_clips(two_seconds)[0]
    else:
        stereo = np.concatenate([two_seconds, 0.5 * two_seconds - np.float32(0.2)])
        given = {"2s": two_seconds, "1.25s": wave(20_000), "stereo": stereo}[name]
        found = imagebind_input.mel(torch.from_numpy(given)).numpy()
    assert found.shape == (1, 128, 204)
    mean, deviation, largest, first = MEL_EXPECTED[name]
    figures = [found.mean(dtype=np.float64), found.std(dtype=np.float64), abs(found).max(), *found.ravel()[:5]]
    assert figures == pytest.approx([mean, deviation, largest, *first], abs=1e-4 * largest)


@needs_kaldi
def test_mel_is_padded_before_it_is_normalised() -> None:
    assert (imagebind_input.mel(torch.from_numpy(wave(32_000)))[..., 198:] == 0).all()
    clips = imagebind_input.audio_clips(wave(20_000))
    assert abs(clips[..., 123:] - 4.268 / 9.138).max() < 1e-6 and abs(clips[..., 122] - 4.268 / 9.138).max() > 0.1
    assert abs(clips - clips[0]).max() < 1e-4  # under 2 s every clip is the whole


@needs_kaldi
def test_too_short_sound_has_no_spectrogram() -> None:
    assert imagebind_input.audio_clips(wave(400)).shape == (3, 1, 128, 204)
    with pytest.raises(Unscorable) as caught:
        imagebind_input.audio_clips(wave(399))
    assert caught.value.kind == "too_short"


@needs_kaldi
def test_channels() -> None:
    sound = wave(96_000)  # 6 s: clips do not overlap
    other = np.random.default_rng(0).standard_normal(sound.shape).astype(np.float32)
    both = np.concatenate([sound, other])
    first = imagebind_input.audio_clips(sound)
    assert abs(imagebind_input.audio_clips(both) - first).max() < 1e-3  # the other channel moves the mean alone
    mixed = imagebind_input.audio_clips(both, "fixed")
    assert np.array_equal(mixed, imagebind_input.audio_clips(both.mean(axis=0, keepdims=True), "fixed"))
    assert abs(mixed - first).max() > 0.05


@needs_kaldi
def test_official_clips_share_what_was_subtracted() -> None:
    sound = wave(48_000)  # 3 s: clips at 0, 0.5 and 1 s
    sound[:, :16_000] += 0.5
    kept = sound.copy()
    official, fixed = imagebind_input.audio_clips(sound), imagebind_input.audio_clips(sound, "fixed")
    assert np.array_equal(sound, kept)  # the caller's array is not touched
    assert np.array_equal(official[0], fixed[0])
    by_hand = torch.from_numpy(kept.copy())
    for k, start in enumerate((0, 8_000, 16_000)):
        alone = torch.from_numpy(kept[:, start : start + 32_000].copy())
        assert np.array_equal(fixed[k], ((imagebind_input.mel(alone) + 4.268) / 9.138).numpy())
        by_hand[:, start : start + 32_000] -= by_hand[:, start : start + 32_000].mean()
        shared = torch.from_numpy(by_hand[:, start : start + 32_000].numpy().copy())
        assert abs(official[k] - ((imagebind_input.mel(shared) + 4.268) / 9.138).numpy()).max() < 1e-4
    assert abs(official[2] - fixed[2]).max() > 1e-3


@needs_kaldi
def test_windows_of_sound() -> None:
    sound = wave(65_000)
    starts = (0, 8_000, 33_000)
    fixed = imagebind_input.audio_windows(sound, starts, 32_000, "fixed")
    assert fixed.shape == (3, 3, 1, 128, 204)
    for window, start in zip(fixed, starts, strict=True):
        assert np.array_equal(window, imagebind_input.audio_clips(sound[:, start : start + 32_000], "fixed"))
        assert np.array_equal(window[0], window[2])
    official, changed = imagebind_input.audio_windows(sound, starts, 32_000), sound.copy()
    for window, start in zip(official, starts, strict=True):
        changed[:, start : start + 32_000] -= changed[:, start : start + 32_000].mean()
        assert abs(window - imagebind_input.audio_clips(changed[:, start : start + 32_000], "fixed")).max() < 1e-3
    assert abs(official[1] - fixed[1]).max() > 0.1  # a step where the first window ended


def test_starts_of_clips() -> None:
    assert imagebind_input.clip_starts(10.0, 5) == [0, 2, 4, 6, 8]
    assert imagebind_input.clip_starts(4.0, 3) == [0, 1, 2]
    assert imagebind_input.clip_starts(1.5, 3) == [0, 0, 0]
    assert imagebind_input.clip_starts(5.0, 5)[1] == Fraction(3, 4)


@pytest.mark.parametrize(
    ("frames", "fps", "expected"),
    [
        (250, 25.0, [[0, 49], [50, 99], [100, 149], [150, 199], [200, 249]]),
        (65, 16.0, [[0, 31], [9, 40], [17, 48], [25, 56], [33, 64]]),  # starts at 8.25, 16.5 ... frames, rounded up
        (30, 24.0, [[0, 29]] * 5),
        (1, 24.0, [[0, 0]] * 5),
    ],
)
def test_frames_of_clips(frames: int, fps: float, expected: list[list[int]]) -> None:
    assert imagebind_input.video_frames(frames, fps).tolist() == expected


def test_clips_without_a_frame_are_refused() -> None:
    with pytest.raises(Unscorable) as caught:
        imagebind_input.video_frames(3, 0.25)
    assert caught.value.kind == "too_short"


@pytest.mark.parametrize("upright", [False, True])
def test_crops_of_clips(upright: bool) -> None:
    pairs = np.random.default_rng(0).integers(0, 256, (5, 2, 448, 451, 3), dtype=np.uint8)
    if upright:
        pairs = pairs.swapaxes(2, 3)
    crops = imagebind_input.video_clips(pairs)
    assert crops.shape == (15, 3, 2, 224, 224) and crops.dtype == np.float32
    # by halves: each sample of a short side of 448 lies between two pixels; the long side becomes 225, so offsets 0, 1, 1
    values = np.moveaxis(pairs, -1, 1) / 255
    if upright:
        values = values.swapaxes(3, 4)
        crops = crops.swapaxes(3, 4)
    rows = (values[..., 0::2, :] + values[..., 1::2, :]) / 2
    at = (np.arange(225) + 0.5) * 451 / 225 - 0.5
    low = np.floor(at).astype(int)
    wide = rows[..., low] * (1 - (at - low)) + rows[..., low + 1] * (at - low)
    mean = np.array([0.48145466, 0.4578275, 0.40821073])[:, None, None, None]
    deviation = np.array([0.26862954, 0.26130258, 0.27577711])[:, None, None, None]
    for clip in range(5):
        for k, left in enumerate((0, 1, 1)):
            expected = (wide[clip][..., left : left + 224] - mean) / deviation
            assert abs(crops[3 * clip + k] - expected).max() < 5e-4


def test_three_crops_are_left_centre_right() -> None:
    pairs = np.zeros((5, 2, 224, 400, 3), np.uint8)
    pairs[:, :, :, :, :] = np.arange(400, dtype=np.uint8)[:, None] % 200
    crops = imagebind_input.video_clips(pairs)
    reds = crops[:3, 0, 0, 0, 0] * 0.26862954 + 0.48145466
    assert reds * 255 == pytest.approx([0, 88, 176], abs=1e-3)
    assert abs(crops[0::3] - crops[0]).max() == 0


def test_pictures_are_torchvisions() -> None:
    mend_torch()
    transforms = pytest.importorskip("torchvision.transforms")
    from PIL import Image

    steps = [transforms.Resize(224, transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(224), transforms.ToTensor()]
    steps.append(transforms.Normalize(imagebind_input.PICTURE_MEAN, imagebind_input.PICTURE_SPREAD))
    for shape in ((2, 360, 641, 3), (2, 641, 360, 3), (2, 100, 150, 3), (1, 224, 224, 3)):
        frames = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
        expected = np.stack([transforms.Compose(steps)(Image.fromarray(frame)).numpy() for frame in frames])
        assert abs(imagebind_input.pictures(frames) - expected).max() <= 1e-6


@needs_kaldi
def test_resampling() -> None:
    t = np.arange(48_000) / 48_000
    tone = np.sin(2 * np.pi * 1000 * t).astype(np.float32)[None]
    found = imagebind_input.resampled(tone, 48_000)
    assert found.shape == (1, 16_000)
    assert found[0, 100:-100] == pytest.approx(tone[0, ::3][100:-100], abs=2e-3)
    assert np.array_equal(imagebind_input.resampled(tone, 16_000), tone)
