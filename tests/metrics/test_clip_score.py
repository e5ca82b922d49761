"""CLIP score: from files with stand-ins, and on embeddings made by hand."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import avbench
from avbench import testing
from avbench.clip import Clip, Prompt
from avbench.feature import Sample
from avbench.media import write_clip
from avbench.weights import checkpoint, stand_ins

torch = pytest.importorskip("torch")
if find_spec("open_clip") is None:
    pytest.skip("open-clip-torch is not installed", allow_module_level=True)
from avbench_metrics._features import openai_clip  # noqa: E402
from avbench_metrics.alignment import clip_score  # noqa: E402


def colours(path: Path, count: int, height: int = 72) -> Clip:
    """Frames of one colour each, red to blue, lossless enough to tell."""
    shade = np.linspace(0, 255, count)
    frames = np.stack([np.full((height, 96, 3), (255 - s, 40, s), np.uint8) for s in shade])
    write_clip(path, frames, 8, crf=0)
    return Clip(path, Prompt(path.stem, "red turns blue"))


def test_from_files(toybox_folder: Path) -> None:
    names = ["clip_score@fixed", "clip_score@javisbench"]
    report = avbench.run(toybox_folder, "toybox", metrics=names, stand_in=True, store=None, only_present=True, limit=2)
    fixed, official = report.metrics
    for result in (fixed, official):
        assert result.n.scored == 2 and -1 <= result.value <= 1 and result.weights[0].status == "stand-in"  # type: ignore[operator]
    assert fixed.value != official.value  # other colours
    assert fixed.identity != official.identity


def test_contract() -> None:
    testing.check_metric("clip_score")
    (file,) = checkpoint("clip_vit_b_32").files
    assert file.sha256 in file.url and len(file.sha256) == 64


def test_the_mean_over_frames_is_a_plain_cosine() -> None:
    text = np.array([0.0, 2.0])
    for metric in clip_score.PROTOCOLS.values():
        values = []
        for bad in (0, 12, 48):
            frames = np.tile([0.0, 1.0], (48, 1))
            frames[:bad] = [1.0, 0.0]
            values.append(metric.score(Sample("x", Prompt("x"), dict(zip(metric.uses, (text, frames), strict=True)))))
        assert values == pytest.approx([1.0, 0.75, 0.0])


def test_which_frames() -> None:
    # as torch's linspace and round, found by running the official reader's arithmetic
    expected = "0 4 8 12 17 21 25 29 33 37 41 45 50 54 58 62 66 70 74 78 83 87 91 95"
    assert openai_clip.spread(96, 24).tolist() == [int(i) for i in expected.split()]
    assert openai_clip.spread(65, 24).tolist()[:6] == [0, 3, 6, 8, 11, 14]
    few = openai_clip.spread(10, 48)
    assert len(few) == 48 and few[0] == 0 and few[-1] == 9 and set(few.tolist()) == set(range(10))
    assert openai_clip.spread(1, 48).tolist() == [0] * 48


def test_swapped_is_blue_for_red(tmp_path: Path) -> None:
    clip = colours(tmp_path / "a.mkv", 10)
    plain, swapped = (openai_clip.ClipFrames(5, s).prepare(clip) for s in (False, True))
    assert plain.shape == (5, 224, 224, 3) and plain.dtype == np.uint8
    assert np.array_equal(plain[..., ::-1], swapped)
    assert plain[0, 112, 112, 0] > 240 > 20 > plain[0, 112, 112, 2] and plain[-1, 112, 112, 2] > 240


def test_no_feature_depends_on_its_batch(tmp_path: Path) -> None:
    clips = [colours(tmp_path / "a.mkv", 10), colours(tmp_path / "b.mkv", 30, 108)]
    for feature in (openai_clip.ClipFrames(), openai_clip.ClipText()):
        with stand_ins():
            embed = feature.load("cpu")
            ready = [feature.prepare(clip) for clip in clips]
            together, alone = embed(ready), [embed([one])[0] for one in ready]
        for one, other in zip(together, alone, strict=True):
            assert one.shape == other.shape and abs(one - other).max() <= 1e-5 * abs(other).max()
    assert len(together[0]) == 512
