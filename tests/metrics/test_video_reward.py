"""Visual and motion quality by VideoReward: from files to numbers, both from one run of the network, raw and normalised."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from avbench_metrics._features.video_reward import VideoReward

import avbench
from avbench import catalog, testing, weights
from avbench.benchmarks import javisbench
from avbench.clip import Clip, Prompt
from avbench.errors import MissingCheckpoint
from avbench.feature import Array, Sample
from avbench.media import write_clip
from avbench.metric import ClipMetric

if not all(find_spec(package) for package in ("torch", "torchvision", "transformers")):
    pytest.skip("torch, torchvision or transformers is not installed", allow_module_level=True)

NAMES = [f"{name}@{protocol}" for name in ("visual_quality", "motion_quality") for protocol in ("javisbench", "videoalign")]


def metric(name: str) -> ClipMetric:
    found = catalog.load("metric", name)
    assert isinstance(found, ClipMetric)
    return found


def rewarded(visual: float, motion: float) -> Sample:
    return Sample("a", Prompt("a"), {VideoReward(): np.array([visual, motion], np.float32)})


def pictures(count: int, height: int, width: int, seed: int = 0) -> Array:
    """A bright square on noise that moves by 3 pixels a frame."""
    frames = np.random.default_rng(seed).integers(0, 90, (count, height, width, 3), dtype=np.uint8)
    for index, frame in enumerate(frames):
        left = 3 * index % (width - 20)
        frame[10:30, left : left + 20] = 230
    return frames


@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str) -> None:
    testing.check_metric(name)


def test_from_files_to_numbers_by_one_run_of_the_network_for_each_clip(
    toybox_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avbench_metrics._features.networks import video_reward
    from avbench_metrics._features.networks.video_reward_input import MOTION, TINY_IDS, VISUAL

    runs: list[tuple[int, int, int]] = []
    forward = video_reward.VideoReward.forward

    def counted(self: Any, question: Any, patches: Any, grid: tuple[int, int, int], marks: Any) -> Any:
        assert marks == [TINY_IDS[VISUAL], TINY_IDS[MOTION]]
        runs.append(grid)
        return forward(self, question, patches, grid, marks)

    monkeypatch.setattr(video_reward.VideoReward, "forward", counted)
    report = avbench.run(toybox_folder, metrics=NAMES, stand_in=True, store=None)
    assert runs == [(2, 24, 24)] * 4  # 4 frames of 2 s, 96 x 96 made 336 x 336
    for name in NAMES:
        assert report[name].n.scored == 4 and not report[name].official
    values = [report[name].value for name in NAMES]
    assert all(value is not None and np.isfinite(value) for value in values) and len(set(values)) == 4
    assert values[1] == pytest.approx((values[0] - 3.6757) / 2.2476, rel=1e-9)
    assert values[3] == pytest.approx((values[2] - 1.1646) / 1.3811, rel=1e-9)
    again = avbench.run(toybox_folder, metrics=NAMES, stand_in=True, store=None)
    assert [again[name].value for name in NAMES] == values


def test_each_metric_has_its_own_reward_and_more_is_better() -> None:
    assert metric("visual_quality").score(rewarded(2.5, -0.5)) == 2.5
    assert metric("motion_quality").score(rewarded(2.5, -0.5)) == -0.5
    for place, name in enumerate(("visual_quality", "motion_quality")):
        for protocol in ("javisbench", "videoalign"):
            judged = metric(f"{name}@{protocol}")
            better = [0.0, 0.0]
            better[place] = 1.0
            assert judged.card.better == "higher" and judged.score(rewarded(*better)) > judged.score(rewarded(0.0, 0.0))
            assert judged.score(rewarded(*better[::-1])) == judged.score(rewarded(0.0, 0.0))


def test_normalised_by_the_published_means_and_deviations() -> None:
    mean = rewarded(3.6757, 1.1646)
    above = rewarded(3.6757 + 2.2476, 1.1646 + 1.3811)
    for name in ("visual_quality@videoalign", "motion_quality@videoalign"):
        assert metric(name).score(mean) == pytest.approx(0.0, abs=1e-6)
        assert metric(name).score(above) == pytest.approx(1.0, abs=1e-6)


def test_every_size_and_length_alone_or_together(tmp_path: Path) -> None:
    shapes = [(4, 48, 64), (9, 48, 64), (4, 96, 64), (12, 64, 96), (4, 48, 64)]
    feature = VideoReward()
    prepared = []
    for index, (count, height, width) in enumerate(shapes):
        write_clip(tmp_path / f"{index}.mp4", pictures(count, height, width, index), 4)
        clip = Clip(tmp_path / f"{index}.mp4", Prompt(str(index)))
        clip.decode(feature.reads)
        prepared.append(feature.prepare(clip))
    assert [frames.shape[0] for frames in prepared] == [4, 4, 4, 6, 4]
    assert all(100_352 <= frames.shape[1] * frames.shape[2] <= 200_704 for frames in prepared)
    with weights.stand_ins():
        judge = feature.load("cpu")
        together = judge(prepared)
        for one, whole in zip(prepared, together, strict=True):
            assert whole.shape == (2,) and whole.dtype == np.float32
            np.testing.assert_allclose(judge([one])[0], whole, rtol=1e-5)
    assert len({tuple(rewards) for rewards in together}) == len(shapes)  # it sees the pictures


def test_frames_from_the_first_to_the_last(tmp_path: Path) -> None:
    """Grey levels tell which frame was taken: 17 frames at 24 per second give the frames 0, 5, 11 and 16."""
    frames = np.stack([np.full((64, 64, 3), 15 * index, np.uint8) for index in range(17)])
    write_clip(tmp_path / "a.mp4", frames, 24)
    clip = Clip(tmp_path / "a.mp4", Prompt("a"))
    clip.decode(VideoReward().reads)
    taken = VideoReward().prepare(clip)
    assert np.abs(taken.mean(axis=(1, 2, 3)) - 15 * np.array([0, 5, 11, 16])).max() < 5


def test_a_single_picture_and_sound_alone_get_reasons(tmp_path: Path) -> None:
    import soundfile

    write_clip(tmp_path / "single.mp4", pictures(1, 64, 64), 4)
    write_clip(tmp_path / "whole.mp4", pictures(8, 64, 64), 4)
    soundfile.write(tmp_path / "sound.wav", np.zeros(16_000), 16_000)
    (tmp_path / "sound.wav").rename(tmp_path / "sound.mp4")
    report = avbench.run(tmp_path, metrics=NAMES, stand_in=True, store=None)
    for name in NAMES:
        assert {m.clip: m.kind for m in report[name].missing} == {"single": "too_short", "sound": "no_video"}
        assert report[name].n.scored == 1


def test_without_the_checkpoint_nothing_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVBENCH_WEIGHTS", str(tmp_path / "none"))
    with pytest.raises(MissingCheckpoint):
        VideoReward().load("cpu")


def test_columns_of_javisbench() -> None:
    headings = [heading for heading, _ in javisbench.COLUMNS]
    assert headings[2:6] == ["FAD", "VQ", "MQ", "AQ"]
    assert dict(javisbench.COLUMNS)["VQ"] == "visual_quality@javisbench" and dict(javisbench.COLUMNS)["MQ"] == NAMES[2]
