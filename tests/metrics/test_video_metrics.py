"""Video metrics on networks: they run from files, tell worse from better, keep published quirks and depend on no other clip."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from avbench_metrics._features.clip_frames import ClipFrames
from avbench_metrics._features.dino_frames import DinoFrames
from avbench_metrics._features.dinov3_tokens import Dinov3Tokens
from avbench_metrics._features.frame_quality import ManiqaQuality, MusiqQuality, SiglipAesthetic
from avbench_metrics._features.predicted_frames import PredictionErrors
from avbench_metrics._features.raft_flow import RaftFlow, StaticFlow
from avbench_metrics._features.resized import centre_crop, longest_side, short_side, spread, squashed
from avbench_metrics._features.viclip_pair import ViClipPair, tokens_of
from avbench_metrics._features.video_embedding import I3dLogits, VideoMaeFeature
from avbench_metrics._maths.frame_consistency import consistency

import avbench
from avbench import catalog, testing, weights
from avbench.clip import Clip, Prompt
from avbench.errors import MissingCheckpoint, Unscorable
from avbench.feature import Array, Feature, Sample
from avbench.media import write_clip
from avbench.metric import ClipMetric, SetMetric, Total
from avbench.world.toybox import draw_scene, render

torch = pytest.importorskip("torch")

NAMES = (
    "fvd@fixed", "fvd@javisbench", "fvd@cdfvd_i3d", "fvd@cdfvd_videomae", "kvd@fixed", "kvd@javisbench",
    "subject_consistency@vbench", "background_consistency@vbench", "aesthetic_quality@vbench", "imaging_quality@vbench",
    "dynamic_degree@fixed", "dynamic_degree@vbench", "motion_smoothness@vbench", "overall_consistency@vbench",
    "temporal_style@vbench", "temporal_flickering@unfiltered", "temporal_flickering@vbench",
    "aesthetic_score@fixed", "aesthetic_score@verse_bench",
    "identity_consistency@fixed", "identity_consistency@verse_bench", "motion_score@fixed", "motion_score@verse_bench",
    "vbench_quality@fixed", "vbench_quality@official", "vbench_semantic@measured", "vbench_semantic@official",
    "vbench_total@measured", "vbench_total@official",
)  # fmt: skip


def small_clip(path: Path, size: tuple[int, int], frames: int, index: int = 0, fps: float = 8.0) -> Path:
    """Frames of a Toybox clip enlarged to ``size`` (width, height)."""
    pictures, _ = render(draw_scene("test", index))
    write_clip(path, np.stack([cv2.resize(picture, size) for picture in pictures[:: 32 // frames][:frames]]), fps)
    return path


def sample_of(clip: str, values: dict[Feature, Any], **prompt: Any) -> Sample:
    return Sample(clip, Prompt(clip, **prompt), values)


def clip_metric(name: str) -> ClipMetric:
    metric = catalog.load("metric", name)
    assert isinstance(metric, ClipMetric)
    return metric


def set_metric(name: str) -> SetMetric:
    metric = catalog.load("metric", name)
    assert isinstance(metric, SetMetric)
    return metric


@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str) -> None:
    testing.check_metric(name)


def test_without_weights_the_run_says_what_to_fetch(toybox_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVBENCH_WEIGHTS", str(tmp_path))
    reason = catalog.unavailable(catalog.load("metric", "background_consistency"))
    assert isinstance(reason, MissingCheckpoint) and "avbench weights pull clip_vit_b_32" in str(reason)
    with pytest.raises(avbench.errors.UsageError, match="clip_vit_b_32"):
        avbench.run(toybox_folder, metrics=["background_consistency"], store=None)


# ---- from files, with stand-ins


def test_runs_from_files(toybox_folder: Path, tmp_path: Path) -> None:
    """The Toybox as it is: 64 x 64, which is too small for optical flow."""
    for index in range(3):
        frames, samples = render(draw_scene("train", index))
        write_clip(tmp_path / f"{index}.mp4", frames, 16, samples, 16_000)
    names = [name for name in NAMES if name.startswith(("fvd", "kvd", "subject", "background", "aesthetic_quality", "dynamic"))]
    report = avbench.run(toybox_folder, metrics=names, stand_in=True, store=None, reference=tmp_path)
    for name in names:
        result = report[name]
        if name.startswith("dynamic"):
            assert result.value is None and {gap.kind for gap in result.missing} == {"too_small"}
        else:
            assert result.value is not None and np.isfinite(result.value), name
            assert {weight.status for weight in result.weights} == {"stand-in"}


def test_vbench_runs_from_files(tmp_path: Path) -> None:
    """One clip of a prompt that stands for all nine dimensions that are measured; the totals bring in their parts."""
    small_clip(tmp_path / "a ball falls-0.mp4", (128, 130), 8)
    asked = [name.partition("@")[0] for name in NAMES if name.endswith("@vbench")]
    prompts = tmp_path / "prompts.json"
    prompts.write_text(json.dumps([{"prompt_en": "a ball falls", "dimension": asked}]))
    official = [name for name in NAMES if name.startswith("vbench") and name.endswith("@official")]
    ours = ["vbench_quality@fixed", "vbench_semantic@measured", "vbench_total@measured"]
    names = [*(f"{name}@vbench" for name in asked), *ours, *official]
    report = avbench.run(tmp_path, "vbench", prompts=prompts, metrics=names, only_present=True, stand_in=True, store=None)
    for name in names:
        value = report[name].value
        assert value is not None and np.isfinite(value), (name, report[name].reason)
    assert report["vbench_quality@fixed"].value == report["vbench_quality@official"].value
    quality, semantic = report["vbench_quality@official"].value, report["vbench_semantic@official"].value
    assert quality is not None and semantic is not None
    assert report["vbench_total@official"].value == pytest.approx((4 * quality + semantic) / 5)
    style, overall = (report[f"{name}@vbench"].value for name in ("temporal_style", "overall_consistency"))
    two = report["vbench_semantic@measured"].value
    assert style is not None and overall is not None and two == pytest.approx((style + overall) / 0.364 / 2)
    assert report["vbench_total@measured"].value == pytest.approx((4 * quality + (two or 0)) / 5)
    columns = dict(catalog.load("benchmark", "vbench").columns)
    assert {columns[head] for head in ("Quality", "Semantic", "Total")} == set(official)


def test_motion_score_runs_from_files(tmp_path: Path) -> None:
    small_clip(tmp_path / "a.mp4", (128, 130), 3)
    report = avbench.run(tmp_path, metrics=["motion_score@fixed", "motion_score@verse_bench"], stand_in=True, store=None)
    for result in report.metrics:
        assert result.value is not None and result.value > 0


def test_aesthetic_score_runs_from_files(tmp_path: Path) -> None:
    small_clip(tmp_path / "a.mp4", (226, 228), 1)
    report = avbench.run(tmp_path, metrics=["aesthetic_score@fixed"], stand_in=True, store=None)
    (row,) = report["aesthetic_score@fixed"].scores
    parts = row.details
    assert row.value == pytest.approx((parts["aesthetic"] / 10 + parts["musiq"] / 100 + parts["maniqa"]) / 3)


def test_pictures_of_the_prompt_and_words_are_needed(tmp_path: Path) -> None:
    path = small_clip(tmp_path / "a.mp4", (64, 64), 2)
    picture = tmp_path / "a.png"
    cv2.imwrite(str(picture), np.full((50, 80, 3), 90, np.uint8))
    tokens = Dinov3Tokens()
    with pytest.raises(Unscorable, match="no reference picture"):
        tokens.prepare(Clip(path, Prompt("a")))
    prepared = tokens.prepare(Clip(path, Prompt("a", image=picture)))
    assert prepared.shape == (3, 224, 224, 3) and (prepared[0] == 90).all()
    with pytest.raises(Unscorable, match="no text"):
        ViClipPair().prepare(Clip(path, Prompt("a")))
    assert clip_metric("identity_consistency").card.needs == ("image",)


@pytest.mark.parametrize(
    ("feature", "size", "frames", "kind"),
    [
        (I3dLogits("fixed"), (64, 64), 8, "too_short"),
        (I3dLogits("cdfvd"), (64, 64), 8, "too_short"),
        (VideoMaeFeature(), (64, 64), 15, "too_short"),
        (RaftFlow(), (64, 64), 3, "too_small"),
        (RaftFlow(), (128, 128), 1, "too_short"),
        (StaticFlow(), (64, 64), 3, "too_small"),
        (StaticFlow(), (128, 128), 1, "too_short"),
        (PredictionErrors(), (64, 64), 3, "too_small"),
        (PredictionErrors(), (128, 128), 2, "too_short"),
        (ManiqaQuality(), (224, 300), 1, "too_small"),
    ],
)
def test_too_small_or_short_is_said(tmp_path: Path, feature: Feature, size: tuple[int, int], frames: int, kind: str) -> None:
    path = small_clip(tmp_path / "a.mp4", size, frames)
    with pytest.raises(Unscorable) as caught:
        feature.prepare(Clip(path, Prompt("a")))
    assert caught.value.kind == kind


FEATURES: tuple[tuple[Feature, tuple[int, int], int], ...] = (
    (I3dLogits("javisbench"), (64, 48), 9),
    (I3dLogits("cdfvd"), (64, 48), 16),
    (VideoMaeFeature(), (64, 48), 16),
    (ClipFrames("ViT-B/32"), (64, 48), 3),
    (DinoFrames(), (64, 48), 3),
    (ViClipPair(), (64, 48), 9),
    (SiglipAesthetic(), (64, 48), 2),
    (MusiqQuality("spaq", 512), (64, 48), 2),
    (ManiqaQuality(), (226, 227), 1),
    (RaftFlow("vbench"), (128, 128), 2),
    (RaftFlow("verse_bench"), (128, 128), 2),
    (StaticFlow(), (128, 128), 2),
    (PredictionErrors(), (128, 120), 3),
)


@pytest.mark.parametrize(("feature", "size", "frames"), FEATURES, ids=lambda value: str(value))
def test_no_feature_depends_on_the_batch(tmp_path: Path, feature: Feature, size: tuple[int, int], frames: int) -> None:
    """Alone and beside another clip of another size; and from a clip twice, the same digits."""
    first = Clip(small_clip(tmp_path / "a.mp4", size, frames, 0), Prompt("a", text="a ball"))
    second = Clip(small_clip(tmp_path / "b.mp4", (size[0] + 2, size[1] + 4), frames, 1), Prompt("b", text="a square"))
    with weights.stand_ins():
        function = feature.load("cpu")
        prepared = [feature.prepare(clip) for clip in (first, second)]
        alone, together = function(prepared[:1])[0], function(prepared)[0]
        again = function([feature.prepare(Clip(first.path, first.prompt))])[0]
    assert np.isfinite(alone).all()
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-5 * np.abs(alone).max())
    np.testing.assert_array_equal(again, alone)


# ---- what the numbers do


def test_consistency_by_hand() -> None:
    """Frames at 0, 60 and 180 degrees: cosines to the one before .5 and -.5 (counts as 0), to the first .5 and -1 (0)."""
    angles = np.radians([0, 60, 180])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1) * [[1], [3], [0.1]]
    assert consistency(vectors) == pytest.approx((0.5 + 0.5) / 2 / 2)
    assert consistency(np.ones((4, 5))) == pytest.approx(1.0)
    with pytest.raises(Unscorable, match="one frame"):
        consistency(np.ones((1, 5)))
    with pytest.raises(Unscorable, match="zero"):
        consistency(np.zeros((2, 5)))


@pytest.mark.parametrize("name", ["subject_consistency@vbench", "background_consistency@vbench"])
def test_consistency_is_a_mean_over_frames_as_in_vbench(name: str, tmp_path: Path) -> None:
    for index, frames in enumerate((2, 8)):
        small_clip(tmp_path / f"{index}.mp4", (64, 48), frames, index)
    result = avbench.run(tmp_path, metrics=[name], stand_in=True, store=None)[name]
    short, long = (score.value for score in sorted(result.scores, key=lambda score: score.clip))
    assert short != long and result.value == pytest.approx((short + 7 * long) / 8) and result.averaged == "frames"


def static(tops: list[float], ends: tuple[float, float] = (0.0, 0.0)) -> Sample:
    """A clip of grey level 2 of flicker, whose picture's shorter side is 256."""
    difference, filtered = clip_metric("temporal_flickering@vbench").uses
    return sample_of("a", {difference: np.full(len(tops), 2.0), filtered: np.asarray([*tops, *ends, 256.0])})


def test_flickering_of_vbench_is_of_static_clips_alone() -> None:
    """17 frames: round(17 / 8) = 2 pairs may move more than 3 pixels, the ends lie at most 12 pixels apart."""
    metric, still = clip_metric("temporal_flickering@vbench"), [0.0] * 14
    kept = (static([3.1, 9.0, *still]), static([3.0] * 16), static([0.0] * 16, (12.0, 12.0)))
    assert all(metric.score(sample) == pytest.approx(253 / 255) for sample in kept)
    for moving in (static([3.1, 3.1, 3.1, *still[:13]]), static([0.0] * 16, (12.1, 0.0)), static([0.0] * 16, (0.0, 12.1))):
        with pytest.raises(Unscorable, match="not static") as caught:
            metric.score(moving)
        assert caught.value.kind == "not_applicable"
        assert clip_metric("temporal_flickering").score(moving) == pytest.approx(253 / 255)


def test_the_filter_looks_at_every_frame_and_at_both_ends(tmp_path: Path) -> None:
    """Four frames: three pairs, first to last, last to first, and the side."""
    feature = StaticFlow()
    with weights.stand_ins():
        (found,) = feature.load("cpu")([feature.prepare(Clip(small_clip(tmp_path / "a.mp4", (136, 128), 4), Prompt("a")))])
    assert found.shape == (6,) and found[-1] == 128 and (found[:-1] > 0).all() and found[3] != found[4]


def test_vbench_asks_25_clips_for_flickering_and_takes_the_first_five_static_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "prompts.json"
    rows = [("In a still frame, a stop sign", ["temporal_flickering"]), ("a dog", ["subject_consistency", "dynamic_degree"])]
    path.write_text(json.dumps([{"prompt_en": text, "dimension": tags} for text, tags in rows]))
    prompts = catalog.load("benchmark", "vbench").prompts(path)
    assert [sum(p.cluster == text for p in prompts) for text, _ in rows] == [25, 5]
    for k in range(24):  # the 25th is missing
        write_clip(tmp_path / f"{rows[0][0]}-{k}.mp4", np.full((2, 32, 32, 3), 10 * k, np.uint8), 8)
    write_clip(tmp_path / "a dog-0.mp4", np.zeros((2, 32, 32, 3), np.uint8), 8)
    moving = {f"{rows[0][0]}-{k}" for k in (0, 11)}

    def judged(self: Any, sample: Sample) -> float:
        if sample.id in moving:
            raise Unscorable("The clip is not static; VBench's filter drops it.")
        return 0.5

    metric = type(clip_metric("temporal_flickering@vbench"))
    monkeypatch.setattr(metric, "score", judged)
    monkeypatch.setattr(metric, "uses", clip_metric("temporal_flickering").uses)
    report = avbench.run(tmp_path, "vbench", prompts=path, metrics=["temporal_flickering@vbench"], store=None)
    result = report["temporal_flickering@vbench"]
    assert [int(s.clip.rpartition("-")[2]) for s in result.scores] == [1, 10, 12, 13, 14]  # by name, as the filter reads the folder
    assert {gap.clip for gap in result.missing if "not static" in gap.reason} == moving
    assert [gap.clip for gap in result.missing if gap.kind == "missing"] == [f"{rows[0][0]}-24"]
    assert (result.n.expected, result.n.scored, result.n.failed) == (30, 5, 1)
    assert result.summaries["prompts_under_5"] == 0 and not report.extra
    moving |= {f"{rows[0][0]}-{k}" for k in range(3, 24)}
    fewer = avbench.run(tmp_path, "vbench", prompts=path, metrics=["temporal_flickering@vbench"], store=None)
    assert fewer["temporal_flickering@vbench"].summaries["prompts_under_5"] == 1 and fewer.metrics[0].n.scored == 2


@pytest.mark.parametrize(
    ("name", "feature"), [("subject_consistency@vbench", DinoFrames()), ("background_consistency@vbench", ClipFrames("ViT-B/32"))]
)
def test_more_drift_is_less_consistent(name: str, feature: Feature) -> None:
    rng = np.random.default_rng(0)
    start, noise = rng.standard_normal(64), rng.standard_normal((10, 64))
    scores = []
    for drift in (0.0, 0.1, 0.5, 2.0):
        sample = sample_of("a", {feature: (start + drift * noise.cumsum(axis=0)).astype(np.float32)})
        scores.append(clip_metric(name).score(sample))
        assert clip_metric(name).details(sample) == {"frames": 9.0}
    assert scores[0] == pytest.approx(1.0) and scores == sorted(scores, reverse=True) and len(set(scores)) == 4


def sets(feature: Feature, shift: float, count: int = 60, size: int = 400) -> tuple[list[Sample], list[Sample]]:
    rng = np.random.default_rng(1)
    sides = []
    for offset in (shift, 0.0):
        vectors = rng.standard_normal((count, size)).astype(np.float32) + np.float32(offset)
        sides.append([sample_of(str(i), {feature: vector[None]}) for i, vector in enumerate(vectors)])
    return sides[0], sides[1]


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("fvd")] + ["kvd@fixed"])
def test_another_distribution_is_further_away(name: str) -> None:
    metric = set_metric(name)
    size = 100 if "cdfvd" in name else 400  # scipy's root of larger matrices takes long
    near, far, further = (metric.score(*sets(metric.uses[0], shift, size=size)) for shift in (0.0, 0.5, 1.5))
    assert near < far < further


def test_kvd_of_javisbench_does_not_see_the_mean() -> None:
    fixed, javisbench = set_metric("kvd@fixed"), set_metric("kvd@javisbench")
    assert fixed.score(*sets(fixed.uses[0], 1.5)) > 10
    assert abs(javisbench.score(*sets(javisbench.uses[0], 1.5)) - javisbench.score(*sets(javisbench.uses[0], 0.0))) < 1e-4


def test_javisbench_takes_the_first_clips_of_both_sets_and_fixed_takes_all() -> None:
    ours, theirs = sets(I3dLogits("javisbench"), 0.3)
    metric = set_metric("fvd@javisbench")
    assert metric.score(ours[:40], theirs) == metric.score(ours[:40], theirs[:40]) != metric.score(ours, theirs)
    ours, theirs = sets(I3dLogits("fixed"), 0.3)
    metric = set_metric("fvd@fixed")
    assert metric.score(ours[:40], theirs) != metric.score(ours[:40], theirs[:40])


def test_javisbench_maps_black_to_grey_and_fixed_does_not(tmp_path: Path) -> None:
    frames = np.zeros((33, 64, 128, 3), np.uint8)
    write_clip(tmp_path / "a.mp4", frames, 16)
    clip = Clip(tmp_path / "a.mp4", Prompt("a"))
    official, fixed = I3dLogits("javisbench").prepare(clip), I3dLogits("fixed").prepare(Clip(clip.path, clip.prompt))
    assert official.shape == fixed.shape == (24, 224, 224, 3)
    assert official.min() == 127 and official.max() <= 128 and fixed.max() <= 1


def test_strides_of_fixed_do_not_grow_with_the_clip(tmp_path: Path) -> None:
    """Frames whose grey level is their number: of 2 s and of 4 s the same two seconds are seen."""
    seen = {}
    for protocol, feature in (("fixed", I3dLogits("fixed")), ("javisbench", I3dLogits("javisbench"))):
        for count in (48, 96):
            levels = np.arange(count, dtype=np.uint8) * 2 + 30
            frames = np.repeat(levels, 64 * 64 * 3).reshape(count, 64, 64, 3)
            write_clip(tmp_path / f"{count}.mp4", frames, 24, crf=1)
            seen[protocol, count] = feature.prepare(Clip(tmp_path / f"{count}.mp4", Prompt("a")))[:, 112, 112, 0].astype(int)
    assert np.abs(seen["fixed", 48] - seen["fixed", 96]).max() <= 2
    assert np.abs(seen["javisbench", 48] - seen["javisbench", 96]).max() > 20


def flow(top: float, component: float, length: float, pairs: int = 8, step: float = 0.125, side: float = 256.0) -> Array:
    return np.stack([np.full(pairs, value) for value in (top, component, length, step, side)])


def test_dynamic_degree_of_a_fast_and_a_slow_clip() -> None:
    for name in ("dynamic_degree@fixed", "dynamic_degree@vbench"):
        metric = clip_metric(name)
        (feature,) = metric.uses
        assert metric.score(sample_of("a", {feature: flow(7.0, 0, 0)})) == 1.0
        assert metric.score(sample_of("a", {feature: flow(5.0, 0, 0)})) == 0.0
    rested, (feature,) = flow(0.0, 0, 0, pairs=1), clip_metric("dynamic_degree").uses
    assert clip_metric("dynamic_degree@vbench").score(sample_of("a", {feature: rested})) == 1.0  # two frames always move there
    assert clip_metric("dynamic_degree@fixed").score(sample_of("a", {feature: rested})) == 0.0


def test_motion_score_of_verse_bench_halves_with_twice_the_rate() -> None:
    official, fixed = clip_metric("motion_score@verse_bench"), clip_metric("motion_score@fixed")
    (feature,) = official.uses
    slow = sample_of("a", {feature: flow(0, 2.0, 3.0, step=1 / 8)})
    fast = sample_of("a", {feature: flow(0, 1.0, 1.5, step=1 / 16)})
    assert (official.score(slow), official.score(fast)) == (2.0, 1.0)
    assert fixed.score(slow) == pytest.approx(fixed.score(fast)) == pytest.approx(3.0 * 8 / 256)


def test_a_clip_that_jumps_is_less_smooth_than_one_at_rest(tmp_path: Path) -> None:
    feature, metric = PredictionErrors(), clip_metric("motion_smoothness@vbench")
    rng = np.random.default_rng(0)
    scores = []
    with weights.stand_ins():
        function = feature.load("cpu")
        for change in (0, 40, 120):
            frames = np.full((3, 128, 128, 3), 100, np.int64)
            frames[1] += rng.integers(0, change + 1, frames[1].shape)
            scores.append(metric.score(sample_of("a", {feature: function([frames.astype(np.uint8)])[0]})))
    assert scores[0] > scores[1] > scores[2]


def test_identity_official_looks_at_one_patch_alone() -> None:
    feature = Dinov3Tokens()
    rng = np.random.default_rng(0)
    tokens = np.repeat(rng.standard_normal((1, 2, 1024)), 5, axis=0).astype(np.float32)
    official, fixed = clip_metric("identity_consistency@verse_bench"), clip_metric("identity_consistency@fixed")
    same = sample_of("a", {feature: tokens})
    assert official.score(same) == pytest.approx(1.0) and fixed.score(same) == pytest.approx(1.0)
    tokens = tokens.copy()
    tokens[1:, 0] = rng.standard_normal((4, 1024))  # another person, the same corner
    other = sample_of("a", {feature: tokens})
    assert official.score(other) == pytest.approx(1.0) and fixed.score(other) < 0.2


def test_the_official_patch_is_where_it_is_said_to_be(tmp_path: Path) -> None:
    """Of all 16 x 16 blocks of a picture the last but one token's embedding is that of rows 208-223, columns 192-207."""
    from avbench_metrics._features.networks import dinov3

    network = testing.rule_fill(dinov3.tiny())
    pictures = torch.zeros(2, 3, 224, 224)
    pictures[1, :, 208:, 192:208] = 1.0
    with torch.no_grad():
        before, after = network.network.embeddings(pictures)
    moved = (before - after).abs().sum(dim=1).nonzero().flatten().tolist()
    assert moved == [len(before) - 2] == [5 + 13 * 14 + 12]


def test_overall_consistency_is_a_cosine() -> None:
    feature = ViClipPair()
    rng = np.random.default_rng(0)
    seen, noise = rng.standard_normal(768), rng.standard_normal(768)
    for name in ("overall_consistency@vbench", "temporal_style@vbench"):
        scores = [
            clip_metric(name).score(sample_of("a", {feature: np.stack([seen, seen + amount * noise])}, text="a ball"))
            for amount in (0.0, 0.5, 2.0)
        ]
        assert scores[0] == pytest.approx(1.0) and scores == sorted(scores, reverse=True)


def test_tokens_of_viclip() -> None:
    """CLIP's start and end, and the end kept in a text that is too long."""
    short, long = tokens_of("A ball"), tokens_of("ball " * 60)
    assert short.tolist()[:4] == [49406, 320, 1069, 49407] and not short[4:].any()
    assert len(long) == 32 and long[0] == 49406 and long[-1] == 49407
    np.testing.assert_array_equal(short, tokens_of("a  BALL"))


@pytest.mark.parametrize(
    "name", ["aesthetic_quality@vbench", "imaging_quality@vbench", "aesthetic_score@fixed", "aesthetic_score@verse_bench"]
)
def test_better_marks_are_better_scores(name: str) -> None:
    metric = clip_metric(name)
    low, high = (sample_of("a", {f: np.full(4, value, np.float32) for f in metric.uses}) for value in (0.2, 0.9))
    assert metric.score(low) < metric.score(high)


def test_scales_of_the_marks() -> None:
    metric = clip_metric("aesthetic_score@verse_bench")
    marks = dict(zip(metric.uses, ([5.0, 7.0], [60.0, 80.0], [0.3, 0.5]), strict=True))
    sample = sample_of("a", {feature: np.asarray(values) for feature, values in marks.items()})
    assert metric.score(sample) == pytest.approx((0.6 + 0.7 + 0.4) / 3)
    (feature,) = clip_metric("imaging_quality@vbench").uses
    assert clip_metric("imaging_quality@vbench").score(sample_of("a", {feature: np.asarray([60.0, 80.0])})) == pytest.approx(0.7)


# ---- totals


def total(name: str) -> Total:
    metric = catalog.load("metric", name)
    assert isinstance(metric, Total)
    return metric


def test_totals_of_vbench() -> None:
    from avbench_metrics._maths import vbench_total as sums

    quality = {f"{name}@vbench": high for name, (_, high, _) in sums.QUALITY.items()}
    for name in ("vbench_quality@fixed", "vbench_quality@official"):
        assert set(total(name).parts) == set(quality)
        assert total(name).score(quality) == pytest.approx(1.0)
    without: dict[str, float | None] = {**quality, "motion_smoothness@vbench": None}
    with pytest.raises(Unscorable, match="motion_smoothness"):
        total("vbench_quality@fixed").score(without)
    assert total("vbench_quality@official").score(without) == pytest.approx((5.5 - 2.4220) / 6.5, abs=1e-4)
    every: dict[str, float | None] = {**quality, "overall_consistency@vbench": 0.364, "temporal_style@vbench": 0.0}
    assert total("vbench_semantic@measured").score(every) == pytest.approx(0.5)
    assert total("vbench_total@measured").score(every) == pytest.approx(4.5 / 5)
    for name in ("vbench_semantic@measured", "vbench_total@measured"):
        with pytest.raises(Unscorable, match="temporal_style"):
            total(name).score({**every, "temporal_style@vbench": None})
    official = total("vbench_total@official").score(
        {**quality, "overall_consistency@vbench": 0.364, "temporal_style@vbench": 0.364}
    )
    assert official == pytest.approx((4 + (2 - 0.0009 / 0.2846) / 9) / 5, abs=1e-6)


def test_every_dimension_is_a_part_or_said_to_be_absent() -> None:
    from avbench_metrics._maths.vbench_total import DIMENSIONS
    from avbench_metrics.video.vbench_total import ABSENT

    absent = {name for name, _ in ABSENT}
    parts = {part.partition("@")[0] for part in total("vbench_total@measured").parts}
    assert parts | absent == set(DIMENSIONS) and not parts & absent
    for name in absent:
        assert name in total("vbench_total@official").card.notes and name not in catalog.entries("metric")


# ---- pictures made small


def test_resizing_equals_torchvision() -> None:
    from avbench.compat import mend_torch

    mend_torch()
    transforms = pytest.importorskip("torchvision").transforms
    modes: tuple[Any, ...] = (
        ("bilinear", transforms.InterpolationMode.BILINEAR),
        ("bicubic", transforms.InterpolationMode.BICUBIC),
    )
    rng = np.random.default_rng(0)
    for size in ((90, 121), (301, 250), (224, 224)):
        frames = rng.integers(0, 256, (2, *size, 3), dtype=np.uint8)
        tensor = torch.from_numpy(frames).permute(0, 3, 1, 2)
        for mode, theirs in modes:
            expected = transforms.Resize(224, interpolation=theirs, antialias=False)(tensor)
            ours = short_side(frames, 224, mode)
            assert np.abs(ours.astype(int) - expected.permute(0, 2, 3, 1).numpy()).max() <= 1
            cropped = transforms.CenterCrop(224)(torch.from_numpy(ours).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
            np.testing.assert_array_equal(centre_crop(ours, 224), cropped.numpy())


def test_other_resizing() -> None:
    frames = np.arange(2 * 600 * 1024 * 3, dtype=np.uint64).reshape(2, 600, 1024, 3).astype(np.uint8)
    assert longest_side(frames, 512).shape == (2, 300, 512, 3)
    assert longest_side(frames, 1024) is frames
    assert squashed(frames, 224, "bilinear").shape == (2, 224, 224, 3)
    assert spread(16, 8).tolist() == [0, 2, 4, 6, 8, 10, 12, 14]
    assert spread(32, 8).tolist() == [1, 5, 9, 13, 17, 21, 25, 29]
    assert spread(3, 8).tolist() == [0, 1, 2] == spread(3, None).tolist()


def test_real_clips(real_data: Path, write_flash: Callable[..., Path]) -> None:
    """What is prepared of a real clip has the sizes that networks take, and little memory."""
    clip = Clip(next(iter(sorted((real_data / "clips/verse_bench_mini").glob("*.mp4")))), Prompt("a", text="a man"))
    assert I3dLogits("javisbench").prepare(clip).shape == (24, 224, 224, 3)
    assert VideoMaeFeature().prepare(Clip(clip.path, clip.prompt)).shape == (16, 256, 256, 3)
    frames = ClipFrames().prepare(Clip(clip.path, clip.prompt))
    assert frames.dtype == np.uint8 and frames.shape == (125, 224, 224, 3)
    pictures, corners = ManiqaQuality(16).prepare(Clip(clip.path, clip.prompt))
    assert len(pictures) == len(corners) == 16 and corners.shape == (16, 20, 2)
